"""Which local day an instant belongs to, for many instants of few days."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


class LocalDays:
    """The days of campuses, each in its own zone (a name of the IANA database, by campus code)."""

    def __init__(self, zones: Mapping[str, str]) -> None:
        self._zones = {campus: ZoneInfo(zone) for campus, zone in zones.items()}

    def around(self, campus: str, at: datetime) -> tuple[int, int]:
        """Return the beginning and the end of the local day of `at`, in seconds since 1970; the end is exclusive."""
        zone = self._zones[campus]
        return _bounds(at.astimezone(zone).date(), zone)


@lru_cache(maxsize=4096)
def _bounds(day: date, zone: ZoneInfo) -> tuple[int, int]:
    # A day is not always 24 hours long.
    next_ = day + timedelta(days=1)
    begin, end = (datetime(each.year, each.month, each.day, tzinfo=zone) for each in (day, next_))
    return int(begin.timestamp()), int(end.timestamp())
