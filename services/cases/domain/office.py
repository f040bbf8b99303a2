"""The people and rules of a campus at one instant, as far as assigning and timing cases needs them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who may own cases of the campus. `conflicts` are students they must not work with.

    `stand_in` is who covers for them while they are absent, followed through covers who are absent too.
    """

    staff_id: str
    fte: float
    skills: frozenset[str]
    conflicts: frozenset[str]
    present: bool
    stand_in: str | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """After how many attempts a student counts as unreachable, and how long a closed case may be reopened."""

    unreachable_attempts: int
    reopen_days: int


@dataclass(frozen=True)
class Office:
    """One campus. `managers` may own standard cases; behind the wall only `coordinators`, then `deputies`, may.

    Deadlines are instants on the campus's business calendar; `calendar_version` and `clocks_edition` say which.
    `max_load` is open cases per 1.0 FTE, None for no ceiling. `related_since`: a relation older than that is none.
    """

    campus: str
    managers: tuple[Colleague, ...]
    coordinators: tuple[Colleague, ...]
    deputies: tuple[Colleague, ...]
    related_since: datetime
    max_load: float | None
    calendar_version: str
    clocks_edition: str
    outreach_due: Callable[[str], datetime | None]
    report_due: Callable[[datetime], datetime]
    closing: Closing = Closing(unreachable_attempts=3, reopen_days=30)


class Offices(Protocol):
    """The offices of all campuses, at one instant."""

    def __call__(self, campus: str) -> Office:
        """Return the office of a campus; one that nobody knows has nobody."""
        ...

    def recused(self, students: Iterable[str]) -> tuple[str, ...]:
        """Return who must not see the matter of a student, all ids of whom are given."""
        ...

    def name(self, staff_id: str) -> str:
        """Return what to call somebody; their id when the program does not know them."""
        ...

    def knows(self, staff_id: str) -> bool:
        """Return whether somebody is on the staff."""
        ...
