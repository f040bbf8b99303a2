"""Times as people read them: how long ago, when by the clock of the campus, and how much of an allowed time is used."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SOON = 0.8


@dataclass(frozen=True)
class When:
    """A time twice: `relative` for lists, `absolute` for whoever looks closer."""

    iso: str
    relative: str
    absolute: str

    @property
    def amid(self) -> str:
        """The absolute time as it stands within a sentence: "today, 8:36 am"."""
        return self.absolute.replace("Today", "today")


@dataclass(frozen=True)
class Clock:
    """How a deadline stands. `used` is the share of the time allowed, 0 to 1."""

    state: Literal["", "soon", "late"]
    words: str
    used: float
    absolute: str


def when(at: datetime, now: datetime, zone: str) -> When:
    """Return a time against now, by the clock of a zone."""
    return When(at.isoformat(), relative(at, now), absolute(at, now, zone))


def relative(at: datetime, now: datetime) -> str:
    """Return "6 min ago", "yesterday", "in 3 h"; whole units, the largest that fits."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < _MINUTE:
        return "just now" if seconds >= 0 else "in a moment"
    long = span(timedelta(seconds=abs(seconds)))
    return f"{long} ago" if seconds > 0 else f"in {long}"


def span(length: timedelta) -> str:
    """Return a length of time in its largest whole unit: "40 s", "6 min", "3 h", "2 days"."""
    seconds = length.total_seconds()
    if seconds < _MINUTE:
        return f"{int(seconds)} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h"
    return f"{int(seconds // _DAY)} days"


def countdown(length: timedelta) -> str:
    """Return what is left to the second where seconds matter: "3 min 40 s"; beyond an hour its largest unit."""
    seconds = max(0, int(length.total_seconds()))
    if seconds >= _HOUR:
        return span(length)
    minutes, rest = divmod(seconds, _MINUTE)
    return " ".join([*([f"{minutes} min"] if minutes else []), *([f"{rest} s"] if rest or not minutes else [])])


def absolute(at: datetime, now: datetime, zone: str) -> str:
    """Return "Today, 8:36 am" or "Mon Nov 16, 7:40 am", with the year when it is not this one."""
    here, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    hour = f"{here.hour % 12 or 12}:{here.minute:02} {'am' if here.hour < 12 else 'pm'}"  # noqa: PLR2004 - noon
    if here.date() == today.date():
        return f"Today, {hour}"
    return f"{day(at, now, zone)}, {hour}"


def date(at: datetime, zone: str) -> str:
    """Return a day in full with its hour: "Tuesday, November 17, 8:42 am"."""
    here = at.astimezone(ZoneInfo(zone))
    return f"{here:%A, %B} {here.day}, {here.hour % 12 or 12}:{here.minute:02} {'am' if here.hour < 12 else 'pm'}"  # noqa: PLR2004 - noon


def calendar_day(day: str) -> str:
    """Return a day that has no hour, as records keep it, as people write it: "September 14, 2026"."""
    try:
        at = datetime.fromisoformat(day)
    except ValueError:
        return day
    return f"{at:%B} {at.day}, {at.year}"


def zone_name(zone: str) -> str:
    """Return a zone's time as people call it: "New York time" for "America/New_York", "UTC" as it is."""
    place = zone.rpartition("/")[2].replace("_", " ")
    return place if place == "UTC" else f"{place} time"


def day(at: datetime, now: datetime, zone: str) -> str:
    """Return "Mon Nov 16", with the year when it is not this one."""
    here, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    year = "" if here.year == today.year else f" {here.year}"
    return f"{here:%a %b} {here.day}{year}"


def clock(since: datetime, due: datetime, now: datetime, zone: str) -> Clock:
    """Return how a deadline stands that began at `since`."""
    allowed, gone = (due - since).total_seconds(), (now - since).total_seconds()
    used = min(max(gone / allowed if allowed > 0 else 1.0, 0.0), 1.0)
    until = absolute(due, now, zone)
    if now >= due:
        return Clock("late", f"Late by {span(now - due)}", 1.0, until)
    return Clock("soon" if used >= _SOON else "", f"Due in {span(due - now)}", used, until)
