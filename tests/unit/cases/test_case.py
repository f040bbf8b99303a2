"""What people do with a case, and what they are told when it cannot be done."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from services.cases.domain.assignment import Assignment
from services.cases.domain.case import Case
from services.cases.domain.codes import State
from services.cases.domain.contact import Contact, check
from shared.events.teams import Member
from shared.ids import new_id
from shared.refusal import Refused
from tests.unit.cases.examples import NOW, caseload, colleague, kinds, opening

ADA = UUID(int=1)
LATER = NOW + timedelta(hours=2)


def case_of(**changes: Any) -> Case:
    load = caseload(colleague("ana"), colleague("ben"))
    load.receive(opening(ADA))
    (case,) = load.cases.values()
    return replace(case, **changes)


def contact(**more: Any) -> Contact:
    facts: dict[str, Any] = {
        "contact_id": new_id(),
        "case_id": new_id(),
        "mode": "phone",
        "direction": "out",
        "outcome_code": "no_answer",
        "party": "student",
        "by": "ana",
        "at": NOW,
        "next_due": None,
        "recorded_by": "ana",
        "recorded_at": LATER,
    } | more
    return Contact(**facts)


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.code


def test_only_the_owner_accepts_and_only_once() -> None:
    case = case_of()
    assert code_of(lambda: case.accept("ben", NOW)) == "not_the_owner"
    accepted, facts = case.accept("ana", LATER)
    assert kinds(facts) == ["CaseAccepted"]
    assert (accepted.accepted_at, accepted.version, accepted.changed_how) == (LATER, 2, "accepted")
    assert code_of(lambda: accepted.accept("ana", LATER)) == "already_accepted"
    assert code_of(lambda: accepted.decline("ana", "capacity", LATER)) == "already_accepted"


def test_a_declined_case_goes_to_the_next_and_never_back() -> None:
    load = caseload(colleague("ana"), colleague("ben"))
    load.receive(opening(ADA))
    owners = []
    for _ in range(2):
        (case,) = load.cases.values()
        owners.append(case.owner_id)
        declined, _ = case.decline(str(case.owner_id), "capacity", LATER)
        load.put(declined)
        assert kinds(load.pass_on(declined)) == ["CaseAssigned"]
    (case,) = load.cases.values()
    assert owners == ["ana", "ben"]
    assert (case.owner_id, case.state, case.assignment.code) == (None, State.NEW, "nobody_available")
    assert load.loads == {"ana": 0, "ben": 0}


def test_the_first_attempt_is_outreach_and_the_first_answer_engagement() -> None:
    tried, (fact,) = case_of().record_contact(contact())
    assert (tried.state, tried.first_attempt_at) == (State.OUTREACH, NOW)
    assert (fact.attempt, fact.two_way) == (1, False)  # type: ignore[attr-defined]
    reached, (fact,) = tried.record_contact(contact(outcome_code="reached", at=LATER))
    assert (reached.state, reached.engaged_at, reached.first_attempt_at) == (State.ENGAGED, LATER, NOW)
    assert (fact.attempt, fact.two_way) == (2, True)  # type: ignore[attr-defined]
    again, _ = reached.record_contact(contact())
    assert again.state == State.ENGAGED
    before = NOW - timedelta(days=1)
    later, _ = reached.record_contact(contact(outcome_code="reached", at=before))  # happened first, recorded last
    assert (later.first_attempt_at, later.engaged_at) == (before, before)


def test_a_student_who_calls_is_engaged_and_talking_to_a_parent_reaches_nobody() -> None:
    called, _ = case_of().record_contact(contact(direction="in", outcome_code="left_message"))
    assert called.state == State.ENGAGED
    parent, (fact,) = case_of().record_contact(contact(party="parent", outcome_code="reached"))
    assert (parent.state, parent.first_attempt_at, parent.contacts) == (State.ASSIGNED, None, 1)
    assert not fact.two_way  # type: ignore[attr-defined]


def test_a_contact_cannot_lie_in_the_future_nor_far_back_nor_be_due_before_it_was() -> None:
    assert code_of(lambda: check(contact(at=LATER + timedelta(hours=1)))) == "in_the_future"
    assert code_of(lambda: check(contact(next_due=NOW))) == "due_before"
    assert (
        code_of(lambda: check(contact(at=datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))))) == "too_long_ago"
    )
    assert code_of(lambda: check(contact(next_due=datetime.max.replace(tzinfo=UTC)))) == "too_far_ahead"
    good = contact(next_due=LATER)
    assert check(good) is good


def test_a_clock_that_was_met_stays_when_the_level_rises() -> None:
    tried, _ = case_of(outreach_due=LATER).record_contact(contact())
    assert tried.raise_level("critical", NOW, LATER).outreach_due == LATER
    assert case_of(outreach_due=LATER).raise_level("critical", NOW, LATER).outreach_due == NOW
    assert case_of(outreach_due=None).raise_level("critical", None, LATER).outreach_due is None


def test_another_owner_must_accept_anew_and_work_begun_stays_begun() -> None:
    case = case_of(state=State.OUTREACH, accepted_at=NOW)
    moved, (fact,) = case.assign(Assignment("person", "ben", by="sam"), LATER)
    assert (moved.owner_id, moved.accepted_at, moved.state) == ("ben", None, State.OUTREACH)
    assert (fact.owner_id, fact.previous_owner_id, fact.assigned_by) == ("ben", "ana", "sam")  # type: ignore[attr-defined]
    assert code_of(lambda: moved.require_reassignable("ben")) == "already_theirs"


def test_combining_keeps_everything_of_both() -> None:
    duty = Member(staff_id="uma", capacity="duty", since=NOW, until=LATER)
    other = case_of(
        student_id=None, concerns=("eating", "mood"), level="critical", state=State.ENGAGED, contacts=2,
        first_attempt_at=NOW, engaged_at=NOW, members=(duty,),
    )  # fmt: skip
    case = case_of(level="mild", first_attempt_at=LATER)
    kept, facts = case.take_over(other, "sam", LATER)
    gone = other.give_way(case.case_id, "sam", LATER)

    assert kinds(facts) == ["CasesCombined"]
    assert kept.referrals == (*case.referrals, *other.referrals)
    assert (kept.added_concerns, kept.level, kept.state, kept.contacts) == (("eating",), "critical", State.ENGAGED, 2)
    assert (kept.first_attempt_at, kept.engaged_at) == (NOW, NOW)
    assert duty in kept.team(()).members
    assert (gone.state, gone.merged_into, gone.ended_at) == (State.MERGED, case.case_id, LATER)
    assert gone.raise_level("critical", None, LATER) is gone
    for act in (gone.accept, lambda by, at: gone.decline(by, "other", at)):
        assert code_of(lambda act=act: act("ana", LATER)) == "not_open"  # type: ignore[misc]
    assert code_of(lambda: gone.record_contact(contact())) == "not_open"


def test_the_team_is_the_owner_and_whoever_was_let_in_and_nobody_once_merged() -> None:
    case = case_of()
    let_in = case.grant(Member(staff_id="uma", capacity="duty", since=NOW, until=LATER), NOW)
    team = let_in.team(("zed",))
    assert [(member.staff_id, member.capacity) for member in team.members] == [("ana", "owner"), ("uma", "duty")]
    assert (team.sequence, team.recused, team.status, team.referrals) == (2, ("zed",), "active", case.referrals)
    over = let_in.give_way(new_id(), "sam", LATER).team(())
    assert (over.status, over.members, over.owner_id, over.referrals) == ("removed", (), None, ())
    unowned, _ = case.assign(Assignment("nobody_available"), LATER)
    assert unowned.team(()).members == ()
