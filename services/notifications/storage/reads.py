"""Listings of pages."""

from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.page import Page
from services.notifications.storage.pages import read_page
from shared.storage.positions import Position

Order = Literal["newest", "waiting"]
# For whom somebody still waits; then what somebody has; what is over comes last.
_RANKS = {"notifying": 0, "unreached_owned": 0, "accepted": 1, "ended": 2}
_RANK = f"CASE {' '.join(f'WHEN state = {state!r} THEN {rank}' for state, rank in _RANKS.items())} END"
_LIST = (
    "SELECT CAST(body AS text) FROM pages"
    " WHERE (CAST(:state AS text) IS NULL OR state = :state) AND (CAST(:campus AS text) IS NULL OR campus = :campus)"
    " AND (CAST(:referral AS uuid) IS NULL OR referral_id = :referral)"
    " AND (CAST(:told AS text) IS NULL OR :told = ANY (addressees))"
    " AND (CAST(:after AS uuid) IS NULL OR {past}) ORDER BY {order} LIMIT :count"
)
_LIST_BY = {
    "newest": text(_LIST.format(past="id < :after", order="id DESC")),
    "waiting": text(_LIST.format(past=f"({_RANK}, id) > (:rank, :after)", order=f"{_RANK}, id")),
}


async def pages(
    connection: AsyncConnection,
    *,
    state: str | None,
    campus: str | None,
    referral_id: UUID | None,
    told: str | None,
    after: Position | None,
    count: int,
    order: Order = "newest",
) -> list[Page]:
    """Return pages that row security shows: the newest first, or those that have waited longest for somebody."""
    names = {"state": state, "campus": campus, "referral": referral_id, "told": told, "count": count}
    begins = {"after": after.id if after else None} | (
        {"rank": after.value if after else None} if order == "waiting" else {}
    )
    return [read_page(body) for body in (await connection.execute(_LIST_BY[order], names | begins)).scalars()]


def position(page: Page) -> Position:
    """Return where a page stands among those that wait longest; by its id alone it does among the newest."""
    return Position(_RANKS[page.state.value], page.id)
