"""Links that were sent, known by their fingerprint alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.links import Link

_SAVE = text(
    """
    INSERT INTO links (page_id, staff_id, campus, fingerprint, expires_at)
    SELECT page_id, staff_id, campus, fingerprint, expires_at
    FROM unnest(CAST(:page_ids AS uuid[]), CAST(:staff_ids AS text[]), CAST(:campuses AS text[]),
                CAST(:fingerprints AS bytea[]), CAST(:expire_ats AS timestamptz[]))
         AS row(page_id, staff_id, campus, fingerprint, expires_at)
    ORDER BY page_id, staff_id
    ON CONFLICT DO NOTHING
    """
)
_KNOWN = text("SELECT EXISTS (SELECT 1 FROM links WHERE fingerprint = :fingerprint)")
_USE = text("UPDATE links SET used_at = coalesce(used_at, :now) WHERE fingerprint = :fingerprint")


@dataclass(frozen=True, slots=True)
class SentLink:
    """A link with what is kept of it."""

    link: Link
    campus: str
    fingerprint: bytes


async def save(connection: AsyncConnection, links: Sequence[SentLink]) -> None:
    """Store links; one that was sent before is the same again."""
    if not links:
        return
    await connection.execute(
        _SAVE,
        {
            "page_ids": [each.link.page_id for each in links],
            "staff_ids": [each.link.staff_id for each in links],
            "campuses": [each.campus for each in links],
            "fingerprints": [each.fingerprint for each in links],
            "expire_ats": [each.link.expires_at for each in links],
        },
    )


async def known(connection: AsyncConnection, fingerprint: bytes) -> bool:
    """Return whether we sent this link."""
    return bool((await connection.execute(_KNOWN, {"fingerprint": fingerprint})).scalar_one())


async def use(connection: AsyncConnection, fingerprint: bytes, now: datetime) -> None:
    """Note when a link was first acted by."""
    await connection.execute(_USE, {"fingerprint": fingerprint, "now": now})
