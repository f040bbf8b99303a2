from datetime import timedelta
from typing import Any

import pytest

from services.program.domain.policies import value_faults
from shared.program import DEFAULTS
from tests.unit.program.documents import MINIMAL, NOW, applied, faults

STEP = {"targets": ["duty"], "wait_minutes": 1}
RULE = {"name": "a", "family": "academic", "level": "mild"}
FALL = {"term": "F", "starts": "2026-08-24", "ends": "2026-12-18"}


def late(*editions: tuple[str, str, float], campus: str = "*") -> dict[str, Any]:
    return {
        "campus": campus,
        "name": "late",
        "editions": [
            {"edition": name, "effective_from": f"{day}T00:00:00Z", "values": {"hours": hours}}
            for name, day, hours in editions
        ],
    }


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_shipped_policy_could_be_published_as_it_is(name: str) -> None:
    assert value_faults(name, DEFAULTS[name]) == []
    assert value_faults(name, {}) == []


@pytest.mark.parametrize(
    ("name", "values", "place"),
    [
        ("late", {"hours": "six"}, "hours"),
        ("late", {"hours": 0}, "hours"),
        ("late", {"hours": None}, "hours"),
        ("late", {"hour": 6}, "hour"),
        ("grants", {"hours": -1}, "hours"),
        ("paging", {"critical": []}, "critical"),
        ("paging", {"critical": {"steps": []}}, "critical/steps"),
        ("paging", {"critical": {"steps": [STEP, {**STEP, "wait_minutes": 0}]}}, "critical/steps/1/wait_minutes"),
        ("paging", {"critical": {"steps": [{**STEP, "targets": []}]}}, "critical/steps/0/targets"),
        ("paging", {"critical": {"steps": [{**STEP, "targets": ["duty", "dean"]}]}}, "critical/steps/0/targets/1"),
        ("paging", {"critical": {"steps": [{**STEP, "wait": 1}]}}, "critical/steps/0/wait"),
        ("paging", {"titleix": {"steps": [STEP]}}, "titleix/steps/0/targets/0"),
        ("paging", {"titleix": {"unreached_targets": ["system"]}}, "titleix/unreached_targets/0"),
        ("paging", {"moderate": {}}, "moderate"),
        ("clocks", {"outreach_business_days": {"critical": 0}}, "outreach_business_days/critical"),
        ("clocks", {"outreach_business_days": {"grave": 1}}, "outreach_business_days/grave"),
        ("threshold", {"flags": 2, "courses": 3}, "courses"),
        ("threshold", {"family": "grades"}, "family"),
        ("threshold", {"level": "severe"}, "level"),
        ("threshold", {"flags": 10**30}, "flags"),
        ("threshold", {"flaks": 3}, "flaks"),
        ("threshold", {"rules": [{"name": "a", "family": "academic"}]}, "rules/0"),
        ("threshold", {"rules": [{**RULE, "courses": 2}]}, "rules/0/courses"),
        ("threshold", {"rules": [{**RULE, "from_week": 5, "to_week": 4}]}, "rules/0/to_week"),
        ("threshold", {"rules": [{**RULE, "at_once": True}]}, "rules/0/reasons"),
        ("threshold", {"rules": [{**RULE, "family": "misconduct_sex"}]}, "rules/0/family"),
        ("threshold", {"rules": [RULE, RULE]}, "rules/1/name"),
        ("threshold", {"rules": [{**RULE, "mode": "silent"}]}, "rules/0/mode"),
        ("terms", {"terms": [{"term": "F", "starts": "2026-09-01", "ends": "2026-08-01"}]}, "terms/0/ends"),
        ("terms", {"terms": [FALL, FALL]}, "terms/1/term"),
        ("capacity", {"cohort": "school"}, "cohort"),
        (
            "triage",
            {"rules": [{"name": "x", "when": {}, "decision": "attach", "reason_code": "y"}]},
            "rules/0/decision",
        ),
        ("triage", {"rules": [{"name": "x", "when": {}, "decision": "spam"}]}, "rules/0"),
        (
            "triage",
            {"rules": [{"name": "x", "when": {"families": ["x"]}, "decision": "spam", "reason_code": "y"}]},
            "rules/0/when/families/0",
        ),
        (
            "triage",
            {"rules": [{"name": "x", "when": {"min_level": "x"}, "decision": "spam", "reason_code": "y"}]},
            "rules/0/when/min_level",
        ),
        (
            "triage",
            {"rules": [{"name": "x", "when": {}, "decision": "spam", "reason_code": "y"}] * 2},
            "rules/1/name",
        ),
        ("emergency_contacts", {"email": ["nobody"]}, "email/0"),
        ("assignment", {"max_load": 0}, "max_load"),
    ],
)
def test_what_is_wrong_with_a_value_is_pointed_at(name: str, values: dict[str, Any], place: str) -> None:
    assert ["/".join(map(str, found)) for found, _ in value_faults(name, values)] == [place]


