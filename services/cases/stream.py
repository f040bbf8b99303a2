"""Which event goes to which use case, and nothing else."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.cases.domain.caseload import Opening
from services.cases.storage.around import PageSaid
from services.cases.storage.members import Grant
from services.cases.usecases.follow_merges import Merge, follow_merges
from services.cases.usecases.follow_pages import follow_pages
from services.cases.usecases.identify import Identification, identify
from services.cases.usecases.let_in import let_in
from services.cases.usecases.open_cases import open_cases
from services.cases.usecases.raise_levels import Danger, raise_levels
from shared.events import SENSITIVITIES, STRICTEST, Envelope, Event
from shared.events.codes import Decision, Family
from shared.events.codes import level as read_level
from shared.events.pages import PageAccepted, PageDisposed, PageEvent, PageRaised, PageReopened
from shared.events.referrals import DangerRaised, ReferralMatched, ReferralTriaged, ReferralUnmatched
from shared.events.roster import MergeSnapshot
from shared.messaging.stream import Stream
from shared.settings import Settings
from shared.storage.engines import Database
from shared.storage.tx import Tx

CONSUMER = "work"

_OPENS = frozenset({Decision.OPEN_CASE.value, Decision.ATTACH.value})
_FAMILIES = frozenset(Family)


def stream(worker: Database, settings: Settings) -> Stream:
    """Return the business consumer of cases."""
    return Stream(
        worker,
        settings,
        consumer=CONSUMER,
        topics=("referrals", "pages", "roster"),
        handlers={
            ReferralTriaged: on_triaged,
            ReferralMatched: on_matched,
            ReferralUnmatched: on_unmatched,
            MergeSnapshot: on_merged,
            DangerRaised: on_danger,
            PageAccepted: on_accepted,
            PageRaised: on_page_open,
            PageReopened: on_page_open,
            PageDisposed: on_page_ended,
        },
    )


async def on_triaged(tx: Tx, envelopes: Sequence[Envelope[ReferralTriaged]]) -> None:
    """Open or join cases. What triage decided otherwise opens nothing."""
    openings = [_opening(envelope.event) for envelope in envelopes if envelope.event.decision in _OPENS]
    if openings:
        await open_cases(tx, openings)


async def on_matched(tx: Tx, envelopes: Sequence[Envelope[ReferralMatched]]) -> None:
    """Say whose cases those of referrals are."""
    found = [
        Identification(event.referral_id, event.campus, _sensitivity(event), event.student_id)
        for event in (envelope.event for envelope in envelopes)
        if event.student_id is not None
    ]
    if found:
        await identify(tx, found)


async def on_unmatched(tx: Tx, envelopes: Sequence[Envelope[ReferralUnmatched]]) -> None:
    """Take back whose cases those of referrals are, where they were said to be somebody's."""
    taken_back = [
        Identification(event.referral_id, event.campus, _sensitivity(event), None)
        for event in (envelope.event for envelope in envelopes)
        if event.previous_student_id is not None
    ]
    if taken_back:
        await identify(tx, taken_back)


async def on_merged(tx: Tx, envelopes: Sequence[Envelope[MergeSnapshot]]) -> None:
    """Ask about cases that meet because two students are one; who is who comes with the roster itself."""
    events = [envelope.event for envelope in envelopes if not envelope.republished]
    await follow_merges(tx, [Merge(each.student_id, each.goes_by, undone=each.status == "undone") for each in events])


async def on_danger(tx: Tx, envelopes: Sequence[Envelope[DangerRaised]]) -> None:
    """Raise the levels of cases."""
    events = [envelope.event for envelope in envelopes]
    await raise_levels(
        tx,
        [Danger(each.referral_id, each.campus, _sensitivity(each), read_level(each.level).value) for each in events],
    )


async def on_accepted(tx: Tx, envelopes: Sequence[Envelope[PageAccepted]]) -> None:
    """Let responders in on the matter of their page. What is sent again for history lets nobody in."""
    grants = [_grant(envelope.event) for envelope in envelopes if not envelope.republished]
    if grants:
        await let_in(tx, grants)


async def on_page_open(tx: Tx, envelopes: Sequence[Envelope[PageRaised] | Envelope[PageReopened]]) -> None:
    """Note that pages about danger wait for their end."""
    await follow_pages(tx, [_said(event, at, is_open=True) for event, at in _pages(envelopes)])


async def on_page_ended(tx: Tx, envelopes: Sequence[Envelope[PageDisposed]]) -> None:
    """Note that pages have ended."""
    await follow_pages(tx, [_said(event, at, is_open=False) for event, at in _pages(envelopes)])


def _pages(envelopes: Sequence[Envelope[Any]]) -> list[tuple[PageEvent, datetime]]:
    return [(each.event, each.time) for each in envelopes if each.event.function == "danger"]


def _said(event: PageEvent, at: datetime, *, is_open: bool) -> PageSaid:
    return PageSaid(event.page_id, event.campus, _sensitivity(event), event.referral_id, event.case_id, is_open, at)


def _opening(event: ReferralTriaged) -> Opening:
    return Opening(
        referral_id=event.referral_id,
        campus=event.campus,
        sensitivity=_sensitivity(event),
        student_id=event.student_id,
        family=event.family if event.family in _FAMILIES else Family.OTHER.value,
        concerns=event.concerns,
        level=read_level(event.level).value,
        reason_code=event.reason_code,
        received_at=event.received_at,
        case_id=event.case_id,
    )


def _grant(event: PageAccepted) -> Grant:
    return Grant(
        page_id=event.page_id,
        campus=event.campus,
        sensitivity=_sensitivity(event),
        referral_id=event.referral_id,
        case_id=event.case_id,
        staff_id=event.accepted_by,
        since=event.accepted_at,
        until=event.grant_until,
    )


def _sensitivity(event: Event) -> str:
    """Return a sensitivity as this release knows it; one it does not know is the strictest."""
    return event.sensitivity if event.sensitivity in SENSITIVITIES else STRICTEST
