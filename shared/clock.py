"""The only place where the time of day enters. Everything else is handed a `Clock` or a `now`."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Always aware and in UTC."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)


class MovableClock:
    """A clock that stands still until it is moved, so that a test can let an hour pass at once."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """Return the instant the clock was last moved to."""
        return self._at

    def move(self, by: timedelta) -> datetime:
        """Let time pass and return the new instant. Time never runs backwards here."""
        if by < timedelta(0):
            message = "time does not run backwards"
            raise ValueError(message)
        self._at += by
        return self._at
