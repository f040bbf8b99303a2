"""What rules would have made of past flags, by the same count that makes referrals. Writes nothing, tells nobody."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import blake2b
from heapq import heappush, heappushpop
from statistics import median
from typing import NamedTuple
from uuid import UUID

from services.intake.domain.flag_rules import Rules, Signal, WeekOf
from services.intake.domain.outreach import jumps, monday_of
from services.intake.domain.threshold import Firing, RulesAt, fire, first_at_once

EXAMPLES = 20
# How long after a rule fired a person's referral still says that the rule was early.
LATER = timedelta(days=120)
EARLIER = timedelta(days=30)


class Whom(NamedTuple):
    """Whose flags are counted together; None for whom the roster does not have."""

    student_id: UUID | None
    campus: str


@dataclass(frozen=True, slots=True)
class Trial:
    """The rules of one campus to try: `making` as they would count together, `watching` each by itself.

    They hold from the instant the trial is about; what came `before` was counted, and watched, by the rules of its day.
    """

    making: Rules
    watching: Rules
    before: RulesAt
    watched_before: Mapping[str, RulesAt]
    week_of: WeekOf
    day_of: Callable[[datetime], date]
    capacity: int | None
    # The fewest flags that any rule here or of the days before needs, of those that need more than one.
    least: int


class Example(NamedTuple):
    """A firing that would have been, kept or not by an order that has nothing to do with what it says."""

    order: bytes
    whom: Whom
    firing: Firing


@dataclass
class Week:
    """What a week would have brought to a campus."""

    referrals: int = 0
    at_once: int = 0
    jumping: int = 0


@dataclass
class Outcome:
    """What rules would have made from one instant until another. `salt` chooses other examples."""

    since: datetime
    until: datetime
    salt: int = 0
    firings: int = 0
    at_once: int = 0
    students: set[Whom] = field(default_factory=set)
    weeks: dict[tuple[str, date], Week] = field(default_factory=dict)
    by_rule: Counter[str] = field(default_factory=Counter)
    watched: Counter[str] = field(default_factory=Counter)
    when: dict[UUID, list[datetime]] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)

    def note(self, whom: Whom, firing: Firing, trial: Trial) -> None:
        """Count a firing."""
        self.firings += 1
        self.students.add(whom)
        self.by_rule[firing.rule.said.name] += 1
        week = self.weeks.setdefault((whom.campus, monday_of(trial.day_of(firing.fired_at))), Week())
        week.referrals += 1
        week.at_once += firing.rule.said.at_once
        week.jumping += jumps(firing)
        self.at_once += firing.rule.said.at_once
        if whom.student_id is not None:
            self.when.setdefault(whom.student_id, []).append(firing.fired_at)
        self._keep(Example(_order(whom, firing, self.salt), whom, firing))

    def _keep(self, example: Example) -> None:
        """Keep the examples that come first by an order nobody chose: a heap with the last of them on top."""
        turned = Example(bytes(255 - byte for byte in example.order), example.whom, example.firing)
        if len(self.examples) < EXAMPLES:
            heappush(self.examples, turned)
        else:
            heappushpop(self.examples, turned)

    def chosen(self) -> list[Example]:
        """Return the examples, in time order."""
        return sorted(self.examples, key=lambda example: (example.firing.fired_at, example.order))

    def beyond(self, capacities: Mapping[str, int | None]) -> dict[tuple[str, date], int]:
        """Return by campus and week how many would have gone to outreach lists, as far as capacities say."""
        found: dict[tuple[str, date], int] = {}
        for (campus, monday), week in self.weeks.items():
            capacity = capacities.get(campus)
            if capacity is not None:
                left = max(0, capacity - week.jumping)
                found[campus, monday] = max(0, week.referrals - week.jumping - left)
        return found


def try_on(outcome: Outcome, whom: Whom, signals: Sequence[Signal], trial: Trial) -> None:
    """Count one student's flags from scratch, and note what would have fired in the time the outcome is about."""
    for firing in _firings(whom, signals, trial, outcome.since):
        if outcome.since <= firing.fired_at < outcome.until:
            outcome.note(whom, firing, trial)
    if whom.student_id is None:
        return
    for rule in trial.watching:
        before = trial.watched_before.get(rule.said.name, _nothing)
        for firing in fire(signals, {}, _from(outcome.since, before, (rule,))):
            outcome.watched[rule.said.name] += outcome.since <= firing.fired_at < outcome.until


def _firings(whom: Whom, signals: Sequence[Signal], trial: Trial, since: datetime) -> Iterator[Firing]:
    if whom.student_id is not None:
        yield from fire(signals, {}, _from(since, trial.before, trial.making))
        return
    # Of whom the roster does not have, each flag that makes a referral by itself is one.
    for signal in signals:
        rule = first_at_once(trial.making, signal)
        if rule is not None:
            yield Firing(signal.raised_at, (signal,), 1, rule)


class Hindsight(NamedTuple):
    """What people did about the students whom rules would have found: before, and later, after how many days."""

    earlier: int
    later: Mapping[tuple[UUID, datetime], float]

    @property
    def median_days(self) -> float | None:
        """How many days a rule would have been earlier than a person, at the median."""
        return round(median(self.later.values()), 1) if self.later else None


def hindsight(outcome: Outcome, referred: Mapping[UUID, Sequence[datetime]]) -> Hindsight:
    """Compare firings with when people referred the same students."""
    earlier, later = 0, dict[tuple[UUID, datetime], float]()
    for student, fired in outcome.when.items():
        times = sorted(referred.get(student, ()))
        for at in fired:
            earlier += any(at - EARLIER <= time <= at for time in times)
            after = next((time for time in times if at < time <= at + LATER), None)
            if after is not None:
                later[student, at] = round((after - at) / timedelta(days=1), 1)
    return Hindsight(earlier, later)


def _order(whom: Whom, firing: Firing, salt: int) -> bytes:
    said = f"{salt}:{whom.student_id}:{whom.campus}:{firing.counted[0].flag_id}"
    return blake2b(said.encode(), digest_size=12).digest()


def _from(since: datetime, before: RulesAt, rules: Rules) -> RulesAt:
    return lambda at: rules if at >= since else before(at)


def _nothing(_at: datetime) -> Rules:
    return ()
