"""Count new flags by the threshold rule, and make referrals of what it finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from services.intake.domain.lexicon import edition_at
from services.intake.domain.referrals import Match, receive
from services.intake.domain.signals import referral_of, screening_of
from services.intake.domain.threshold import Firing, RuleAt, fire
from services.intake.storage import flags
from services.intake.storage.flags import Around, Counted, NewFiring, Place, Span
from services.intake.usecases.receive_referrals import Received, keep
from services.intake.usecases.screening import lexicons
from shared.ids import new_id, new_reference
from shared.privacy.keys import KeyRing
from shared.program import Program
from shared.program.rules import Threshold
from shared.storage.tx import Tx


@dataclass(frozen=True, slots=True)
class Editions:
    """The threshold rules of a campus that may be in force at any time, and which is when."""

    rule_at: RuleAt
    longest: timedelta
    fewest: int

    @classmethod
    def of(cls, program: Program, campus: str) -> "Editions":
        """Read the rules; where there is only one, nobody asks again which it is."""
        known = (policy.rules for policy in program.editions("threshold", campus))
        rules = {rule for rule in known if isinstance(rule, Threshold)}
        first, *others = rules
        return cls(
            rule_at=(lambda at: program.threshold(campus, at)) if others else (lambda _at: first),
            longest=timedelta(days=max(rule.days for rule in rules)),
            fewest=min(rule.flags for rule in rules),
        )


_NOTHING = Around()


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
    """Apply the rule to new flags together with those not yet counted around them. One statement; writes nothing.

    Flags of a place are looked at as far back and ahead as the longest rule in force reaches, and no further, so the
    work does not grow with what was stored before.
    """
    found = Found()
    if not new:
        return found
    editions = {campus: Editions.of(program, campus) for campus in {place.campus for place in new}}
    spans = {place: _span(counted, editions[place.campus].longest) for place, counted in new.items()}
    around = await flags.around(tx.connection, spans)
    for place, counted in new.items():
        there, rules = around.get(place, _NOTHING), editions[place.campus]
        if len(there.counted) + len(counted) < rules.fewest:
            continue
        together = {each.signal.flag_id: each for each in (*there.counted, *counted)}
        for firing in fire([each.signal for each in together.values()], there.fired, rules.rule_at):
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


def _span(counted: Sequence[Counted], days: timedelta) -> Span:
    times = [each.signal.raised_at for each in counted]
    return Span(min(times) - days, max(times) + days, days)
