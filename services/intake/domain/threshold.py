"""The threshold rule over flags (design §6), for one student on one campus.

Fires at a flag when, at its time, at least `flags` uncleared flags not yet counted lie in the last `days` x 24 h over
at least `courses` distinct courses; then not again within `days`, and no flag is counted twice. Both ends of a window
belong to it. Flags of one instant are seen together, so their order in a file decides nothing.

Files come in any order and come again. What has fired stays fired: a flag that arrives late may make a further firing
with flags not yet counted, never one within `days` of another, before or after.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from shared.program.rules import Threshold


class Signal(NamedTuple):
    """A flag as the rule sees it."""

    flag_id: UUID
    raised_at: datetime
    course: str
    severity: int
    cleared_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """The rule fired at `fired_at`, over the flags `counted` (in time order), in so many courses."""

    fired_at: datetime
    counted: tuple[Signal, ...]
    courses: int
    rule: Threshold


RuleAt = Callable[[datetime], Threshold]


def fire(signals: Sequence[Signal], fired: Sequence[datetime], rule_at: RuleAt) -> list[Firing]:
    """Return the firings that are due, in time order.

    `signals` are the flags not yet counted, `fired` the times of earlier firings; both may be limited to what lies
    within the rule's days of the flags that are new. Takes time linear in the signals (beyond sorting them), except
    where an edition of the rule begins between them.
    """
    past = sorted(fired)
    window = _Window()
    firings = []
    for at, kind, batch in _moments(signals):
        if kind == _CLEARED:
            window.drop(batch)
            continue
        rule = rule_at(at)
        window.move(at, rule)
        if window.add(batch, rule) and window.full(rule) and _apart(past, at, timedelta(days=rule.days)):
            counted = window.take()
            firings.append(Firing(at, counted, len({signal.course for signal in counted}), rule))
            insort(past, at)
    return firings


_CLEARED, _RAISED = 0, 1


def _moments(signals: Sequence[Signal]) -> Iterator[tuple[datetime, int, list[Signal]]]:
    """Yield what happened in time order; at one instant clearing comes first, then all that was raised."""
    happened = [(signal.raised_at, _RAISED, signal.flag_id.int, signal) for signal in signals]
    happened += [(s.cleared_at, _CLEARED, s.flag_id.int, s) for s in signals if s.cleared_at is not None]
    happened.sort(key=lambda moment: moment[:3])
    for (at, kind), group in groupby(happened, key=lambda moment: moment[:2]):
        yield at, kind, [moment[3] for moment in group]


def _apart(past: Sequence[datetime], at: datetime, days: timedelta) -> bool:
    """Whether no firing lies within `days` of `at`, before it or after."""
    return bisect_left(past, at - days) == bisect_right(past, at + days)


class _Window:
    """The flags not yet counted that lie in the last days of the moment looked at, and how many each course has.

    `_seen` keeps what was raised, in time order; `_first` is where the window begins in it. `_out` are those counted
    or cleared. A rule with other days or severity opens the window anew over what was seen.
    """

    def __init__(self) -> None:
        self._seen: list[Signal] = []
        self._first = 0
        self._inside: dict[UUID, Signal] = {}
        self._courses: Counter[str] = Counter()
        self._out: set[UUID] = set()
        self._rule: tuple[float, int] | None = None

    def move(self, at: datetime, rule: Threshold) -> None:
        since = at - timedelta(days=rule.days)
        if self._rule not in (None, (rule.days, rule.min_severity)):
            self._open_anew(since, rule)
        self._rule = (rule.days, rule.min_severity)
        while self._first < len(self._seen) and self._seen[self._first].raised_at < since:
            self._leave(self._seen[self._first])
            self._first += 1

    def add(self, batch: Sequence[Signal], rule: Threshold) -> bool:
        """Take in what was raised at one moment; return whether any of it counts."""
        self._seen += batch
        entered = [self._enter(signal, rule) for signal in batch]
        return any(entered)

    def drop(self, batch: Sequence[Signal]) -> None:
        for signal in batch:
            self._out.add(signal.flag_id)
            self._leave(signal)

    def full(self, rule: Threshold) -> bool:
        return len(self._inside) >= rule.flags and len(self._courses) >= rule.courses

    def take(self) -> tuple[Signal, ...]:
        """Count everything inside: it leaves the window and never comes back."""
        taken = tuple(self._inside.values())
        self._out.update(self._inside)
        self._inside.clear()
        self._courses.clear()
        return taken

    def _enter(self, signal: Signal, rule: Threshold) -> bool:
        if signal.severity < rule.min_severity or signal.flag_id in self._out:
            return False
        self._inside[signal.flag_id] = signal
        self._courses[signal.course] += 1
        return True

    def _leave(self, signal: Signal) -> None:
        if self._inside.pop(signal.flag_id, None) is not None:
            self._courses[signal.course] -= 1
            if not self._courses[signal.course]:
                del self._courses[signal.course]

    def _open_anew(self, since: datetime, rule: Threshold) -> None:
        self._inside.clear()
        self._courses.clear()
        self._first = bisect_left(self._seen, since, key=lambda signal: signal.raised_at)
        for signal in self._seen[self._first :]:
            self._enter(signal, rule)
