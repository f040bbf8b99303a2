"""Filters that people saved for lists, by name. A filter is the query of the list's address: codes and ids."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from shared.ids import new_id
from shared.storage.tx import Tx

MOST = 50

_LIST = text(
    "SELECT filter_id, name, query FROM saved_filters WHERE page = :page ORDER BY lower(name), name LIMIT :most"
)
_ALL = text("SELECT filter_id, page, name, query FROM saved_filters ORDER BY page, lower(name), name LIMIT 500")
_SAVE = text(
    """
    INSERT INTO saved_filters (filter_id, campus, person_id, page, name, query, saved_at)
    VALUES (:filter_id, '*', :person_id, :page, :name, :query, :now)
    ON CONFLICT (person_id, page, name) DO UPDATE SET query = excluded.query, saved_at = excluded.saved_at
    """
)
_DROP = text("DELETE FROM saved_filters WHERE filter_id = :filter_id")


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A filter of one list."""

    filter_id: UUID
    name: str
    query: str


async def of_page(tx: Tx, page: str) -> list[SavedFilter]:
    """Return the person's filters of a list, by name."""
    rows = await tx.connection.execute(_LIST, {"page": page, "most": MOST})
    return [SavedFilter(row.filter_id, row.name, row.query) for row in rows]


async def of_person(tx: Tx) -> list[tuple[str, SavedFilter]]:
    """Return all filters of the person, with the list each is for."""
    rows = await tx.connection.execute(_ALL)
    return [(row.page, SavedFilter(row.filter_id, row.name, row.query)) for row in rows]


async def save(tx: Tx, page: str, name: str, query: str) -> None:
    """Keep a filter under a name, in place of one the person had under it."""
    row = {
        "filter_id": new_id(), "person_id": tx.actor.id, "page": page, "name": name, "query": query, "now": tx.now,
    }  # fmt: skip
    await tx.connection.execute(_SAVE, row)


async def drop(tx: Tx, filter_id: UUID) -> None:
    """Forget a filter of the person's."""
    await tx.connection.execute(_DROP, {"filter_id": filter_id})
