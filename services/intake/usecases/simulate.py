"""Try rules on past flags before they decide about anybody, beside the rules in force."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from services.intake.domain.flag_rules import active, reason_code, watching, weeks_of
from services.intake.domain.simulation import Hindsight, Outcome, Trial, hindsight, try_on
from services.intake.storage import past_flags
from services.intake.usecases.editions import Editions
from shared.program import FlagRule, Program, Threshold, read
from shared.program.calendar import instant
from shared.refusal import Refused
from shared.storage.tx import Tx

# What was counted before the time asked about, by the rules of its day, keeps later firings away; so the count begins
# earlier.
WARM_UP = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Tried:
    """What rules would have made, what people did about the same students, and by which rules."""

    rules: Sequence[FlagRule]
    outcome: Outcome
    beyond: Mapping[tuple[str, date], int]
    hindsight: Hindsight


@dataclass(frozen=True, slots=True)
class Simulated:
    """The rules tried and, where they are others, the rules in force; over so many flags of so many students."""

    flags: int
    students: int
    tried: Tried
    in_force: Tried | None


async def simulate(
    tx: Tx,
    program: Program,
    rules: Mapping[str, Sequence[FlagRule]],
    *,
    since: datetime,
    until: datetime,
    salt: int = 0,
    note: Callable[[int], Awaitable[None]] | None = None,
) -> Simulated:
    """Count the flags of campuses from scratch by each one's `rules`, and by those in force. Writes nothing.

    `note` is told, now and then, how many flags were looked at.
    """
    campuses = list(rules)
    present = {campus: program.flag_rules(campus, tx.now) for campus in campuses}
    both = [_trials(program, rules, tx.now)]
    if any(tuple(rules[campus]) != present[campus] for campus in campuses):
        both.append(_trials(program, present, tx.now))
    outcomes = [Outcome(since, until, salt) for _ in both]
    history = [Editions.of(program, campus, tx.now) for campus in campuses]
    every = [rule for said in rules.values() for rule in said]
    at_once = {reason_code(reason) for rule in every if rule.at_once for reason in rule.reasons}
    at_once = at_once.union(*(each.at_once for each in history))
    fewest = min(trial.least for trial in both[0].values())
    flags, students = await past_flags.how_many(tx.connection, campuses, since, until)
    past = past_flags.past(tx.connection, campuses, since - WARM_UP, until, fewest=fewest, at_once=sorted(at_once))
    looked_at = 0
    async for whom, signals in past:
        looked_at += len(signals)
        if note is not None:
            await note(looked_at)
        for outcome, trials in zip(outcomes, both, strict=True):
            trial = trials[whom.campus]
            # What is too little for every rule costs no count.
            if len(signals) >= trial.least or any(reason_code(signal.reason) in at_once for signal in signals):
                try_on(outcome, whom, signals, trial)
    found = {student for outcome in outcomes for student in outcome.when}
    referred = await past_flags.referred(tx.connection, sorted(found))
    tried = [
        Tried(
            next(iter(said.values())),
            outcome,
            outcome.beyond({campus: trial.capacity for campus, trial in trials.items()}),
            hindsight(outcome, referred),
        )
        for outcome, trials, said in zip(outcomes, both, (rules, present), strict=False)
    ]
    return Simulated(flags, students, tried[0], tried[1] if len(tried) > 1 else None)


def rules_to_try(
    program: Program, campus: str, rules: Sequence[Mapping[str, Any]] | None, edition: str | None, now: datetime
) -> Sequence[FlagRule]:
    """Return the rules that are meant on a campus: these, those of an edition, or those in force. Raises Refused."""
    if campus not in program.campuses:
        raise Refused("unknown_campus", "There is no such campus.", status=422, pointer="/body/campuses")
    if rules is not None:
        try:
            return read(Threshold, {"rules": rules}).rules
        except msgspec.ValidationError as error:
            place = str(error).partition("`$.")[2].rstrip("`").replace("[", "/").replace("]", "").replace(".", "/")
            raise Refused(
                "bad_rule", "This is no rule. See what a rule can say.", status=422, pointer=f"/body/{place or 'rules'}"
            ) from error
    return program.flag_rules(campus, now) if edition is None else rules_of_edition(program, campus, edition)


def rules_of_edition(program: Program, campus: str, edition: str) -> Sequence[FlagRule]:
    """Return the rules of an edition that is, was or will be in force on a campus. Raises Refused for any other."""
    for policy in program.editions("threshold", campus):
        if policy.edition == edition and isinstance(policy.rules, Threshold):
            return policy.rules.rules
    raise Refused("unknown_edition", "There is no such edition of the rules.", status=422, pointer="/body/edition")


def weeks_of_term(program: Program, campus: str, now: datetime, monday: date) -> int | None:
    """Return the week of the term that a Monday's week ends in, where the campus has said when terms begin."""
    calendar = program.calendar(campus)
    friday = instant(monday + timedelta(days=4), timedelta(hours=12), calendar.zone)
    return weeks_of(program.terms(campus, now), calendar.zone)("", friday)


def _trials(program: Program, rules: Mapping[str, Sequence[FlagRule]], now: datetime) -> dict[str, Trial]:
    return {campus: _trial(program, campus, said, now) for campus, said in rules.items()}


def _trial(program: Program, campus: str, rules: Sequence[FlagRule], now: datetime) -> Trial:
    calendar = program.calendar(campus)
    week_of = weeks_of(program.terms(campus, now), calendar.zone)
    history = Editions.of(program, campus, now)
    least = min((rule.flags for rule in rules if not rule.at_once), default=history.fewest)
    return Trial(
        making=active(rules, week_of),
        watching=watching(rules, week_of),
        before=history.rules_at,
        watched_before=history.watching,
        week_of=week_of,
        day_of=calendar.local_day,
        capacity=program.capacity(campus, now).referrals_per_week,
        least=min(least, history.fewest),
    )
