"""When a campus is open, and deadlines counted in its opening hours and days."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared import telemetry
from shared.events.program import CampusSnapshot, Hours
from shared.program.defaults import SHIPPED_HOURS

Window = tuple[datetime, datetime]

_DAY = timedelta(days=1)
_KEPT_DAYS = 4000
_log = telemetry.logger("program")


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone; UTC for one this machine does not know, because a wrong hour is better than no answer."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        telemetry.counters["zones_unknown"] += 1
        _log.error("a time zone is unknown here, UTC serves")
        return ZoneInfo("UTC")


def clock_time(text: str) -> timedelta:
    """Read `HH:MM`, up to `24:00`, as the time since midnight. Raises ValueError."""
    if text == "24:00":
        return _DAY
    if len(text) != len("HH:MM"):
        message = f"{text!r} is not a time like 09:00"
        raise ValueError(message)
    at = time.fromisoformat(text)
    return timedelta(hours=at.hour, minutes=at.minute)


def instant(day: date, since_midnight: timedelta, zone: ZoneInfo) -> datetime:
    """Return when the clock on the wall of a zone shows a time, in UTC.

    A time that daylight saving skips is read with the offset before the change, one that occurs twice is the first.
    Both ends of neighbouring shifts are read alike, so no gap and no overlap comes of it.
    """
    wall = datetime.combine(day, time()) + since_midnight
    return wall.replace(tzinfo=zone).astimezone(UTC)


class Calendar:
    """The business calendar of one campus. Instants in and out are UTC; days and hours are the campus's own."""

    def __init__(self, campus: CampusSnapshot | None = None) -> None:
        """Take a campus's calendar. Unknown, or never open: weekdays 9 to 17, so that a deadline always exists."""
        self.zone = zone_of(campus.zone if campus else "UTC")
        self.version = campus.calendar_version if campus else "shipped"
        self._closed = frozenset(campus.closed_days) if campus else frozenset[date]()
        self._week = _week(campus.hours if campus else ()) or _week(SHIPPED_HOURS)
        self._windows: dict[date, tuple[Window, ...]] = {}

    def local_day(self, at: datetime) -> date:
        """Return the date on the campus's calendar at an instant."""
        return at.astimezone(self.zone).date()

    def windows(self, day: date) -> tuple[Window, ...]:
        """Return from when to when the campus is open on a day, in order; nothing on a closed day."""
        found = self._windows.get(day)
        if found is None:
            if len(self._windows) > _KEPT_DAYS:
                self._windows.clear()
            found = self._windows[day] = self._windows_of(day)
        return found

    def _windows_of(self, day: date) -> tuple[Window, ...]:
        if day in self._closed:
            return ()
        times = self._week.get(day.weekday(), ())
        return tuple((instant(day, opens, self.zone), instant(day, closes, self.zone)) for opens, closes in times)

    def is_open(self, at: datetime) -> bool:
        """Return whether the campus is open at an instant."""
        return any(opens <= at < closes for opens, closes in self.windows(self.local_day(at)))

    def after_hours(self, start: datetime, hours: float) -> datetime:
        """Return when the campus has been open for `hours` since `start`. Zero: `start`, or the next opening."""
        left = timedelta(hours=hours)
        if left < timedelta(0):
            raise ValueError("business hours cannot be negative")
        day = self.local_day(start)
        while True:
            for opens, closes in self.windows(day):
                begins = max(opens, start)
                if begins >= closes:
                    continue
                if left <= closes - begins:
                    return (begins + left).astimezone(UTC)
                left -= closes - begins
            day += _DAY

    def after_days(self, start: datetime, days: int) -> datetime:
        """Return closing time of the `days`-th open day after the day of `start`, which itself does not count."""
        if days < 1:
            raise ValueError("business days are at least one")
        day, left = self.local_day(start), days
        while left:
            day += _DAY
            left -= bool(self.windows(day))
        return self.windows(day)[-1][1]


def _week(hours: tuple[Hours, ...]) -> dict[int, list[tuple[timedelta, timedelta]]]:
    """Return the opening times by weekday, in order, leaving out those that are never open."""
    week: dict[int, list[tuple[timedelta, timedelta]]] = {}
    for slot in hours:
        opens, closes = clock_time(slot.opens), clock_time(slot.closes)
        if opens < closes:
            week.setdefault(slot.weekday, []).append((opens, closes))
    return {weekday: sorted(slots) for weekday, slots in week.items()}
