"""Take referrals in: screen, match, triage, keep, and say what is now known. Danger waits for none of it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from uuid import UUID

from services.intake.domain.referrals import About, Incoming, Match, Referral, receive
from services.intake.domain.screening import Screening
from services.intake.storage import referrals, students, watches
from services.intake.storage.referrals import ABOUT, NARRATIVE, REFERRER, Kept
from services.intake.usecases.screening import screened, word_lists
from shared.events import Event
from shared.privacy.keys import KeyRing
from shared.privacy.text import Clear, seal_all
from shared.program import Program, load_program
from shared.program.rules import Triage
from shared.refusal import Refused
from shared.storage.tx import Tx


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the referrer is told. `again` when the source has sent it before and nothing changed."""

    referral_id: UUID
    reference: str
    state: str
    again: bool = False


async def receive_referrals(tx: Tx, keys: KeyRing, incoming: Sequence[Incoming]) -> list[Receipt]:
    """Take referrals in and return a receipt for each, in order. The same (source, source event id) is taken in once.

    A fixed number of statements, whatever `len(incoming)`. Danger is published in this very transaction, whether or
    not the student is known, the referral triaged, or a case there to hold it.
    """
    program = await load_program(tx.connection)
    if any(each.campus not in program.campuses for each in incoming):
        raise Refused("unknown_campus", "There is no such campus.", status=422, pointer="/body/campus")
    known = await _known(tx, incoming)
    fresh = {(each.source, each.source_event_id): each for each in incoming}
    fresh = {key: each for key, each in fresh.items() if key not in known}
    new = list(fresh.values())
    matches = await _match(tx, new)
    lists = await word_lists(tx)
    rules, due = _ByCampus(lambda campus: program.triage(campus, tx.now)), _Due(program)
    received = [
        (
            each,
            screening,
            *receive(each, screening, match, rules[each.campus], tx.now, due_at=due.of(each.campus, tx.now)),
        )
        for each, match in zip(new, matches, strict=True)
        for screening in (screened(each, lists),)
    ]
    await keep(tx, keys, program, received)
    receipts = {key: Receipt(each.referral_id, each.reference, each.state, again=True) for key, each in known.items()}
    for each, _, referral, _ in received:
        receipts[each.source, each.source_event_id] = Receipt(referral.referral_id, referral.reference, referral.state)
    return [receipts[each.source, each.source_event_id] for each in incoming]


# How people's own form is known as a source.
FORM = "form"

Received = tuple[Incoming, Screening, Referral, tuple[Event, ...]]


async def keep(tx: Tx, keys: KeyRing, program: Program, received: Sequence[Received], *, watch: bool = True) -> None:
    """Store referrals, watch over their dangers, and publish what is known of them.

    Without `watch` their danger is that of another referral, of which somebody was told.
    """
    if not received:
        return
    sealed = await _sealed(tx, keys, [incoming for incoming, *_ in received])
    due = _Due(program)
    await referrals.store(
        tx.connection,
        [
            Kept(_timed(referral, due), screening.edition, screening.hits, *texts)
            for (_, screening, referral, _), texts in zip(received, sealed, strict=True)
        ],
    )
    dangers = [
        referral
        for _, _, referral, _ in received
        if referral.danger and not referral.is_late(program.late_hours(referral.campus, tx.now))
    ]
    if dangers and watch:
        await watches.begin(tx, dangers)
    for *_, facts in received:
        tx.publish(*facts)


class _Due:
    """By when each referral is to be decided: one look at the calendar for all that came at one moment."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[tuple[str, datetime], datetime] = {}

    def of(self, campus: str, received_at: datetime) -> datetime:
        place = campus, received_at
        if place not in self._known:
            hours = self._program.clocks(*place).triage_hours
            self._known[place] = self._program.deadline(*place, hours)
        return self._known[place]


def _timed(referral: Referral, due: _Due) -> Referral:
    if referral.due_at is not None:
        return referral
    return replace(referral, due_at=due.of(referral.campus, referral.received_at))


class _ByCampus(dict[str, Triage]):
    """The triage rules of each campus, read once for all that came at one moment."""

    def __init__(self, read: Callable[[str], Triage]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, campus: str) -> Triage:
        rules = self[campus] = self._read(campus)
        return rules


async def _known(tx: Tx, incoming: Sequence[Incoming]) -> dict[tuple[str, str], referrals.Known]:
    """Find what sources have sent before. A referral that is its own source is new."""
    keys = [(e.source, e.source_event_id) for e in incoming if e.source_event_id != str(e.referral_id)]
    if not keys:
        return {}
    # A form comes by itself: two of them wait for each other only where they are one, sent twice.
    for source in sorted({f"{source}:{event}" if source == FORM else source for source, event in keys}):
        await referrals.lock_source(tx.connection, source)
    return await referrals.known(tx.connection, keys)


async def _match(tx: Tx, incoming: Sequence[Incoming]) -> list[Match | None]:
    """Match by exact id, then by exact address, on the referral's campus. Never on a name: people do the rest."""
    if not incoming:
        return []
    found = await students.match(
        tx.connection, [(each.campus, each.about.number, _our_id(each.about), each.about.email) for each in incoming]
    )
    return [_first(by_id, by_email) for by_id, by_email in found]


def _first(by_id: UUID | None, by_email: UUID | None) -> Match | None:
    if by_id is not None:
        # An id and an address of two different people are a question for a person.
        return Match(by_id, "exact_id") if by_email in (None, by_id) else None
    return Match(by_email, "exact_email") if by_email is not None else None


def _our_id(about: About) -> UUID | None:
    try:
        return UUID(about.number) if len(about.number) >= 32 else None  # noqa: PLR2004 - the digits of a UUID
    except ValueError:
        return None


async def _sealed(
    tx: Tx, keys: KeyRing, incoming: Sequence[Incoming]
) -> list[tuple[bytes | None, bytes | None, bytes | None]]:
    """Seal each referral's narrative, whom it is about and who wrote it, under a key of its own."""
    clear = [text for each in incoming for text in _texts(each)]
    sealed = await seal_all(tx, keys, clear)
    by_place = {(each.record_id, each.field): text for each, text in zip(clear, sealed, strict=True)}
    return [
        (
            by_place.get((each.referral_id, NARRATIVE)),
            by_place.get((each.referral_id, ABOUT)),
            by_place.get((each.referral_id, REFERRER)),
        )
        for each in incoming
    ]


_ABOUT = tuple(field.name for field in fields(About))


def _texts(incoming: Incoming) -> list[Clear]:
    said = {
        NARRATIVE: incoming.narrative,
        ABOUT: _object(**{name: getattr(incoming.about, name) for name in _ABOUT}),
        REFERRER: _object(name=incoming.referrer_name, email=incoming.referrer_email, phone=incoming.referrer_phone),
    }
    id_ = incoming.referral_id
    return [Clear(incoming.campus, id_, field, id_, text) for field, text in said.items() if text]


def _object(**said: str) -> str:
    return json.dumps(said) if any(said.values()) else ""
