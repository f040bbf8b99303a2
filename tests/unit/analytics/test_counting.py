"""What is counted, when, and that telling it again changes nothing."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analytics.domain.counting import BY_ITSELF, CHANGES, change, count_by_itself, key_of, wall_of
from services.analytics.domain.figures import KINDS, STARTS, Changes, Figure, Load
from services.analytics.domain.matters import Key, Matter, difference
from shared.events import Event
from shared.events.cases import (
    CaseAccepted,
    CaseAssigned,
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CasesCombined,
    ContactRecorded,
)
from shared.events.flags import FlagCleared, FlagExpired, FlagRaised, FlagReopened
from shared.events.outreach import OutreachEnded, OutreachListed
from shared.events.pages import LateReviewAsked, PageAccepted, PageRaised, PageUnreached
from shared.events.referrals import ReferralReceived, ReferralTriaged
from shared.ids import derived_id

MONDAY = datetime(2026, 9, 14, 15, tzinfo=UTC)
CASE, OTHER, REFERRAL, PAGE = (derived_id(name) for name in ("case", "other", "referral", "page"))


def utc_day(_campus: str, at: datetime) -> date:
    return at.date()


def after(minutes: float) -> datetime:
    return MONDAY + timedelta(minutes=minutes)


def received(sensitivity: str = "standard") -> ReferralReceived:
    return ReferralReceived(
        campus="NORTH", sensitivity=sensitivity, referral_id=REFERRAL, reference="K7Q-2M4X-9RTD", source_kind="faculty",
        channel="api", concerns=("mood",), level="moderate", urgency="soon", received_at=MONDAY, happened_at=MONDAY,
    )  # fmt: skip


def triaged(decision: str = "open_case", minutes: float = 30) -> ReferralTriaged:
    return ReferralTriaged(
        campus="NORTH", referral_id=REFERRAL, reference="K7Q-2M4X-9RTD", decision=decision, reason_code="x",
        family="health", concerns=("mood",), level="moderate", decided_by="reyes", received_at=MONDAY,
        happened_at=MONDAY, triaged_at=after(minutes),
    )  # fmt: skip


def opened(case_id: UUID = CASE, owner: str | None = "okafor") -> CaseOpened:
    return CaseOpened(
        campus="NORTH", case_id=case_id, referral_id=REFERRAL, family="health", concerns=("mood",), level="moderate",
        reason_code="x", owner_id=owner, assignment_code="load", outreach_due=None, referred_at=MONDAY,
        opened_at=MONDAY,
    )  # fmt: skip


def assigned(owner: str | None, minutes: float, before: str | None = "okafor") -> CaseAssigned:
    return CaseAssigned(
        campus="NORTH", case_id=CASE, owner_id=owner, previous_owner_id=before, assignment_code="declined",
        assigned_by="rule", assigned_at=after(minutes),
    )  # fmt: skip


def accepted(minutes: float = 20) -> CaseAccepted:
    return CaseAccepted(
        campus="NORTH", case_id=CASE, owner_id="okafor", opened_at=MONDAY, accepted_at=after(minutes)
    )  # fmt: skip


def contact(minutes: float, *, two_way: bool, attempt: int = 1) -> ContactRecorded:
    return ContactRecorded(
        campus="NORTH", case_id=CASE, contact_id=derived_id(attempt), mode="phone", direction="out", outcome_code="x",
        two_way=two_way, attempt=attempt, by="okafor", opened_at=MONDAY, contacted_at=after(minutes),
        recorded_at=after(minutes),
    )  # fmt: skip


def combined() -> CasesCombined:
    return CasesCombined(
        campus="NORTH", case_id=OTHER, other_case_id=CASE, combined_by="reyes", combined_at=after(60)
    )  # fmt: skip


def closed(minutes: int) -> CaseClosed:
    return CaseClosed(
        campus="NORTH", case_id=CASE, close_code="resolved", contact_outcome="reached", level="mild", student_told=True,
        owner_id="okafor", opened_at=MONDAY, closed_by="okafor", closed_at=after(minutes),
    )  # fmt: skip


def reopened(minutes: int) -> CaseReopened:
    return CaseReopened(
        campus="NORTH", case_id=CASE, reason_code="student_back", owner_id="okafor", reopened_by="okafor",
        reopened_at=after(minutes),
    )  # fmt: skip


def raised() -> PageRaised:
    return PageRaised(
        campus="NORTH", page_id=PAGE, cause_id=PAGE, function="danger", level="critical", policy_edition="shipped",
        happened_at=MONDAY, raised_at=MONDAY,
    )  # fmt: skip


def page_accepted(minutes: float = 1) -> PageAccepted:
    return PageAccepted(
        campus="NORTH", page_id=PAGE, cause_id=PAGE, function="danger", level="critical", accepted_by="okafor",
        via="link", raised_at=MONDAY, accepted_at=after(minutes), grant_until=after(60), contact_due=after(30),
    )  # fmt: skip


def unreached(minutes: float = 8, repeat: int = 0) -> PageUnreached:
    return PageUnreached(
        campus="NORTH", page_id=PAGE, cause_id=PAGE, function="danger", level="critical", owner_id="haddad",
        repeat=repeat, unreached_at=after(minutes),
    )  # fmt: skip


def late() -> LateReviewAsked:
    return LateReviewAsked(
        campus="NORTH", page_id=PAGE, cause_id=PAGE, function="danger", level="elevated", happened_at=MONDAY,
        asked_at=MONDAY,
    )  # fmt: skip


def tell(*events: Event) -> Changes:
    """What a fresh system has counted after these events, told one by one."""
    known: dict[Key, Matter] = {}
    changes = Changes()
    for event in events:
        before = known.get(key_of(event)) or Matter(key_of(event))
        known[before.key] = change(before, event, utc_day)
        difference(before, known[before.key], changes)
    return changes


def counted(changes: Changes) -> dict[tuple[str, str], tuple[int, float]]:
    return {
        (figure.kind, figure.code): (amount.count, amount.milliseconds / 60_000)
        for figure, amount in changes.changed_figures()
    }


def test_a_referral_counts_by_source_and_its_triage_by_decision_with_the_time_it_took() -> None:
    assert counted(tell(received(), triaged())) == {
        ("referrals", "faculty"): (1, 0),
        ("referrals_triaged", "open_case"): (1, 30),
    }


def test_being_left_to_a_person_is_not_a_triage() -> None:
    assert counted(tell(received(), triaged("triage_due"), triaged("redirect", 90))) == {
        ("referrals", "faculty"): (1, 0),
        ("referrals_triaged", "redirect"): (1, 90),
    }


def test_a_case_counts_under_its_family_and_its_times_under_its_level() -> None:
    events = (opened(), accepted(20), contact(45, two_way=False), contact(90, two_way=True, attempt=2))

    assert counted(tell(*events)) == {
        ("cases_opened", "health"): (1, 0),
        ("cases_accepted", "moderate"): (1, 20),
        ("cases_attempted", "moderate"): (1, 45),
        ("cases_contacted", "moderate"): (1, 90),
    }


def test_an_open_case_is_in_its_owners_caseload_and_follows_to_the_next_owner() -> None:
    assert dict(tell(opened()).changed_loads()) == {Load("NORTH", "okafor", "standard"): 1}
    assert dict(tell(opened(), assigned("reyes", 5)).changed_loads()) == {Load("NORTH", "reyes", "standard"): 1}
    assert dict(tell(opened(), assigned(None, 5)).changed_loads()) == {}
    assert dict(tell(opened(owner=None), assigned("reyes", 5, None)).changed_loads()) == {
        Load("NORTH", "reyes", "standard"): 1
    }


def test_a_combined_case_is_no_longer_open_and_in_nobodys_caseload() -> None:
    changes = tell(opened(), opened(OTHER), combined())

    assert counted(changes)["cases_combined", "health"] == (1, 60)
    assert dict(changes.changed_loads()) == {Load("NORTH", "okafor", "standard"): 1}


def test_a_closed_case_is_in_nobodys_caseload_until_it_is_reopened() -> None:
    assert counted(tell(opened(), closed(60)))["cases_closed", "health"] == (1, 60)
    assert dict(tell(opened(), closed(60)).changed_loads()) == {}
    again = tell(opened(), closed(60), reopened(90), closed(60))
    assert ("cases_closed", "health") not in counted(again)
    assert dict(again.changed_loads()) == {Load("NORTH", "okafor", "standard"): 1}
    assert counted(tell(opened(), closed(60), reopened(90), closed(120)))["cases_closed", "health"] == (1, 120)


def test_a_page_counts_when_raised_accepted_and_unreached() -> None:
    assert counted(tell(raised(), unreached(8), unreached(13, 1), page_accepted(14))) == {
        ("pages_raised", "critical"): (1, 0),
        ("pages_unreached", "critical"): (1, 8),
        ("pages_accepted", "critical"): (1, 14),
    }
    assert counted(tell(late())) == {("late_reviews", "elevated"): (1, 0)}


def test_what_is_known_of_a_matter_before_its_beginning_counts_once_that_comes() -> None:
    assert counted(tell(accepted(), assigned("reyes", 5))) == {}
    assert counted(tell(accepted(), opened()))["cases_accepted", "moderate"] == (1, 20)


def test_a_day_is_the_campuses_own_and_that_of_the_beginning() -> None:
    changes = Changes()
    before = Matter(key_of(received()))
    began = change(before, received(), lambda _campus, at: (at - timedelta(hours=16)).date())
    difference(before, change(began, triaged(minutes=60 * 24 * 3), utc_day), changes)

    assert {figure.day for figure, _ in changes.changed_figures()} == {date(2026, 9, 13)}


def test_title_ix_is_counted_apart_and_an_unknown_sensitivity_with_it() -> None:
    assert {figure.wall for figure, _ in tell(received("titleix")).changed_figures()} == {"titleix"}
    assert [wall_of(code) for code in ("standard", "sensitive", "clinical", "titleix", "new")] == [
        "standard", "standard", "standard", "titleix", "titleix",
    ]  # fmt: skip


def test_flags_count_by_reason() -> None:
    flag = FlagRaised(
        campus="LAKE", flag_id=PAGE, student_id=None, source="feed", reason_code="LATE_WORK", severity=1, course="BIO",
        term="2026T", raised_at=MONDAY, recorded_at=MONDAY,
    )  # fmt: skip
    changes = Changes()
    count_by_itself(flag, utc_day, changes)
    count_by_itself(flag, utc_day, changes)

    [(figure, amount)] = changes.changed_figures()
    assert figure == Figure("LAKE", MONDAY.date(), "flags", "LATE_WORK", "standard")
    assert amount.count == 2


def test_what_becomes_of_flags_counts_on_the_day_it_happens_by_why() -> None:
    said: dict[str, Any] = {
        "campus": "LAKE", "flag_id": PAGE, "student_id": None, "reason_code": "ABSENCE", "course": "BIO",
        "term": "2026T", "raised_at": MONDAY,
    }  # fmt: skip
    later = MONDAY + timedelta(days=3)
    entry: dict[str, Any] = {"campus": "LAKE", "referral_id": PAGE, "list_id": PAGE, "student_id": PAGE}
    changes = Changes()
    for event in (
        FlagCleared(**said, cleared_reason="excused", cleared_by="ana", cleared_at=later, recorded_at=later),
        FlagExpired(**said, expired_at=later),
        FlagReopened(**said, reopened_by="ana", reopened_at=later),
        OutreachListed(**entry, rule="threshold", policy_edition="1", fired_at=MONDAY, listed_at=later, refer_at=later),
        OutreachEnded(**entry, outcome_code="student_responded", referred=False, decided_by="ana", decided_at=later),
    ):
        count_by_itself(event, utc_day, changes)

    assert {(figure.day, figure.kind, figure.code) for figure, _ in changes.changed_figures()} == {
        (later.date(), "flags_cleared", "excused"),
        (later.date(), "flags_expired", "ABSENCE"),
        (later.date(), "flags_reopened", "ABSENCE"),
        (later.date(), "outreach_listed", "threshold"),
        (later.date(), "outreach_ended", "student_responded"),
    }


STORY = (
    received(), triaged(), opened(), opened(OTHER), assigned("reyes", 5), accepted(20), contact(45, two_way=False),
    contact(90, two_way=True, attempt=2), closed(100), reopened(110), closed(120), combined(), raised(), unreached(8),
    page_accepted(14),
)  # fmt: skip


@given(st.lists(st.sampled_from(STORY)))
def test_telling_any_of_it_again_in_any_order_changes_nothing(again: Sequence[Event]) -> None:
    once, twice = tell(*STORY), tell(*STORY, *again)

    assert counted(once) == counted(twice)
    assert dict(once.changed_loads()) == dict(twice.changed_loads())


@given(st.permutations(STORY))
def test_the_order_in_which_topics_arrive_does_not_matter(order: Sequence[Event]) -> None:
    assert counted(tell(*order)) == counted(tell(*STORY))
    assert dict(tell(*order).changed_loads()) == dict(tell(*STORY).changed_loads())


def test_an_event_that_changes_no_matter_is_a_mistake_of_the_caller() -> None:
    flag = FlagRaised(
        campus="LAKE", flag_id=PAGE, student_id=None, source="feed", reason_code="x", severity=1, course="BIO",
        term="2026T", raised_at=MONDAY, recorded_at=MONDAY,
    )  # fmt: skip
    with pytest.raises(TypeError, match="changes no matter"):
        key_of(flag)


def test_every_figure_is_named_once() -> None:
    kinds = {figure.kind for figure, _ in tell(*STORY).changed_figures()} | {"late_reviews"}
    kinds |= {kind for kind, _, _ in BY_ITSELF.values()}

    assert kinds == set(KINDS)
    assert set(KINDS) > STARTS
    assert len(CHANGES) == 13