def test_minutes_may_be_fractions_and_a_clock_may_be_none() -> None:
    values = {"critical": {"steps": [{"targets": ["duty"], "wait_minutes": 0.05}], "contact_minutes": None}}

    assert value_faults("paging", values) == []
    assert value_faults("clocks", {"outreach_business_days": {"none": None}}) == []


def test_a_rule_may_leave_to_a_person_what_later_rules_would_take() -> None:
    rule = {"name": "police", "when": {"source_kinds": ["police"]}, "decision": "triage_due", "reason_code": "police"}

    assert value_faults("triage", {"rules": [rule]}) == []


def test_faults_of_values_are_pointed_at_within_the_document() -> None:
    broken = late(("one", "2026-01-01", 6), ("two", "2026-04-01", -6))

    assert list(faults(**MINIMAL, policies=[broken])) == ["policies/0/editions/1/values/hours"]


def test_a_policy_nobody_reads_is_refused_with_the_names_there_are() -> None:
    found = faults(**MINIMAL, policies=[{**late(("one", "2026-01-01", 6)), "name": "lateness"}])

    assert list(found) == ["policies/0/name"]
    assert "emergency_contacts" in found["policies/0/name"]


def test_a_policy_is_of_a_campus_there_is_and_has_an_edition() -> None:
    assert list(faults(**MINIMAL, policies=[late(("one", "2026-01-01", 6), campus="EAST")])) == ["policies/0/campus"]
    assert list(faults(**MINIMAL, policies=[late()])) == ["policies/0/editions"]


def test_editions_differ_in_name_and_in_date() -> None:
    same_date = late(("one", "2026-01-01", 6), ("two", "2026-01-01", 5))
    same_name = late(("one", "2026-01-01", 6), ("one", "2026-02-01", 5))

    assert list(faults(**MINIMAL, policies=[same_date])) == ["policies/0/editions/1/effective_from"]
    assert list(faults(**MINIMAL, policies=[same_name])) == ["policies/0/editions/1/edition"]


def test_an_edition_that_has_begun_stays_as_it_is_because_decisions_say_they_followed_it() -> None:
    stored = applied(**MINIMAL, policies=[late(("one", "2026-01-01", 6))])

    assert list(faults(stored, policies=[late(("one", "2026-01-01", 5))])) == ["policies/0/editions/0"]
    assert list(faults(stored, policies=[late(("two", "2026-03-01", 5))])) == ["policies/0/editions"]
    assert faults(stored, policies=[late(("one", "2026-01-01", 6), ("two", "2026-03-01", 5))]) == {}


def test_a_new_edition_cannot_slip_in_before_the_one_in_force() -> None:
    stored = applied(**MINIMAL, policies=[late(("one", "2026-01-01", 6), ("two", "2026-02-01", 5))])
    slipped = late(("one", "2026-01-01", 6), ("between", "2026-01-15", 1), ("two", "2026-02-01", 5))

    assert list(faults(stored, policies=[slipped])) == ["policies/0/editions/1/effective_from"]


def test_an_edition_that_has_not_begun_may_be_changed_and_withdrawn() -> None:
    stored = applied(**MINIMAL, policies=[late(("one", "2026-01-01", 6), ("two", "2026-04-01", 5))])

    assert faults(stored, policies=[late(("one", "2026-01-01", 6), ("two", "2026-05-01", 4))]) == {}
    assert faults(stored, policies=[late(("one", "2026-01-01", 6))]) == {}
    assert list(faults(stored, at=NOW + timedelta(days=60), policies=[late(("one", "2026-01-01", 6))])) == [
        "policies/0/editions"
    ]


def test_a_removed_policy_may_begin_anew() -> None:
    stored = applied(**MINIMAL, policies=[late(("one", "2026-01-01", 6))])
    stored = applied(stored, policies=[{"campus": "*", "name": "late", "status": "removed"}])

    assert faults(stored, policies=[late(("one", "2026-01-01", 5))]) == {}
