"""Listings: every one has the same shape, so that whoever pages through one can page through all."""

from typing import Annotated, Generic, NamedTuple, Self, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from shared.refusal import Refused

Item = TypeVar("Item")

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


class Listing(BaseModel, Generic[Item]):
    """Part of a listing. `after` asks for the next part and is null at the end. What one may not see is left out."""

    items: list[Item]
    after: UUID | None = None


class SortedListing(BaseModel, Generic[Item]):
    """Part of a listing in an order of the reader's. `after` asks, in the same order, for the next part."""

    items: list[Item]
    after: str | None = None


class Place(NamedTuple):
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


# An id, where the order is that of ids; a place, where it is one of another value.
After = Annotated[
    str | None,
    Query(pattern=rf"^(-?[0-9]{{1,18}}\.)?{_UUID}$", description="`after` of the part before, in the same order"),
]


def id_of(after: str | None) -> UUID | None:
    """Return the id that an `after` names, whatever the order was."""
    return UUID(after.rpartition(".")[2]) if after else None
