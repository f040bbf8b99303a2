"""How a feed does: whether what was expected came, as much as usual, and readable. Pure; days are the campus's own.

A feed is expected on its weekdays when the campus is open and, where the program names terms, within one of them (a
roster is expected between terms too). Each expected day has a deadline; what comes from 18 hours before it on counts
for it, so that the file of the evening before and one that is some hours late are both that day's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any, Literal, get_args

from services.intake.domain.feeds import Feed
from shared.program import Calendar, Term

Signal = Literal["silent", "late", "refused", "errors", "unknown_codes", "new_columns", "volume_low", "volume_high"]

# Gravest first: the state a feed is shown in is that of its gravest signal.
SIGNALS: tuple[Signal, ...] = get_args(Signal)
WELL = "well"

EARLY = timedelta(hours=18)
LOOKS_BACK = 60
MOST_NAMED = 20
# Without a band of its own a feed is held against what it brought on its last days: a quarter to four times of that.
USUAL_DAYS, FEWEST_DAYS, USUAL_LEAST, USUAL_FACTOR = 20, 8, 20, 4.0
ERROR_SHARE, FEWEST_ERRORS = 0.05, 3
# Anybody may send nonsense to an address; a file that cannot be read is the feed's own.
FEWEST_REFUSALS, OF_FILES = 3, ("file_drop", "oneroster")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Day:
    """What came on one local day."""

    day: date
    deliveries: int = 0
    items: int = 0
    accepted: int = 0
    unchanged: int = 0
    merged: int = 0
    skipped: int = 0
    quarantined: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """What came for one expected day, from when it counts for it."""

    items: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a feed at one instant. `days` are before today; `current` is the window that began last.

    `last_due` is the window of the last deadline that has passed, None where that is the current one.
    """

    last_at: datetime | None = None
    current: Window = Window()
    last_due: Window | None = None
    days: Sequence[Day] = ()
    waiting: int = 0
    unknown_codes: int = 0
    new_columns: tuple[str, ...] = ()
    refused: int = 0
    refused_code: str = ""
    refused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a feed. `facts` are codes, counts and times, never anything an item said."""

    signal: Signal
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Schedule:
    """When something of a feed is expected. `calendars` are of the campuses it may bring something for, at least one.

    Nothing was expected before `watched_since`: a feed that is new, or was paused, has missed nothing.
    """

    feed: Feed
    calendars: Sequence[Calendar]
    terms: Sequence[Term]
    watched_since: datetime

    def expects(self, day: date) -> bool:
        """Whether something should come on a day."""
        days = self.feed.expected.days
        if day.weekday() not in days or not any(calendar.windows(day) for calendar in self.calendars):
            return False
        if self.feed.brings == "roster" or not self.terms:
            return True
        return any(term.starts <= day <= term.ends for term in self.terms)

    def deadline(self, day: date) -> datetime:
        """Return when something of a day is late: at the time the owner named, else when the day is over."""
        by = self.feed.expected.by
        if not by:
            return self._at(day + _DAY, time())
        return self._at(day, time.fromisoformat(by))

    def begins(self, day: date) -> datetime:
        """Return from when on something counts for a day."""
        return self.deadline(day) - EARLY if self.feed.expected.by else self._at(day, time())

    def due(self, now: datetime) -> Iterator[date]:
        """Yield the expected days whose deadline has passed, the last first; none of before it was watched."""
        for day in self._back(now):
            if self.deadline(day) <= self.watched_since:
                return
            if self.expects(day) and self.deadline(day) <= now:
                yield day

    def current(self, now: datetime) -> date | None:
        """Return the expected day whose window began last."""
        return next((day for day in self._back(now + _DAY) if self.expects(day) and self.begins(day) <= now), None)

    def local_day(self, at: datetime) -> date:
        """Return the day on the feed's own calendar."""
        return self.calendars[0].local_day(at)

    def _back(self, at: datetime) -> Iterator[date]:
        today = self.local_day(at)
        return (today - timedelta(days=back) for back in range(LOOKS_BACK))

    def _at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, tzinfo=self.calendars[0].zone)


def findings(schedule: Schedule, seen: Seen, now: datetime) -> list[Finding]:
    """Say what is wrong with a feed, the gravest first; nothing is wrong with one that is not active."""
    if schedule.feed.state != "active":
        return []
    checks: Iterable[Callable[[Schedule, Seen, datetime], Finding | None]] = (
        _missing, _refused, _errors, _unknown_codes, _new_columns, _volume
    )  # fmt: skip
    found = [finding for check in checks if (finding := check(schedule, seen, now)) is not None]
    return sorted(found, key=lambda finding: SIGNALS.index(finding.signal))


