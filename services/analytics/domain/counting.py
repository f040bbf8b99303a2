"""Which event changes which matter, and how."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from services.analytics.domain.figures import Changes, Figure
from services.analytics.domain.matters import STANDARD, TITLEIX, Key, Matter
from shared.events import SENSITIVITIES, Event
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

# The day on the calendar of a campus at an instant.
DayOf = Callable[[str, datetime], date]
Change = Callable[[Matter, Any, DayOf], Matter]


def wall_of(sensitivity: str) -> str:
    """Return on which side of the Title IX wall something counts; an unknown sensitivity is behind it."""
    return STANDARD if sensitivity in SENSITIVITIES and sensitivity != TITLEIX else TITLEIX


# What changes no matter and is counted by itself: its figure, when it happened, and the code it is counted under.
BY_ITSELF: Mapping[type[Event], tuple[str, str, str]] = {
    FlagRaised: ("flags", "raised_at", "reason_code"),
    FlagCleared: ("flags_cleared", "cleared_at", "cleared_reason"),
    FlagExpired: ("flags_expired", "expired_at", "reason_code"),
    FlagReopened: ("flags_reopened", "reopened_at", "reason_code"),
    OutreachListed: ("outreach_listed", "listed_at", "rule"),
    OutreachEnded: ("outreach_ended", "decided_at", "outcome_code"),
}


def count_by_itself(event: Event, day_of: DayOf, changes: Changes) -> None:
    """Count something that happened once and has no later fate; its place in history is guard enough."""
    kind, at, code = BY_ITSELF[type(event)]
    day = day_of(event.campus, getattr(event, at))
    changes.count(Figure(event.campus, day, kind, getattr(event, code), wall_of(event.sensitivity)))


def key_of(event: Event) -> Key:
    """Return the matter an event is about."""
    match event:
        case ReferralReceived() | ReferralTriaged():
            return Key("referral", event.referral_id)
        case CasesCombined():
            return Key("case", event.other_case_id)
        case CaseOpened() | CaseAssigned() | CaseAccepted() | ContactRecorded() | CaseClosed() | CaseReopened():
            return Key("case", event.case_id)
        case PageRaised() | PageAccepted() | PageUnreached() | LateReviewAsked():
            return Key("page", event.page_id)
        case _:
            message = f"{event.TYPE} changes no matter"
            raise TypeError(message)


def change(matter: Matter, event: Event, day_of: DayOf) -> Matter:
    """Return the matter after an event; the same object when the event says nothing new."""
    return CHANGES[type(event)](matter, event, day_of)


def _begin(matter: Matter, event: Event, day_of: DayOf, *, start: str, code: str, level: str, at: datetime) -> Matter:
    return matter.begin(
        campus=event.campus,
        wall=wall_of(event.sensitivity),
        start=start,
        code=code,
        level=level,
        day=day_of(event.campus, at),
        at=at,
    )


def _received(matter: Matter, event: ReferralReceived, day_of: DayOf) -> Matter:
    at = event.received_at
    return _begin(matter, event, day_of, start="referrals", code=event.source_kind, level=event.level, at=at)


def _triaged(matter: Matter, event: ReferralTriaged, _: DayOf) -> Matter:
    # "Left to a person" is no decision yet.
    if event.decision == "triage_due":
        return matter
    return matter.reach("referrals_triaged", event.triaged_at, event.decision)


def _opened(matter: Matter, event: CaseOpened, day_of: DayOf) -> Matter:
    at = event.opened_at
    begun = _begin(matter, event, day_of, start="cases_opened", code=event.family, level=event.level, at=at)
    return begun if event.owner_id is None else begun.hand_to(event.owner_id, at)


def _assigned(matter: Matter, event: CaseAssigned, _: DayOf) -> Matter:
    return matter.hand_to(event.owner_id, event.assigned_at)


def _accepted(matter: Matter, event: CaseAccepted, _: DayOf) -> Matter:
    return matter.reach("cases_accepted", event.accepted_at)


def _contacted(matter: Matter, event: ContactRecorded, _: DayOf) -> Matter:
    tried = matter.reach("cases_attempted", event.contacted_at)
    return tried.reach("cases_contacted", event.contacted_at) if event.two_way else tried


def _combined(matter: Matter, event: CasesCombined, _: DayOf) -> Matter:
    return matter.reach("cases_combined", event.combined_at)


def _closed(matter: Matter, event: CaseClosed, _: DayOf) -> Matter:
    return matter.hand_to(None, event.closed_at).turn("cases_closed", event.closed_at)


def _reopened(matter: Matter, event: CaseReopened, _: DayOf) -> Matter:
    return matter.hand_to(event.owner_id, event.reopened_at).turn("cases_reopened", event.reopened_at)


def _raised(matter: Matter, event: PageRaised, day_of: DayOf) -> Matter:
    return _begin(matter, event, day_of, start="pages_raised", code=event.level, level=event.level, at=event.raised_at)


def _page_accepted(matter: Matter, event: PageAccepted, _: DayOf) -> Matter:
    return matter.reach("pages_accepted", event.accepted_at)


def _unreached(matter: Matter, event: PageUnreached, _: DayOf) -> Matter:
    return matter.reach("pages_unreached", event.unreached_at)


def _late(matter: Matter, event: LateReviewAsked, day_of: DayOf) -> Matter:
    return _begin(matter, event, day_of, start="late_reviews", code=event.level, level=event.level, at=event.asked_at)


CHANGES: Mapping[type[Event], Change] = {
    ReferralReceived: _received,
    ReferralTriaged: _triaged,
    CaseOpened: _opened,
    CaseAssigned: _assigned,
    CaseAccepted: _accepted,
    ContactRecorded: _contacted,
    CasesCombined: _combined,
    CaseClosed: _closed,
    CaseReopened: _reopened,
    PageRaised: _raised,
    PageAccepted: _page_accepted,
    PageUnreached: _unreached,
    LateReviewAsked: _late,
}
