"""The rules over flags (design §6), for one student on one campus.

A rule fires at a flag when, at its time, at least `flags` uncleared flags not yet counted lie in the last `days` x 24 h
over at least `courses` distinct courses; then it does not fire again within `days`, and no flag is counted twice,
whichever rule counted it. A rule `at_once` fires at every flag it counts. Both ends of a window belong to it. Flags of
one instant are seen together, so their order in a file decides nothing.

Files come in any order and come again. What has fired stays fired: a flag that arrives late may make a further firing
with flags not yet counted, never one within `days` of another of its rule, before or after.

Counting and simulating call the same `fire`, so what is promised is what happens.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from services.intake.domain.flag_rules import Rule, Rules, Signal

__all__ = ["Firing", "Rule", "Rules", "RulesAt", "Signal", "fire"]


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule fired at `fired_at`, over the flags `counted` (in time order), in so many courses."""

    fired_at: datetime
    counted: tuple[Signal, ...]
    courses: int
    rule: Rule


RulesAt = Callable[[datetime], Rules]


def fire(signals: Sequence[Signal], fired: Mapping[str, Sequence[datetime]], rules_at: RulesAt) -> list[Firing]:
    """Return the firings that are due, in time order.

    `signals` are the flags not yet counted, `fired` the times of earlier firings by the name of their rule; both may
    be limited to what lies within the rules' days of the flags that are new. Takes time linear in the signals and
    rules (beyond sorting), except where an edition of the rules begins between them.
    """
    table = _Table(fired)
    firings: list[Firing] = []
    for at, kind, batch in _moments(signals):
        if kind == _CLEARED:
            table.drop(batch)
        else:
            firings += table.take_in(at, batch, rules_at(at))
    return firings


def first_at_once(rules: Rules, signal: Signal) -> Rule | None:
    """Return the rule that makes a referral of one flag, if one does and nobody has cleared it."""
    found = (rule for rule in rules if rule.said.at_once and rule.counts(signal))
    return next(found, None) if signal.cleared_at is None else None


_CLEARED, _RAISED = 0, 1


def _moments(signals: Sequence[Signal]) -> Iterator[tuple[datetime, int, list[Signal]]]:
    """Yield what happened in time order; at one instant clearing comes first, then all that was raised."""
    happened = [(signal.raised_at, _RAISED, signal.flag_id.int, signal) for signal in signals]
    happened += [(s.cleared_at, _CLEARED, s.flag_id.int, s) for s in signals if s.cleared_at is not None]
    happened.sort(key=lambda moment: moment[:3])
    for (at, kind), group in groupby(happened, key=lambda moment: moment[:2]):
        yield at, kind, [moment[3] for moment in group]


class _Table:
    """What was raised so far, what is counted or cleared of it, and a window for each rule in force."""

    def __init__(self, fired: Mapping[str, Sequence[datetime]]) -> None:
        self._past = {name: sorted(times) for name, times in fired.items()}
        self._seen: list[Signal] = []
        self._out: set[UUID] = set()
        self._rules: Rules = ()
        self._windows: list[_Window] = []

    def take_in(self, at: datetime, batch: Sequence[Signal], rules: Rules) -> Iterator[Firing]:
        """Take in what was raised at one moment, and yield what fires."""
        if rules is not self._rules and rules != self._rules:
            self._rules = rules
            self._windows = [_Window(rule, self._seen, self._out) for rule in rules if not rule.said.at_once]
        for window in self._windows:
            window.move(at)
        self._seen += batch
        entered = [window.add(batch) for window in self._windows]
        yield from self._at_once(at, batch)
        for window, new in zip(self._windows, entered, strict=True):
            rule = window.rule
            # What an earlier rule has just counted may have been all that was new here.
            if new and window.full() and window.holds_any(batch) and self._apart(rule, at):
                yield self._fired(at, window.inside(), rule)

    def drop(self, batch: Sequence[Signal]) -> None:
        self._out.update(signal.flag_id for signal in batch)
        for window in self._windows:
            window.leave(batch)

    def _at_once(self, at: datetime, batch: Sequence[Signal]) -> Iterator[Firing]:
        for rule in self._rules:
            if rule.said.at_once:
                found = [each for each in batch if each.flag_id not in self._out and rule.counts(each)]
                if found:
                    yield self._fired(at, found, rule)

    def _fired(self, at: datetime, counted: Sequence[Signal], rule: Rule) -> Firing:
        """Count flags: they leave every window and never come back."""
        self.drop(counted)
        insort(self._past.setdefault(rule.said.name, []), at)
        return Firing(at, tuple(counted), len({signal.course for signal in counted}), rule)

    def _apart(self, rule: Rule, at: datetime) -> bool:
        """Whether no firing of the rule lies within its days of `at`, before it or after."""
        past = self._past.get(rule.said.name, ())
        return bisect_left(past, at - rule.days) == bisect_right(past, at + rule.days)


class _Window:
    """The flags not yet counted that one rule counts in its last days, and how many each course has.

    `seen` is what was raised before, in time order, and `out` what is counted or cleared; both grow elsewhere.
    `_first` is where the window begins in `seen`.
    """

    def __init__(self, rule: Rule, seen: list[Signal], out: set[UUID]) -> None:
        self.rule = rule
        self._seen = seen
        self._out = out
        self._first: int | None = None
        self._inside: dict[UUID, Signal] = {}
        self._courses: Counter[str] = Counter()

    def move(self, at: datetime) -> None:
        """Let what is too old leave; at first, open over what was seen before."""
        since = at - self.rule.days
        if self._first is None:
            self._first = bisect_left(self._seen, since, key=lambda signal: signal.raised_at)
            self.add(self._seen[self._first :])
            return
        while self._first < len(self._seen) and self._seen[self._first].raised_at < since:
            self.leave((self._seen[self._first],))
            self._first += 1

    def add(self, batch: Sequence[Signal]) -> bool:
        """Take in what was raised; return whether any of it counts."""
        entered = False
        for signal in batch:
            if signal.flag_id not in self._out and self.rule.counts(signal):
                self._inside[signal.flag_id] = signal
                self._courses[signal.course] += 1
                entered = True
        return entered

    def leave(self, batch: Sequence[Signal]) -> None:
        for signal in batch:
            if self._inside.pop(signal.flag_id, None) is not None:
                self._courses[signal.course] -= 1
                if not self._courses[signal.course]:
                    del self._courses[signal.course]

    def full(self) -> bool:
        return len(self._inside) >= self.rule.said.flags and len(self._courses) >= self.rule.said.courses

    def holds_any(self, batch: Sequence[Signal]) -> bool:
        return any(signal.flag_id in self._inside for signal in batch)

    def inside(self) -> tuple[Signal, ...]:
        return tuple(self._inside.values())
