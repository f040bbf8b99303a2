"""Triage by rule, and what people may still do with a referral."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.intake.domain.lexicon import in_force
from services.intake.domain.referrals import About, Incoming, Match, Referral, matched, receive, triaged
from services.intake.domain.screening import screen
from services.intake.domain.triage import Facts, decide_by_rule
from services.intake.usecases.screening import shipped
from shared.events import Event
from shared.events.codes import Decision
from shared.program import Program
from shared.program.rules import Triage, TriageRule, When
from shared.refusal import Refused

NOW = datetime(2026, 9, 14, 12, tzinfo=UTC)
SHIPPED = Program().triage("NORTH", NOW)
FACTS = Facts("faculty", "api", ("mood",), "routine", "mild", "health", matched=True)
STUDENT = UUID(int=7)
WORD_LISTS = in_force(shipped(), NOW)


def only(decision: str = "open_case", **when: Any) -> Triage:
    return Triage(rules=(TriageRule(name="one", when=When(**when), decision=decision, reason_code="because"),))


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({}, True),
        ({"source_kinds": ("faculty", "staff")}, True),
        ({"source_kinds": ("peer",)}, False),
        ({"channels": ("file",)}, False),
        ({"urgencies": ("routine",)}, True),
        ({"families": ("health",)}, True),
        ({"except_families": ("health",)}, False),
        ({"concerns": ("grades", "mood")}, True),
        ({"concerns": ("grades",)}, False),
        ({"min_level": "mild"}, True),
        ({"min_level": "moderate"}, False),
        ({"max_level": "none"}, False),
        ({"max_level": "elevated"}, True),
        ({"matched": True}, True),
        ({"matched": False}, False),
        ({"source_kinds": ("faculty",), "matched": False}, False),
    ],
)
def test_a_rule_decides_where_all_of_its_conditions_hold(when: dict[str, Any], holds: bool) -> None:
    assert (decide_by_rule(only(**when), FACTS) is not None) is holds


def test_the_first_rule_wins_and_one_may_leave_it_to_a_person() -> None:
    first, second = only(decision="triage_due").rules[0], only().rules[0]
    assert decide_by_rule(Triage(rules=(first, second)), FACTS) is None
    assert decide_by_rule(Triage(rules=(second, first)), FACTS) == second


def incoming(**more: Any) -> Incoming:
    facts: dict[str, Any] = {
        "referral_id": UUID(int=1),
        "reference": "K7Q-2M4X-9RTD",
        "campus": "NORTH",
        "about": About(),
        "concerns": (),
        "urgency": "routine",
        "narrative": "Quiet lately.",
        "relationship": "",
        "source_kind": "peer",
        "channel": "api",
        "source": "api",
        "source_event_id": "1",
        "live": True,
    }
    return Incoming(**facts | more)


def taken_in(match: Match | None = None, **more: Any) -> tuple[Referral, tuple[Event, ...]]:
    what = incoming(**more)
    screening = screen(WORD_LISTS, what.narrative, what.concerns, what.urgency)
    return receive(what, screening, match, SHIPPED, NOW)


def test_danger_is_told_first_and_opens_a_case_for_nobody_known() -> None:
    referral, facts = taken_in(narrative="He is going to kill himself.")
    assert [type(fact).__name__ for fact in facts] == ["DangerRaised", "ReferralReceived", "ReferralTriaged"]
    assert [fact.sequence for fact in facts] == [1, 2, 3]
    assert (referral.version, referral.state, referral.student_id) == (3, "triaged", None)


def test_what_no_rule_decides_waits_for_a_match_or_for_a_person() -> None:
    assert taken_in()[0].state == "matching"
    assert taken_in(Match(STUDENT, "exact_id"))[0].state == "triage_due"


def test_misconduct_waits_for_the_coordinator_even_with_danger() -> None:
    referral, facts = taken_in(Match(STUDENT, "exact_id"), narrative="Her partner beat her. She wants to die.")
    assert (referral.sensitivity, referral.state, referral.family) == ("titleix", "triage_due", "misconduct_sex")
    assert [type(fact).__name__ for fact in facts] == ["DangerRaised", "MisconductReported", "ReferralReceived"]


def test_only_what_did_not_come_live_can_be_late() -> None:
    old = NOW - timedelta(hours=7)
    live, filed = taken_in(happened_at=old)[0], taken_in(happened_at=old, live=False)[0]
    assert not live.is_late(6)
    assert filed.is_late(6)
    assert not filed.is_late(8)


def test_a_person_decides_once() -> None:
    referral, _ = taken_in(Match(STUDENT, "exact_id"))
    done, (fact,) = triaged(referral, Decision.OPEN_CASE, "named_concern", "sam", NOW)
    assert (done.state, done.status, done.decided_by, fact.sequence) == ("triaged", "reviewed", "sam", 2)
    with pytest.raises(Refused, match="already_triaged"):
        triaged(done, Decision.SPAM, "spam", "sam", NOW)
    with pytest.raises(Refused, match="not_a_decision"):
        triaged(referral, Decision.TRIAGE_DUE, "later", "sam", NOW)
    with pytest.raises(Refused, match="not_matched"):
        triaged(taken_in()[0], Decision.ATTACH, "same_matter", "sam", NOW)


def test_a_match_is_said_once_and_never_overwritten() -> None:
    referral, _ = taken_in()
    known, (fact,) = matched(referral, STUDENT, "sam", SHIPPED, NOW)
    assert (known.student_id, known.state, known.match_basis, fact.sequence) == (STUDENT, "triage_due", "person", 2)
    assert matched(known, STUDENT, "sam", SHIPPED, NOW) == (known, ())
    with pytest.raises(Refused, match="already_matched"):
        matched(known, UUID(int=8), "sam", SHIPPED, NOW)


def test_a_match_after_triage_changes_no_decision() -> None:
    referral = replace(taken_in()[0], state="triaged", decision="watch_no_case")
    known, facts = matched(referral, STUDENT, "sam", SHIPPED, NOW)
    assert (known.state, known.decision, len(facts)) == ("triaged", "watch_no_case", 1)


def test_a_match_lets_a_rule_decide_that_waited_for_it() -> None:
    referral, _ = taken_in(source_kind="faculty", concerns=("grades",))
    known, facts = matched(referral, STUDENT, "sam", SHIPPED, NOW)
    assert (known.state, known.decided_by) == ("triaged", "rule:known_student_from_staff")
    assert [type(fact).__name__ for fact in facts] == ["ReferralMatched", "ReferralTriaged"]
