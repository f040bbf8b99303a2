"""Listings: every one has the same shape, so that whoever pages through one can page through all."""

from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

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


# An id, where the order is that of ids; a place, where it is one of another value.
After = Annotated[
    str | None,
    Query(pattern=rf"^(-?[0-9]{{1,18}}\.)?{_UUID}$", description="`after` of the part before, in the same order"),
]
