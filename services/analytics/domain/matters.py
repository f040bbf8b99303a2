"""A matter is one referral, case or page as far as it is counted: when it began, and what of it came when first.

What a matter adds to the figures follows from the matter alone. So an event changes the figures by the difference
between the matter before and after, and the same event again, or an older one, changes nothing.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from services.analytics.domain.figures import Changes, Figure, Load

TITLEIX = "titleix"
STANDARD = "standard"
_MILLISECOND = 1000


class Key(NamedTuple):
    """Which matter."""

    kind: str
    id: UUID


class Milestone(NamedTuple):
    """Something that came once: when, and under which code it counts; empty: under the matter's own."""

    at: datetime
    code: str


# Counts under the code of the beginning (a case: its family), the other milestones under the level.
_BY_CODE = frozenset({"cases_combined", "cases_closed"})
# What no longer counts once the other has come after it.
_UNDOES = {"cases_closed": "cases_reopened"}


class Matter(Struct, frozen=True):
    """One referral, case or page. Until its beginning is known nothing of it counts, but what came is kept.

    `start` is the figure that its beginning counts under. `owner_since` orders changes of owner.
    """

    key: Key
    campus: str = ""
    wall: str = STANDARD
    start: str = ""
    code: str = ""
    level: str = ""
    day: date | None = None
    started_at: datetime | None = None
    milestones: Mapping[str, Milestone] = {}
    owner_id: str | None = None
    owner_since: datetime | None = None

    def begin(self, *, campus: str, wall: str, start: str, code: str, level: str, day: date, at: datetime) -> "Matter":
        """Return the matter with its beginning. The first one told stands."""
        if self.started_at is not None:
            return self
        return replace(self, campus=campus, wall=wall, start=start, code=code, level=level, day=day, started_at=at)

    def reach(self, milestone: str, at: datetime, code: str = "") -> "Matter":
        """Return the matter with a milestone. Of two the earlier stands, in whatever order they are told."""
        known = self.milestones.get(milestone)
        if known is not None and known.at <= at:
            return self
        return replace(self, milestones={**self.milestones, milestone: Milestone(at, code)})

    def turn(self, milestone: str, at: datetime) -> "Matter":
        """Return the matter with a milestone that may come again. Of two the later stands, in whatever order."""
        known = self.milestones.get(milestone)
        if known is not None and known.at >= at:
            return self
        return replace(self, milestones={**self.milestones, milestone: Milestone(at, "")})

    def hand_to(self, owner_id: str | None, at: datetime) -> "Matter":
        """Return the matter with another owner. Of two the later stands; of two at one instant the one told last."""
        if self.owner_since is not None and at < self.owner_since:
            return self
        return replace(self, owner_id=owner_id, owner_since=at)

    # ------------------------------------------------------------------------------------------ what it adds

    def figures(self) -> Iterator[tuple[Figure, int]]:
        """Yield each figure this matter counts in, with the milliseconds it took."""
        if self.day is None or self.started_at is None:
            return
        yield Figure(self.campus, self.day, self.start, self.code, self.wall), 0
        for name, milestone in self.milestones.items():
            if self._is_undone(name, milestone):
                continue
            took = max(0, int((milestone.at - self.started_at).total_seconds() * _MILLISECOND))
            code = milestone.code or (self.code if name in _BY_CODE else self.level)
            yield Figure(self.campus, self.day, name, code, self.wall), took

    def _is_undone(self, name: str, milestone: Milestone) -> bool:
        """Return whether a milestone counts no more: what takes another back is no figure itself."""
        undone_by = self.milestones.get(_UNDOES.get(name, ""))
        return name in _UNDOES.values() or (undone_by is not None and undone_by.at >= milestone.at)

    def load(self) -> Load | None:
        """Return whose caseload this is in, if it is an open case and somebody's."""
        if self.started_at is None or self.owner_id is None or "cases_combined" in self.milestones:
            return None
        return Load(self.campus, self.owner_id, self.wall)


def difference(before: Matter, after: Matter, changes: Changes) -> None:
    """Add to `changes` what turning one matter into the other does to the figures."""
    if after is before:
        return
    # What stands in both cancels out.
    for matter, by in ((before, -1), (after, 1)):
        for figure, took in matter.figures():
            changes.count(figure, by, milliseconds=took)
        load = matter.load()
        if load is not None:
            changes.carry(load, by)
