"""Count new flags by the rules of their campus, and make of what is found referrals, or outreach lists."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from services.intake.domain.flag_rules import Signal
from services.intake.domain.lexicon import Lexicon
from services.intake.domain.outreach import jumps, pressing
from services.intake.domain.referrals import Match, receive
from services.intake.domain.signals import Whose, found_by, referral_of, screening_of
from services.intake.domain.threshold import Firing, fire, first_at_once
from services.intake.storage import counting, students
from services.intake.storage.counting import OUTREACH, REFERRAL, WATCH, Around, NewFiring, Same, Span
from services.intake.storage.flags import Place
from services.intake.usecases.editions import Editions
from services.intake.usecases.list_outreach import Rest, list_rest, midnight_of_monday
from services.intake.usecases.receive_referrals import Received, keep
from services.intake.usecases.screening import screened, word_lists
from shared.ids import new_id, new_reference
from shared.privacy.keys import KeyRing
from shared.program import Program
from shared.storage.tx import Tx

_NOTHING = Around()


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A flag of somebody whom the roster does not have (yet)."""

    signal: Signal
    campus: str
    number: str


@dataclass(frozen=True, slots=True)
class New:
    """New flags: those of students by student and campus, and of the others those that may not wait for a roster.

    `comments` are what was written with flags that may make a referral by themselves. `live`: raised just now.
    """

    placed: Mapping[Place, Sequence[Signal]]
    unplaced: Sequence[Unplaced] = ()
    comments: Mapping[UUID, str] = field(default_factory=dict)
    live: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A firing, and whose flags it counted."""

    whose: Whose
    firing: Firing


@dataclass
class Found:
    """What the rules found: which flag is counted in which referral, those referrals, and who is to be listed."""

    counted: dict[UUID, UUID] = field(default_factory=dict)
    firings: list[NewFiring] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    listed: list[Rest] = field(default_factory=list)


async def find(tx: Tx, program: Program, new: New) -> Found:
    """Apply the rules to new flags together with those not yet counted around them; write nothing.

    One statement, one more where a rule watches, and one more where a campus has said what it can take. Flags of a
    place are looked at as far back and ahead as the longest rule in force reaches, and no further, so the work does
    not grow with what was stored before.
    """
    found = Found()
    if not new.placed and not new.unplaced:
        return found
    same = await students.merged(tx.connection, {place.student_id for place in new.placed})
    new = replace(new, placed=_by_person(new.placed, same))
    campuses = {place.campus for place in new.placed} | {each.campus for each in new.unplaced}
    editions = {campus: Editions.of(program, campus, tx.now) for campus in campuses}
    made = [*_at_once(editions, new), *await _fired(tx, editions, new, same)]
    kept, rest = await _within_capacity(tx, program, made)
    lists = await word_lists(tx) if kept else ()
    for each in kept:
        received = _received(tx, program, each, _written(each.firing, new.comments), lists)
        found.received.append(received)
        _note(found, program, each, received[0].referral_id, REFERRAL)
    for each in rest:
        _list(found, program, each)
    await _watch(found, tx, program, editions, new=new, same=same)
    return found


def _by_person(placed: Mapping[Place, Sequence[Signal]], same: Same) -> Mapping[Place, Sequence[Signal]]:
    """Return new flags by whom they are of: those of students whom a merge makes one count together."""
    if not same:
        return placed
    found: dict[Place, list[Signal]] = {}
    for place, signals in placed.items():
        found.setdefault(Place(same.get(place.student_id, place.student_id), place.campus), []).extend(signals)
    return found


async def keep_found(tx: Tx, keys: KeyRing, program: Program, found: Found) -> None:
    """Store the firings with their referrals and outreach lists, and publish those."""
    if not found.firings:
        return
    await keep(tx, keys, program, found.received)
    await counting.store_firings(tx, found.firings)
    if found.listed:
        await list_rest(tx, program, found.listed)


# --------------------------------------------------------------------------------------------------- what fires


def _at_once(editions: Mapping[str, Editions], new: New) -> Iterable[Made]:
    """Yield what flags of nobody known make: a personal concern does not wait for a roster."""
    for each in new.unplaced:
        signal = each.signal
        rule = first_at_once(editions[each.campus].rules_at(signal.raised_at), signal)
        if rule is not None:
            yield Made(Whose(None, each.campus, each.number, new.live), Firing(signal.raised_at, (signal,), 1, rule))


async def _fired(tx: Tx, editions: Mapping[str, Editions], new: New, same: Same) -> list[Made]:
    if not new.placed:
        return []
    around = await counting.around(tx.connection, _spans(editions, new), same)
    made: list[Made] = []
    for place, signals in new.placed.items():
        there, rules = around.get(place, _NOTHING), editions[place.campus]
        if len(there.signals) + len(signals) < rules.fewest and not any(map(rules.may_at_once, signals)):
            continue
        together = {signal.flag_id: signal for signal in (*there.signals, *signals)}
        whose = Whose(*place, live=new.live)
        made += [Made(whose, firing) for firing in fire(list(together.values()), there.fired, rules.rules_at)]
    return made


async def _watch(
    found: Found, tx: Tx, program: Program, editions: Mapping[str, Editions], *, new: New, same: Same
) -> None:
    """Note what rules that watch would have made; each counts by itself, what others counted too."""
    watched = {place: signals for place, signals in new.placed.items() if editions[place.campus].watching}
    if not watched:
        return
    around = await counting.watched_around(tx.connection, _spans(editions, New(watched)), same)
    for place, signals in watched.items():
        there = around.get(place, _NOTHING)
        for name, rules_at in editions[place.campus].watching.items():
            together = {
                signal.flag_id: signal
                for signal in (*there.signals, *signals)
                if name not in there.seen.get(signal.flag_id, ())
            }
            for firing in fire(list(together.values()), {name: there.fired.get(name, [])}, rules_at):
                _note(found, program, Made(Whose(*place), firing), new_id(), WATCH)


async def _within_capacity(tx: Tx, program: Program, made: Sequence[Made]) -> tuple[list[Made], list[Made]]:
    """Part what was found into what a campus can take this week and the rest.

    Personal concerns and what is grave go first and wait for no capacity, but they take it up.
    """
    limits = {campus: program.capacity(campus, tx.now).referrals_per_week for campus in {m.whose.campus for m in made}}
    limited = {campus: limit for campus, limit in limits.items() if limit is not None}
    if not limited:
        return list(made), []
    weeks = {campus: midnight_of_monday(program, campus, tx.now) for campus in limited}
    so_far = await counting.made_since(tx.connection, weeks)
    left = {campus: limit - so_far.get(campus, 0) for campus, limit in limited.items()}
    kept, rest = list[Made](), list[Made]()
    for each in sorted(made, key=lambda each: (not jumps(each.firing), pressing(each.firing))):
        campus = each.whose.campus
        if campus not in left or jumps(each.firing) or left[campus] > 0:
            kept.append(each)
            if campus in left:
                left[campus] -= 1
        else:
            rest.append(each)
    return kept, rest


def _spans(editions: Mapping[str, Editions], new: New) -> dict[Place, Span]:
    return {place: _span(signals, editions[place.campus].longest) for place, signals in new.placed.items()}


def _span(signals: Sequence[Signal], days: timedelta) -> Span:
    if len(signals) == 1:
        return Span(signals[0].raised_at, signals[0].raised_at, days)
    times = [signal.raised_at for signal in signals]
    return Span(min(times), max(times), days)


# ------------------------------------------------------------------------------------------- what is made of it


def _received(tx: Tx, program: Program, made: Made, written: str, lists: Sequence[Lexicon]) -> Received:
    whose, ruled = made.whose, found_by(made.firing)
    incoming = referral_of(ruled, new_id(), new_reference(), whose, written)
    screening = screening_of(ruled, screened(incoming, lists))
    match = Match(whose.student_id, "exact_id") if whose.student_id is not None else None
    triage = program.triage(whose.campus, tx.now)
    return (incoming, screening, *receive(incoming, screening, match, triage, tx.now))


def _written(firing: Firing, comments: Mapping[UUID, str]) -> str:
    """Return what was written with flags that make a referral by themselves; the others' stays with the flags."""
    if not firing.rule.said.at_once:
        return ""
    return "\n\n".join(comments[signal.flag_id] for signal in firing.counted if signal.flag_id in comments)


def _list(found: Found, program: Program, made: Made) -> None:
    referral_id = new_id()
    edition = _note(found, program, made, referral_id, OUTREACH)
    # Whoever the roster does not have is found by rules that wait for no capacity only.
    if made.whose.student_id is not None:
        found.listed.append(Rest(referral_id, made.whose.student_id, made.whose.campus, edition, made.firing))


def _note(found: Found, program: Program, made: Made, referral_id: UUID, what: str) -> str:
    """Note a firing, and return the edition it followed."""
    whose, firing = made.whose, made.firing
    policy = program.policy("threshold", whose.campus, firing.fired_at)
    flags = tuple(signal.flag_id for signal in firing.counted)
    found.firings.append(
        NewFiring(
            referral_id=referral_id,
            student_id=whose.student_id,
            campus=whose.campus,
            fired_at=firing.fired_at,
            flag_count=len(flags),
            course_count=firing.courses,
            rule=firing.rule.said.name,
            policy_campus=policy.campus,
            policy_edition=policy.edition,
            made=what,
            flags=flags if what == WATCH else (),
        )
    )
    if what != WATCH:
        found.counted.update(dict.fromkeys(flags, referral_id))
    return policy.edition
