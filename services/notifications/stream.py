"""Which event goes to which use case."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.notifications.domain import causes
from services.notifications.storage.matters import Known
from services.notifications.usecases import (
    answer_page,
    enrich_pages,
    raise_pages,
    send_notices,
    tell_askers,
    tell_feed_owners,
    tell_referrers,
    write_to_students,
)
from services.notifications.usecases.desk import Desk
from services.notifications.usecases.send_notices import Assignment
from shared.events import Envelope, Event
from shared.events.cases import (
    CaseAssigned,
    CaseOpened,
    CasesCombined,
    CaseStudentIdentified,
    ContactRecorded,
    ReferralAttached,
)
from shared.events.feeds import FeedHealthChanged
from shared.events.outreach import OutreachMessageAsked
from shared.events.referrals import (
    DangerRaised,
    MisconductReported,
    ReferralAddedTo,
    ReferralMatched,
    ReferralRetracted,
    ReferralUnmatched,
    ReferrerStatusMoved,
)
from shared.messaging.records import EPOCH, Arrival
from shared.messaging.stream import FromHeaders, Handler
from shared.storage.tx import Tx
from shared.telemetry import counters, logger

_log = logger("notifications")

_KNOWN = (
    CaseOpened, ReferralAttached, CaseAssigned, CaseStudentIdentified, ContactRecorded, CasesCombined,
    ReferralMatched, ReferralUnmatched,
)  # fmt: skip


def urgent(desk: Desk) -> Mapping[type[Event], Handler]:
    """Return the handlers that nothing may hold up."""

    async def danger(tx: Tx, envelopes: Sequence[Envelope[DangerRaised]]) -> None:
        await raise_pages.raise_pages(tx, desk, [causes.of_danger(event) for event in _news(envelopes)])

    async def misconduct(tx: Tx, envelopes: Sequence[Envelope[MisconductReported]]) -> None:
        await raise_pages.raise_pages(tx, desk, [causes.of_misconduct(event) for event in _news(envelopes)])

    return {DangerRaised: danger, MisconductReported: misconduct}


def from_headers(desk: Desk) -> FromHeaders:
    """Return what is done with an urgent event that cannot be read: page the duty rota by its campus and key alone."""

    async def page(tx: Tx, arrivals: Sequence[Arrival]) -> None:
        found = [_cause(arrival, tx) for arrival in arrivals if not arrival.republished]
        await raise_pages.raise_pages(tx, desk, found)

    return page


def handlers(desk: Desk) -> Mapping[type[Event], Handler]:
    """Return the handlers of everything else: one for all of cases, so that a batch of many kinds is still one call."""

    async def known(tx: Tx, envelopes: Sequence[Envelope[Any]]) -> None:
        events = [envelope.event for envelope in envelopes]
        await enrich_pages.combine(tx, desk, [event for event in events if isinstance(event, CasesCombined)])
        await enrich_pages.learn(tx, desk, [fact for event in events if (fact := _fact(event)) is not None])
        await enrich_pages.identify(tx, desk, [pair for event in events if (pair := _identified(event)) is not None])
        await enrich_pages.forget_students(tx, desk, *_taken_back(events))
        reached = [event for event in _news(envelopes) if isinstance(event, ContactRecorded)]
        await answer_page.note_contacts(tx, desk, reached)
        news = [owned for event in _news(envelopes) if (owned := _assignment(event)) is not None]
        await send_notices.tell_owners(tx, news)

    async def moved(tx: Tx, envelopes: Sequence[Envelope[ReferrerStatusMoved]]) -> None:
        await tell_referrers.tell_referrers(tx, _news(envelopes))

    async def added(tx: Tx, envelopes: Sequence[Envelope[ReferralAddedTo]]) -> None:
        await tell_askers.tell_askers(tx, _news(envelopes))

    async def retracted(tx: Tx, envelopes: Sequence[Envelope[ReferralRetracted]]) -> None:
        await tell_referrers.stop_telling(tx, _news(envelopes))

    async def feeds(tx: Tx, envelopes: Sequence[Envelope[FeedHealthChanged]]) -> None:
        await tell_feed_owners.tell_feed_owners(tx, _news(envelopes))

    async def students(tx: Tx, envelopes: Sequence[Envelope[OutreachMessageAsked]]) -> None:
        await write_to_students.write_to_students(tx, _news(envelopes))

    cases: dict[type[Event], Handler] = dict.fromkeys(_KNOWN, known)
    notices: dict[type[Event], Handler] = {
        ReferrerStatusMoved: moved,
        ReferralRetracted: retracted,
        ReferralAddedTo: added,
    }
    return {**cases, **notices, FeedHealthChanged: feeds, OutreachMessageAsked: students}


def _fact(event: Event) -> Known | None:
    """Return what an event says of a referral."""
    if isinstance(event, CaseOpened | ReferralAttached):
        return Known(event.referral_id, event.campus, event.case_id, event.student_id)
    if isinstance(event, ReferralMatched):
        return Known(event.referral_id, event.campus, None, event.student_id)
    return None


def _identified(event: Event) -> tuple[UUID, UUID] | None:
    """Return (case_id, student_id) where an event says whose a case is."""
    if isinstance(event, CaseStudentIdentified) and event.student_id is not None:
        return event.case_id, event.student_id
    return None


def _taken_back(events: Iterable[Event]) -> tuple[set[UUID], set[UUID]]:
    """Return the referrals and the cases of which nobody knows any more, by the last word on each, whose they are."""
    referrals, cases = set[UUID](), set[UUID]()
    for event in events:
        if isinstance(event, ReferralMatched):
            referrals.discard(event.referral_id)
        elif isinstance(event, ReferralUnmatched):
            referrals.add(event.referral_id)
        elif isinstance(event, CaseStudentIdentified):
            (cases.add if event.student_id is None else cases.discard)(event.case_id)
    return referrals, cases


def _assignment(event: Event) -> Assignment | None:
    """Return whose a case is since when, where an event says it."""
    if isinstance(event, CaseOpened) and event.owner_id is not None:
        return Assignment(event.case_id, event.campus, event.owner_id, event.opened_at, event.referral_id)
    if isinstance(event, CaseAssigned) and event.owner_id is not None:
        return Assignment(event.case_id, event.campus, event.owner_id, event.assigned_at)
    return None


def _news(envelopes: Iterable[Envelope[Any]]) -> list[Any]:
    """Return the events that may have an effect on people: what is sent again to bootstrap a consumer has none."""
    news = [envelope.event for envelope in envelopes if not envelope.republished]
    counters["republished_events_refused"] += sum(1 for _ in envelopes) - len(news)
    return news


def _cause(arrival: Arrival, tx: Tx) -> causes.Cause:
    _log.error("an unreadable event pages by its headers", extra={"campus": arrival.campus, "event_type": arrival.type})
    misconduct = arrival.type.startswith(MisconductReported.TYPE.rpartition(".v")[0])
    function = causes.TITLEIX if misconduct else causes.DANGER
    at = arrival.time if arrival.time != EPOCH else tx.now
    return causes.of_headers(function, arrival.subject, arrival.campus, at)
