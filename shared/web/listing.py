"""Listings: every one has the same shape, so that whoever pages through one can page through all."""

from typing import Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel

Item = TypeVar("Item")


class Listing(BaseModel, Generic[Item]):
    """Part of a listing. `after` asks for the next part and is null at the end. What one may not see is left out."""

    items: list[Item]
    after: UUID | None = None
