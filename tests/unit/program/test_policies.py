import json

import msgspec
import pytest

from shared.events.codes import Family, Level
from shared.program import DEFAULTS, RULES, TARGETS, Paging, Program, read
from shared.program.policies import complete
from shared.telemetry import counters
from tests.unit.program.samples import edition, policy, program, utc

NOW = utc("2026-03-02 12:00")


def test_the_shipped_policies_are_the_ones_of_the_design() -> None:
    view = Program()
    paging = view.paging("NORTH", NOW)

    assert [(step.targets, step.wait_minutes) for step in paging.critical.steps] == [
        (("duty", "related_on_duty"), 2),
        (("duty_backup",), 2),
        (("director",), 2),
        (("system",), 2),
    ]
    assert (paging.critical.repeat_minutes, paging.critical.contact_minutes) == (5, 30)
    assert [(set(step.targets), step.wait_minutes) for step in paging.elevated.steps] == [
        ({"duty", "related_on_duty"}, 10),
        ({"team"}, 10),
        ({"duty_backup"}, 10),
        ({"system"}, 10),
    ]
    assert paging.elevated.contact_minutes == 4 * 60
    assert [step.targets for step in paging.titleix.steps] == [("titleix_coordinator",), ("titleix_deputy",)]
    personal, rule = view.flag_rules("NORTH", NOW)
    assert (personal.at_once, personal.reasons) == (True, ("PERSONAL_CONCERN",))
    assert (rule.flags, rule.days, rule.courses, rule.min_severity) == (3, 21, 2, 1)
    assert view.terms("NORTH", NOW) == ()
    assert view.capacity("NORTH", NOW).referrals_per_week is None
    assert view.flag_days("NORTH", NOW) is None
    assert view.clocks("NORTH", NOW).report_to_case_business_hours == 48
    assert {view.clocks("NORTH", NOW).outreach_business_days.of(level) for level in Level} == {3}
    assert view.late_hours("NORTH", NOW) == 6
    assert view.grant_hours("NORTH", NOW) == 72
    assert view.emergency_contacts("NORTH", NOW) == ()
    assert view.assignment("NORTH", NOW).relation_months == 24
    assert view.assignment("NORTH", NOW).max_load is None
    assert {rule.name for rule in view.triage("NORTH", NOW).rules} >= {"threshold_reached", "danger"}
    assert view.policy("late", "NORTH", NOW).edition == "shipped"


@pytest.mark.parametrize("name", RULES)
def test_every_shipped_policy_is_plain_json_and_says_everything_its_type_asks_for(name: str) -> None:
    values = json.loads(json.dumps(DEFAULTS[name]))

    assert msgspec.convert(values, RULES[name]) == Program().policy(name, "NORTH", NOW).rules


def test_shipped_policies_use_only_known_targets_and_families() -> None:
    paging = Program().paging("NORTH", NOW)
    lines = (paging.critical, paging.elevated, paging.titleix)
    named = {target for line in lines for step in line.steps for target in step.targets}

    assert named | {target for line in lines for target in line.unreached_targets} <= set(TARGETS)
    assert {rule.family for rule in Program().flag_rules("NORTH", NOW)} <= set(Family)


def test_no_shipped_rule_decides_a_report_of_sexual_misconduct() -> None:
    for rule in Program().triage("NORTH", NOW).rules:
        assert "misconduct_sex" in rule.when.except_families or rule.when.source_kinds == ("rule",)


def test_a_policy_is_the_campuss_else_the_systems_else_the_shipped_one() -> None:
    view = program(
        policy("late", edition("north-1", "2026-02-01 00:00", hours=1)),
        policy("late", edition("system-1", "2026-01-01 00:00", hours=2), code="*"),
    )

    assert view.late_hours("NORTH", NOW) == 1
    assert view.late_hours("NORTH", utc("2026-01-15 00:00")) == 2
    assert view.late_hours("NORTH", utc("2025-12-31 00:00")) == 6
    assert view.late_hours("SOUTH", NOW) == 2
    assert view.policy("late", "SOUTH", NOW).campus == "*"
    assert view.policy("late", "NORTH", NOW).edition == "north-1"


def test_an_edition_is_in_force_from_its_instant_on_whatever_the_order_they_are_listed_in() -> None:
    view = program(
        policy("late", edition("second", "2026-03-01 00:00", hours=2), edition("first", "2026-01-01 00:00", hours=1))
    )

    assert view.policy("late", "NORTH", utc("2026-02-28 23:59")).edition == "first"
    assert view.policy("late", "NORTH", utc("2026-03-01 00:00")).edition == "second"


def test_what_an_edition_leaves_out_is_as_shipped_and_a_list_is_replaced_whole() -> None:
    steps = [{"targets": ["director"], "wait_minutes": 0.05}]
    view = program(policy("paging", edition("short", "2026-01-01 00:00", critical={"steps": steps})))
    paging = view.paging("NORTH", NOW)

    assert [(step.targets, step.wait_minutes) for step in paging.critical.steps] == [(("director",), 0.05)]
    assert paging.critical.contact_minutes == 30
    assert paging.elevated == Program().paging("NORTH", NOW).elevated
    assert DEFAULTS["paging"]["critical"]["steps"] != steps


def test_the_values_frozen_into_a_page_are_complete_json_and_read_back_the_same() -> None:
    view = program(policy("paging", edition("short", "2026-01-01 00:00", critical={"repeat_minutes": 1})))
    frozen = json.loads(json.dumps(view.policy("paging", "NORTH", NOW).values))

    assert read(Paging, frozen) == view.paging("NORTH", NOW)


def test_values_this_release_cannot_read_give_way_to_the_next_in_line_and_are_counted() -> None:
    before = counters["policies_unreadable"]
    view = program(policy("late", edition("odd", "2026-01-01 00:00", hours="soon")))

    assert view.late_hours("NORTH", NOW) == 6
    assert view.late_hours("NORTH", NOW) == 6
    assert counters["policies_unreadable"] == before + 1


def test_a_newer_releases_additional_value_is_ignored() -> None:
    view = program(policy("late", edition("new", "2026-01-01 00:00", hours=3, grace="yes")))

    assert view.late_hours("NORTH", NOW) == 3


def test_a_removed_policy_no_longer_holds() -> None:
    gone = policy("late", edition("north-1", "2026-02-01 00:00", hours=1))

    assert program(msgspec.structs.replace(gone, status="removed")).late_hours("NORTH", NOW) == 6


def test_a_name_no_policy_has_is_an_error_of_the_program() -> None:
    with pytest.raises(KeyError):
        Program().policy("lateness", "NORTH", NOW)


def test_completing_values_changes_neither_them_nor_the_shipped_ones() -> None:
    values = {"critical": {"repeat_minutes": 1}}
    shipped = json.dumps(DEFAULTS["paging"])

    complete("paging", values)["critical"]["contact_minutes"] = 1

    assert values == {"critical": {"repeat_minutes": 1}}
    assert json.dumps(DEFAULTS["paging"]) == shipped
