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
    _ids: dict[UUID, frozenset[UUID]] = field(init=False)
    _aliases: dict[UUID, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        everybody: dict[UUID, set[UUID]] = {}
        for loser in self.same_as:
            one = self.resolve(loser)
            everybody.setdefault(one, {one}).add(loser)
        self._ids = {one: frozenset(ids) for one, ids in everybody.items()}
        self._aliases = {}

    def resolve(self, student_id: UUID) -> UUID:
        """Return the id that a student goes by after all merges. A ring, which no merge should make, ends."""
        if student_id not in self.same_as:
            return student_id
        seen: set[UUID] = set()
        while student_id in self.same_as and student_id not in seen:
            seen.add(student_id)
            student_id = self.same_as[student_id]
        return student_id

    def ids(self, student_id: UUID) -> frozenset[UUID]:
        """Return all ids of the one student."""
        one = self.resolve(student_id)
        return self._ids.get(one) or frozenset((one,))

    def aliases(self, student_id: UUID | None) -> frozenset[str]:
        """Return all ids of the one student, as text; none for nobody."""
        if student_id is None:
            return frozenset()
        found = self._aliases.get(student_id)
        if found is None:
            found = self._aliases[student_id] = frozenset(str(id_) for id_ in self.ids(student_id))
        return found

    def advisor(self, student_id: UUID) -> str | None:
        """Return the staff id of the student's advisor, if the roster names one."""
        return self.advisors.get(self.resolve(student_id))


def chains(found: Mapping[UUID, UUID], asked: Iterable[UUID]) -> frozenset[UUID]:
    """Return the ids that merges lead to and that have not been asked for yet."""
    return frozenset(found.values()) - frozenset(asked)
