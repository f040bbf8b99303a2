"""Listings of pages."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.page import Page
from services.notifications.storage.pages import read_page

_LIST = text(
    "SELECT CAST(body AS text) FROM pages"
    " WHERE (CAST(:state AS text) IS NULL OR state = :state) AND (CAST(:campus AS text) IS NULL OR campus = :campus)"
    " AND (CAST(:referral AS uuid) IS NULL OR referral_id = :referral)"
    " AND (CAST(:told AS text) IS NULL OR :told = ANY (addressees))"
    " AND (CAST(:after AS uuid) IS NULL OR id < :after) ORDER BY id DESC LIMIT :count"
)


async def pages(
    connection: AsyncConnection,
    *,
    state: str | None,
    campus: str | None,
    referral_id: UUID | None,
    told: str | None,
    after: UUID | None,
    count: int,
) -> list[Page]:
    """Return pages, the newest first, those that row security shows."""
    names = {
        "state": state, "campus": campus, "referral": referral_id, "told": told, "after": after, "count": count,
    }  # fmt: skip
    return [read_page(body) for body in (await connection.execute(_LIST, names)).scalars()]
