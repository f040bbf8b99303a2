"""Where a part of a listing ended, when its rows are sorted by something other than their ids."""

from typing import NamedTuple, Self
from uuid import UUID

from shared.refusal import Refused


class Position(NamedTuple):
    """Where a part of a sorted listing ended: by what its last row stood there, as a whole number, and its id.

    What a row is sorted by may be another by the time the next part is asked for: a case moves on because somebody
    worked on the part before. Asked from where the row *was*, nothing is skipped.
    """

    value: int
    id: UUID

    def __str__(self) -> str:
        """Return it as an address takes it."""
        return f"{self.value}.{self.id}"

    @classmethod
    def read(cls, after: str | None) -> Self | None:
        """Return the place that an `after` names, None for the beginning. Raises Refused (422) for another order's."""
        if not after:
            return None
        value, _, id_ = after.rpartition(".")
        if not value:
            raise Refused("another_order", "This place is one of another order.", 422, pointer="/query/after")
        return cls(int(value), UUID(id_))


def id_of(after: str) -> UUID:
    """Return the id that an `after` names, whatever the order was."""
    return UUID(after.rpartition(".")[2])
