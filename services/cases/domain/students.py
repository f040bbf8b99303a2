"""Who is who: several ids may mean one student once somebody merged them. Resolved when read, never written over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID


@dataclass
class Students:
    """Students that are being worked for: what each id resolves to, all ids of each, and their advisors.

    An id that the roster does not know yet stands for itself and has no advisor.
    """

    same_as: Mapping[UUID, UUID] = field(default_factory=dict)
    advisors: Mapping[UUID, str | None] = field(default_factory=dict)
    _aliases: dict[UUID, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        ids: dict[UUID, set[str]] = {}
        for loser in self.same_as:
            one = self.resolve(loser)
            ids.setdefault(one, {str(one)}).add(str(loser))
        self._aliases = {one: frozenset(all_) for one, all_ in ids.items()}

    def resolve(self, student_id: UUID) -> UUID:
        """Return the id that a student goes by after all merges. A ring, which no merge should make, ends."""
        seen: set[UUID] = set()
        while student_id in self.same_as and student_id not in seen:
            seen.add(student_id)
            student_id = self.same_as[student_id]
        return student_id

    def aliases(self, student_id: UUID | None) -> frozenset[str]:
        """Return all ids of the one student, as text; none for nobody."""
        if student_id is None:
            return frozenset()
        one = self.resolve(student_id)
        return self._aliases.get(one) or frozenset((str(one),))

    def advisor(self, student_id: UUID) -> str | None:
        """Return the staff id of the student's advisor, if the roster names one."""
        return self.advisors.get(self.resolve(student_id))


def chains(found: Mapping[UUID, UUID], asked: Iterable[UUID]) -> frozenset[UUID]:
    """Return the ids that merges lead to and that have not been asked for yet."""
    return frozenset(found.values()) - frozenset(asked)