def settle(
    open_since: Mapping[str, datetime], found: Sequence[Finding], seen: Seen, feed: Feed
) -> tuple[list[Finding], list[str]]:
    """Return what is to be told newly, and which open signals are over.

    A feed that is silent stays so until something comes: neither an evening nor a holiday in between mends it, and so
    its owner is told once. It is not called late beside that.
    """
    missing = {signal: since for signal, since in open_since.items() if signal in ("silent", "late")}
    expected = feed.state == "active" and bool(feed.expected.days)
    still = {
        signal for signal, since in missing.items() if expected and (seen.last_at is None or seen.last_at <= since)
    }
    there = {finding.signal for finding in found}
    if "silent" in there | still:
        still.discard("late")
        there.discard("late")
    opened = [finding for finding in found if finding.signal in there and finding.signal not in open_since]
    return opened, [signal for signal in open_since if signal not in there | still]


def state_of(signals: Iterable[str]) -> str:
    """Return the gravest of some signals, or that all is well."""
    there = set(signals)
    return next((signal for signal in SIGNALS if signal in there), WELL)


def band(schedule: Schedule, days: Sequence[Day]) -> tuple[float, float] | None:
    """Return how many items a day should bring: as its owner says, else as its last days did; None: unknown."""
    expected = schedule.feed.expected
    if expected.low or expected.high:
        return float(expected.low), float(expected.high) if expected.high else float("inf")
    usual = [day.items for day in sorted(days, key=lambda day: day.day) if day.items and schedule.expects(day.day)]
    usual = usual[-USUAL_DAYS:]
    if len(usual) < FEWEST_DAYS or (middle := median(usual)) < USUAL_LEAST:
        return None
    return middle / USUAL_FACTOR, middle * USUAL_FACTOR


# -- one question each ---------------------------------------------------------------------------------------------


def _missing(schedule: Schedule, seen: Seen, now: datetime) -> Finding | None:
    """Late: the last deadline passed and nothing came for it. Silent: nothing came for the one before it either."""
    quiet = _quiet(schedule, seen, now)
    if quiet is not None:
        return quiet
    missed = list[date]()
    for day in schedule.due(now):
        if seen.last_at is not None and seen.last_at >= schedule.begins(day):
            break
        missed.append(day)
        if len(missed) > 1:
            break
    if not missed:
        return None
    last = seen.last_at.isoformat() if seen.last_at else ""
    facts = {"expected_by": schedule.deadline(missed[0]).isoformat(), "last_at": last}
    return Finding("silent" if len(missed) > 1 else "late", facts)


def _quiet(schedule: Schedule, seen: Seen, now: datetime) -> Finding | None:
    """Silent: a feed that should come all day long has not, for longer than its owner says, in opening hours."""
    minutes, calendar = schedule.feed.expected.quiet_minutes, schedule.calendars[0]
    if not minutes or not schedule.expects(schedule.local_day(now)) or not calendar.is_open(now):
        return None
    since = max(seen.last_at or schedule.watched_since, schedule.watched_since)
    if calendar.after_hours(since, minutes / 60) > now:
        return None
    last = seen.last_at.isoformat() if seen.last_at else ""
    return Finding("silent", {"quiet_minutes": minutes, "last_at": last})


def _refused(schedule: Schedule, seen: Seen, now: datetime) -> Finding | None:  # noqa: ARG001 - asked like the others
    """Deliveries were turned away as a whole, and none has come through since."""
    fewest = 1 if schedule.feed.kind in OF_FILES else FEWEST_REFUSALS
    if seen.refused < fewest or seen.refused_at is None:
        return None
    if seen.last_at is not None and seen.last_at >= seen.refused_at:
        return None
    return Finding("refused", {"times": seen.refused, "code": seen.refused_code})


def _errors(schedule: Schedule, seen: Seen, now: datetime) -> Finding | None:  # noqa: ARG001 - asked like the others
    """More of the last items were set aside than should be, and they still wait."""
    window = seen.current if seen.current.items else seen.last_due or seen.current
    wrong, items = window.quarantined, window.items
    few = wrong < FEWEST_ERRORS and wrong < items
    if not seen.waiting or not items or few or wrong / items <= ERROR_SHARE:
        return None
    return Finding("errors", {"quarantined": wrong, "items": items})


def _unknown_codes(schedule: Schedule, seen: Seen, now: datetime) -> Finding | None:  # noqa: ARG001
    return Finding("unknown_codes", {"items": seen.unknown_codes}) if seen.unknown_codes else None


def _new_columns(schedule: Schedule, seen: Seen, now: datetime) -> Finding | None:  # noqa: ARG001
    return Finding("new_columns", {"columns": list(seen.new_columns[:MOST_NAMED])}) if seen.new_columns else None


def _volume(schedule: Schedule, seen: Seen, now: datetime) -> Finding | None:
    """Too much is said at once, too little when the deadline has passed; nothing at all is not little but late."""
    between = band(schedule, seen.days)
    if between is None:
        return None
    low, high = between
    facts = {"low": round(low), "high": None if high == float("inf") else round(high)}
    if seen.current.items > high:
        return Finding("volume_high", {"items": seen.current.items, **facts})
    current = schedule.current(now)
    due = next(schedule.due(now), None)
    window = seen.last_due if due != current else seen.current
    if due is not None and window is not None and 0 < window.items < low:
        return Finding("volume_low", {"items": window.items, **facts})
    return None
