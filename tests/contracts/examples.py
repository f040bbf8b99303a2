"""One example of every published event, with every field set, so that its bytes can be held still."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from shared.events import Event, access, cases, feeds, flags, outreach, pages, program, referrals, roster, teams

AT = datetime(2026, 9, 14, 8, 30, 15, 250000, tzinfo=UTC)
LATER = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)


def _id(number: int) -> UUID:
    return UUID(int=0x0192_0000_0000_7000_8000_0000_0000_0000 + number)


_REFERRAL: dict[str, Any] = {
    "campus": "NORTH",
    "sensitivity": "sensitive",
    "sequence": 2,
    "referral_id": _id(1),
    "reference": "K7Q-2M4X-9RTD",
    "student_id": _id(2),
    "live": False,
}
_FLAG: dict[str, Any] = {
    "campus": "NORTH",
    "flag_id": _id(6),
    "student_id": _id(2),
    "reason_code": "LATE_WORK",
    "course": "BIO101",
    "term": "2026F",
    "raised_at": AT,
}
_OUTREACH: dict[str, Any] = {"campus": "NORTH", "referral_id": _id(1), "list_id": _id(13), "student_id": _id(2)}
_CASE: dict[str, Any] = {
    "campus": "NORTH",
    "sensitivity": "sensitive",
    "sequence": 3,
    "case_id": _id(3),
    "student_id": _id(2),
}
_PAGE: dict[str, Any] = {
    "campus": "NORTH",
    "sensitivity": "standard",
    "sequence": 4,
    "page_id": _id(4),
    "cause_id": _id(5),
    "function": "danger",
    "level": "critical",
    "referral_id": _id(1),
    "case_id": _id(3),
}

EXAMPLES: tuple[Event, ...] = (
    roster.StudentSnapshot(
        campus="NORTH", sequence=7, student_id=_id(2), campuses=("NORTH", "SOUTH"), advisor_id="ana", same_as=_id(9)
    ),
    roster.MergeSnapshot(
        campus="NORTH", sequence=2, status="undone", merge_id=_id(12), student_id=_id(2), goes_by=_id(9),
        reason_code="same_person", merged_by="ana", merged_at=AT, undo_reason_code="two_people", undone_by="dee",
        undone_at=LATER,
    ),
    referrals.ReferralUnmatched(
        **{**_REFERRAL, "student_id": None}, previous_student_id=_id(2), reason_code="wrong_person",
        unmatched_by="ana", unmatched_at=LATER,
    ),
    flags.FlagRaised(
        campus="NORTH", flag_id=_id(6), student_id=_id(2), source="lms", reason_code="LATE_WORK", severity=2,
        course="BIO101", term="2026F", raised_at=AT, recorded_at=LATER,
    ),
    flags.FlagCleared(
        **_FLAG, sequence=2, cleared_reason="excused", cleared_by="ana", cleared_at=LATER, recorded_at=LATER
    ),
    flags.FlagExpired(**_FLAG, sequence=3, expired_at=LATER),
    flags.FlagReopened(**_FLAG, sequence=4, reopened_by="ana", reopened_at=LATER),
    outreach.OutreachListed(
        **_OUTREACH, rule="threshold", policy_edition="2026-1", fired_at=AT, listed_at=LATER, refer_at=LATER
    ),
    outreach.OutreachMessageAsked(
        **_OUTREACH, message_id=_id(12), template="check_in", language="en", asked_by="ana", asked_at=LATER
    ),
    outreach.OutreachEnded(
        **_OUTREACH, outcome_code="student_responded", referred=False, decided_by="ana", decided_at=LATER
    ),
    referrals.ReferralReceived(
        **_REFERRAL, source_kind="faculty", channel="api", concerns=("mood", "finances"), level="moderate",
        urgency="soon", received_at=LATER, happened_at=AT,
    ),
    referrals.DangerRaised(**_REFERRAL, level="critical", found_by="screening", raised_at=LATER, happened_at=AT),
    referrals.MisconductReported(**_REFERRAL, reported_at=LATER, happened_at=AT),
    referrals.ReferralMatched(**_REFERRAL, matched_at=LATER, basis="exact_id", matched_by="rule:exact_id"),
    referrals.ReferralAddedTo(
        **_REFERRAL, message_id=_id(21), kind="answer", level="none", asked_by="sam", case_id=_id(3), added_at=LATER
    ),
    referrals.ReferralRetracted(
        **_REFERRAL, retracted_by="referrer", reason_code="mistake", left_desk=True, retracted_at=LATER
    ),
    referrals.ReferralReopened(**_REFERRAL, reopened_by="sam", reason_code="new_information", reopened_at=LATER),
    referrals.ReferrerStatusMoved(**_REFERRAL, status="reviewed", moved_at=LATER),
    referrals.ReferralTriaged(
        **_REFERRAL, decision="open_case", reason_code="level", family="health", concerns=("mood",), level="moderate",
        decided_by="rule:health", received_at=AT, happened_at=AT, triaged_at=LATER, case_id=_id(3),
    ),
    program.CampusSnapshot(
        campus="NORTH", name="North Campus", zone="America/New_York", hours=(program.Hours(0, "09:00", "17:00"),),
        closed_days=(date(2026, 11, 26),), police="911", after_hours="555-0100", calendar_version="2",
    ),
    program.StaffSnapshot(
        campus="NORTH", staff_id="ana", name="Ana Ruiz", email="ana@example.edu",
        roles=(program.RoleHeld("case_manager", "NORTH", AT, LATER),), fte=0.5, clinical=True, mandated_reporter=True,
        titleix_confidential=True, skills=("housing",), absences=(program.Absence(AT, LATER, "ben"),),
        conflicts=(program.Conflict(str(_id(2))),),
    ),
    program.RotaSnapshot(
        campus="NORTH", function="duty", zone="America/New_York",
        weekly=(program.WeeklyShift("ana", 0, "08:00", 12.0, backup=True),),
        overrides=(program.Shift("ben", AT, LATER, backup=True),),
    ),
    program.PolicySnapshot(
        campus="NORTH", name="late", editions=(program.PolicyEdition("2026-1", AT, {"hours": 6}, "design"),)
    ),
    cases.CaseOpened(
        **_CASE, referral_id=_id(1), family="health", concerns=("mood",), level="moderate", reason_code="level",
        owner_id="ana", assignment_code="load", outreach_due=LATER, referred_at=AT, opened_at=LATER,
    ),
    cases.ReferralAttached(
        **_CASE, referral_id=_id(1), added_concerns=("finances",), level="elevated", attached_at=LATER
    ),
    cases.CaseAssigned(
        **_CASE, owner_id="ben", previous_owner_id="ana", assignment_code="reassigned", assigned_by="dee",
        assigned_at=LATER,
    ),
    cases.CaseAccepted(**_CASE, owner_id="ana", opened_at=AT, accepted_at=LATER),
    cases.CaseDeclined(**_CASE, owner_id="ana", reason_code="conflict", declined_at=LATER),
    cases.ContactRecorded(
        **_CASE, contact_id=_id(8), mode="phone", direction="outgoing", outcome_code="reached", two_way=True, attempt=2,
        by="ana", opened_at=AT, contacted_at=AT, recorded_at=LATER,
    ),
    cases.CaseStudentIdentified(**_CASE, identified_at=LATER),
    cases.CombinationAsked(**_CASE, other_case_id=_id(10), asked_at=LATER),
    cases.CasesCombined(**_CASE, other_case_id=_id(10), combined_by="dee", combined_at=LATER),
    cases.CaseHeld(**_CASE, reason_code="leave", review_at=LATER, held_by="ana", held_at=AT),
    cases.CaseResumed(**_CASE, resumed_by="rule", resumed_at=LATER),
    cases.CaseClosed(
        **_CASE, close_code="resolved", contact_outcome="reached", level="mild", student_told=True, owner_id="ana",
        opened_at=AT, closed_by="ana", closed_at=LATER,
    ),
    cases.CaseReopened(
        **_CASE, reason_code="student_back", owner_id="ana", reopened_by="ana", reopened_at=LATER
    ),
    cases.NoteSigned(**_CASE, note_id=_id(8), kind="progress", edition=2, signed_by="ana", signed_at=LATER),
    feeds.FeedHealthChanged(
        campus="NORTH", feed_id=_id(14), feed="north-alerts", owner_id="fay", signal="late", state="opened",
        worst="late", since=AT, changed_at=LATER,
    ),
    teams.TeamSnapshot(
        campus="NORTH", sensitivity="titleix", sequence=5, case_id=_id(3), student_id=_id(2), family="misconduct_sex",
        owner_id="tia", members=(teams.Member("tia", "owner", AT, LATER),), referrals=(_id(1),), recused=("dee",),
    ),
    pages.PageRaised(**_PAGE, policy_edition="shipped", happened_at=AT, raised_at=LATER),
    pages.PageStepTaken(**_PAGE, step=1, target="duty", staff_ids=("ana", "ben"), taken_at=LATER),
    pages.PageAccepted(
        **_PAGE, accepted_by="ana", via="link", raised_at=AT, accepted_at=AT, grant_until=LATER, contact_due=LATER
    ),
    pages.PageDeclined(**_PAGE, declined_by="ana", reason_code="away", declined_at=LATER),
    pages.PageUnreached(**_PAGE, owner_id="sys", repeat=3, unreached_at=LATER),
    pages.PageEnriched(**_PAGE, enriched_at=LATER),
    pages.PageContactTried(**_PAGE, tried_by="uma", tried_at=LATER),
    pages.PageDisposed(**_PAGE, disposition="reached_safe", disposed_by="uma", disposed_at=LATER),
    pages.PageReopened(**_PAGE, accepted_by="uma", because="no_contact", reopened_at=LATER),
    pages.LateReviewAsked(**_PAGE, happened_at=AT, asked_at=LATER),
    access.AccessDecided(
        campus="NORTH", audit_id=_id(11), service="cases", actor_kind="person", actor_id="ana", action="case.read",
        resource_kind="case", resource_ids=(str(_id(3)),), allowed=True, basis="team", filter="campus=NORTH",
        decided_at=LATER,
    ),
)  # fmt: skip
