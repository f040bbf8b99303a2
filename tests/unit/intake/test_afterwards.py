"""What happens to a referral after it came."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.intake.domain.afterwards import added_to, reopened, retracted, still_open
from services.intake.domain.referrals import Referral, receive
from services.intake.domain.screening import Screening
from shared.events import Event
from shared.events.codes import Level
from shared.ids import new_id
from shared.program.rules import Triage
from shared.refusal import Refused
from tests.unit.intake.test_triage import incoming

NOW = datetime(2026, 9, 14, 10, tzinfo=UTC)
QUIET = Screening("en", (), (), (), "other", Level.NONE, "screening")
DANGER = replace(QUIET, categories=("danger",), concerns=("self_harm",), family="safety_self", level=Level.CRITICAL)
MISCONDUCT = replace(
    QUIET, categories=("sex_based_misconduct",), concerns=("sexual_misconduct",), family="misconduct_sex"
)


def referral(**changes: Any) -> Referral:
    made, _ = receive(incoming(), QUIET, None, Triage(rules=()), NOW)
    return replace(made, **changes)


def add(to: Referral, said: Screening) -> tuple[Referral, list[str]]:
    told, facts = added_to(to, said, message_id=new_id(), kind="addition", asked_by="", now=NOW)
    assert [fact.sequence for fact in facts] == list(range(to.version + 1, told.version + 1))
    return told, names(facts)


def names(facts: tuple[Event, ...]) -> list[str]:
    return [type(fact).__name__ for fact in facts]


def test_an_addition_that_says_nothing_grave_is_told_and_changes_nothing_else() -> None:
    told, facts = add(referral(), QUIET)
    assert facts == ["ReferralAddedTo"]
    same = {"referral_id": told.referral_id, "source_event_id": told.source_event_id, "reference": told.reference}
    assert replace(told, version=1) == referral(**same, marks=("heard",))


def test_danger_in_an_addition_is_raised_as_a_cause_of_its_own() -> None:
    told, facts = add(referral(), DANGER)
    assert facts == ["DangerRaised", "ReferralAddedTo"]
    assert (told.level, told.family, told.danger) == ("critical", "safety_self", True)
    calmer, _ = add(told, QUIET)
    assert calmer.level == "critical"


def test_misconduct_in_an_addition_goes_behind_the_wall_and_is_reported_once() -> None:
    told, facts = add(referral(), MISCONDUCT)
    assert facts == ["MisconductReported", "ReferralAddedTo"]
    assert (told.sensitivity, told.family) == ("titleix", "misconduct_sex")
    assert add(told, MISCONDUCT)[1] == ["ReferralAddedTo"]


@pytest.mark.parametrize(("state", "decision"), [("triaged", "watch_no_case"), ("triaged", "spam"), ("retracted", "")])
def test_what_was_closed_comes_back_to_the_desk_with_what_is_added(state: str, decision: str) -> None:
    told, facts = add(referral(state=state, decision=decision), QUIET)
    assert facts[-1] == "ReferralReopened"
    assert (told.state, told.decision) == ("matching", "")


def test_what_a_case_holds_stays_there() -> None:
    told, facts = add(referral(state="triaged", decision="open_case", family="health"), DANGER)
    assert facts == ["DangerRaised", "ReferralAddedTo"]
    assert (told.state, told.family) == ("triaged", "health")


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "retracted"),
        ({"found_by": "screening"}, "matching"),
        ({"sensitivity": "titleix"}, "matching"),
        ({"state": "triaged", "decision": "open_case"}, "triaged"),
    ],
)
def test_only_what_obliges_nobody_leaves_the_desk_when_it_is_taken_back(changes: dict[str, Any], state: str) -> None:
    back, (fact,) = retracted(referral(**changes), "referrer", "mistake", NOW)
    assert back.state == state
    assert "retracted" in back.marks
    assert fact.left_desk is (state == "retracted")  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="already_retracted"):
        retracted(back, "ana", "mistake", NOW)


def test_reopening_needs_something_decided_that_is_not_a_case() -> None:
    for state, decision, code in (("matching", "", "not_decided"), ("triaged", "attach", "in_a_case")):
        with pytest.raises(Refused, match=code):
            reopened(referral(state=state, decision=decision), "ana", "x", NOW)
    again, facts = reopened(referral(state="triaged", decision="spam", student_id=new_id()), "ana", "x", NOW)
    assert (again.state, again.status, names(facts)) == ("triage_due", "reviewed", ["ReferralReopened"])


def test_what_is_decided_or_taken_back_is_not_decided_otherwise() -> None:
    still_open(referral())
    for state, code in (("triaged", "already_triaged"), ("retracted", "retracted")):
        with pytest.raises(Refused, match=code):
            still_open(referral(state=state))
