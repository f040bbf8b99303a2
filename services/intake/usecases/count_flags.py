"""Count new flags by the threshold rule, and make referrals of what it finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.intake.domain.lexicon import edition_at
from services.intake.domain.referrals import Match, receive
from services.intake.domain.signals import referral_of, screening_of
from services.intake.domain.threshold import Firing, RuleAt, fire
from services.intake.storage import flags
from services.intake.storage.flags import Counted, NewFiring, Place
from services.intake.usecases.receive_referrals import Received, keep
from services.intake.usecases.screening import lexicons
from shared.ids import new_id, new_reference
from shared.privacy.keys import KeyRing
from shared.program import Program
from shared.storage.tx import Tx

Spans = dict[Place, tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True)
class Made:
    """A firing, whose flags it counted, and their reasons."""

    place: Place
    firing: Firing
    reasons: Sequence[str]


@dataclass
class Found:
    """What the rule found: which flag is counted in which referral, and those referrals."""

    counted: dict[UUID, UUID] = field(default_factory=dict)
    firings: list[NewFiring] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)


async def find(tx: Tx, program: Program, new: Mapping[Place, Sequence[Counted]]) -> Found:
    """Apply the rule to new flags together with those not yet counted around them. Two statements; writes nothing.

    Flags of a place are looked at as far back and ahead as the longest rule in force reaches, and no further, so the
    work does not grow with what was stored before.
    """
    found = Found()
    if not new:
        return found
    days = {place: _longest(program, place, counted) for place, counted in new.items()}
    spans = {place: _span(counted, days[place]) for place, counted in new.items()}
    before = await flags.uncounted(tx.connection, spans)
    wider = {place: (since - days[place], until + days[place]) for place, (since, until) in spans.items()}
    fired = await flags.fired(tx.connection, wider)
    for place, counted in new.items():
        together = {each.signal.flag_id: each for each in (*before.get(place, ()), *counted)}
        signals = [each.signal for each in together.values()]
        for firing in fire(signals, fired.get(place, ()), _rule_at(program, place.campus)):
            reasons = [together[signal.flag_id].reason_code for signal in firing.counted]
            _note(found, tx, program, Made(place, firing, reasons))
    return found


async def keep_found(tx: Tx, keys: KeyRing, program: Program, found: Found) -> None:
    """Store the firings and their referrals, and publish those."""
    if found.firings:
        await keep(tx, keys, program, found.received)
        await flags.store_firings(tx.connection, found.firings)


def _note(found: Found, tx: Tx, program: Program, made: Made) -> None:
    place, firing = made.place, made.firing
    incoming = referral_of(firing, new_id(), new_reference(), place.student_id, place.campus)
    screening = screening_of(firing, made.reasons, edition_at(lexicons(), tx.now).edition)
    triage = program.triage(place.campus, tx.now)
    found.received.append((incoming, screening, *receive(incoming, screening, _match(place), triage, tx.now)))
    found.firings.append(
        NewFiring(
            referral_id=incoming.referral_id,
            place=place,
            fired_at=firing.fired_at,
            flag_count=len(firing.counted),
            course_count=firing.courses,
            policy_edition=program.policy("threshold", place.campus, firing.fired_at).edition,
        )
    )
    found.counted.update((signal.flag_id, incoming.referral_id) for signal in firing.counted)


def _match(place: Place) -> Match:
    return Match(place.student_id, "exact_id")


def _rule_at(program: Program, campus: str) -> RuleAt:
    return lambda at: program.threshold(campus, at)


def _longest(program: Program, place: Place, counted: Sequence[Counted]) -> timedelta:
    """Return the longest window of any edition in force at the flags' times."""
    return timedelta(days=max(program.threshold(place.campus, each.signal.raised_at).days for each in counted))


def _span(counted: Sequence[Counted], days: timedelta) -> tuple[datetime, datetime]:
    times = [each.signal.raised_at for each in counted]
    return min(times) - days, max(times) + days
