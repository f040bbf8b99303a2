"""Who brought a referral, as far as they come back to it: by what way, in which language, and who may know of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.referrals import ReferrerStatusMoved
from shared.storage.tx import Tx

OPEN, SHIELDED, ANONYMOUS = "open", "shielded", "anonymous"

_STORE = text(
    """
    INSERT INTO referrers (referral_id, campus, sensitivity, visibility, language, notices, salt, phrase, made_at)
    SELECT :referral_id, campus, sensitivity, :visibility, :language, :notices, :salt, :phrase, :now
    FROM referrals WHERE referral_id = :referral_id
    ON CONFLICT (referral_id) DO NOTHING
    """
)
_COPY = text(
    """
    INSERT INTO referrers (referral_id, campus, sensitivity, visibility, language, notices, told, salt, phrase, made_at)
    SELECT :into, made.campus, made.sensitivity, visibility, language, :notices AND notices, told, salt, phrase,
           CAST(:now AS timestamptz)
    FROM referrers, referrals AS made
    WHERE referrers.referral_id = :referral_id AND made.referral_id = :into
    """
)
_MOVED = text("UPDATE referrers SET moved_to = :into, notices = false WHERE referral_id = :referral_id")
_SILENCE = text("UPDATE referrers SET notices = false WHERE referral_id = :referral_id")
_LOAD = text(
    "SELECT referral_id, visibility, language, notices, phrase IS NOT NULL AS returns, moved_to"
    " FROM referrers WHERE referral_id = ANY (CAST(:ids AS uuid[]))"
)
_WAY_BACK = text("SELECT * FROM way_back(CAST(:reference AS text), CAST(:id AS uuid))")
# Each status is told once: whoever moves it on again in the same breath tells the last one alone.
_TELL = text(
    """
    UPDATE referrers SET told = referrals.status FROM referrals
    WHERE referrals.referral_id = referrers.referral_id AND notices AND told <> referrals.status
      AND referrals.referral_id = ANY (CAST(:ids AS uuid[]))
    RETURNING referrals.referral_id, reference, referrals.campus, referrals.sensitivity, student_id, live, status,
              version
    """
)
_WALL = (
    text("UPDATE referrers SET sensitivity = 'titleix' WHERE referral_id = :id"),
    text("UPDATE referral_messages SET sensitivity = 'titleix' WHERE referral_id = :id"),
    text("UPDATE attachments SET sensitivity = 'titleix' WHERE referral_id = :id"),
    text("UPDATE referral_turns SET sensitivity = 'titleix' WHERE referral_id = :id"),
    text("UPDATE screening_corrections SET sensitivity = 'titleix' WHERE referral_id = :id"),
    text("UPDATE match_decisions SET sensitivity = 'titleix' WHERE referral_id = :id"),
)


@dataclass(frozen=True, slots=True)
class Referrer:
    """How somebody stands to what they brought. `returns`: they have a passphrase. `notices`: they want to be told."""

    referral_id: UUID
    visibility: str = SHIELDED
    language: str = "en"
    notices: bool = False
    returns: bool = False
    moved_to: UUID | None = None


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where a referral is, and what its passphrase must hash to; None without one."""

    referral_id: UUID
    campus: str
    sensitivity: str
    salt: bytes | None
    phrase: bytes | None
    moved_to: UUID | None


async def store(tx: Tx, referrer: Referrer, *, salt: bytes | None = None, phrase: bytes | None = None) -> None:
    """Store who brought a referral that was stored before."""
    asked: dict[str, Any] = {
        "referral_id": referrer.referral_id,
        "visibility": referrer.visibility,
        "language": referrer.language,
        "notices": referrer.notices,
        "salt": salt,
        "phrase": phrase,
        "now": tx.now,
    }
    await tx.connection.execute(_STORE, asked)


async def copy(tx: Tx, referral_id: UUID, into: UUID, *, notices: bool) -> None:
    """Give a referral made of another one the same referrer, with the same passphrase."""
    asked = {"referral_id": referral_id, "into": into, "now": tx.now, "notices": notices}
    await tx.connection.execute(_COPY, asked)


async def moved(tx: Tx, referral_id: UUID, into: UUID) -> None:
    """Note that whoever comes back to a referral is to be led to another one."""
    await tx.connection.execute(_MOVED, {"referral_id": referral_id, "into": into})


async def silence(tx: Tx, referral_id: UUID) -> None:
    """Send the referrer nothing any more."""
    await tx.connection.execute(_SILENCE, {"referral_id": referral_id})


async def load(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Referrer]:
    """Return who brought these, where that is kept: a file or a partner system says nothing of it."""
    rows = (await connection.execute(_LOAD, {"ids": list(ids)})).all()
    return {row.referral_id: Referrer(*row) for row in rows}


async def way_back(connection: AsyncConnection, *, reference: str = "", id_: UUID | None = None) -> WayBack | None:
    """Find a referral for whoever may be its referrer, past row security. Says nothing of the matter."""
    row = (await connection.execute(_WAY_BACK, {"reference": reference, "id": id_})).one_or_none()
    return None if row is None else WayBack(*row)


async def tell(tx: Tx, *, referrals: Sequence[UUID]) -> None:
    """Publish what referrers who asked for it are to be told of: each status once. One statement."""
    if not referrals:
        return
    rows = (await tx.connection.execute(_TELL, {"ids": sorted(set(referrals))})).all()
    tx.publish(
        *(
            ReferrerStatusMoved(
                campus=row.campus,
                sensitivity=row.sensitivity,
                sequence=row.version,
                referral_id=row.referral_id,
                reference=row.reference,
                student_id=row.student_id,
                live=row.live,
                status=row.status,
                moved_at=tx.now,
            )
            for row in rows
        )
    )


async def wall(tx: Tx, referral_id: UUID) -> None:
    """Put everything that hangs on a referral behind the Title IX wall, where the referral itself went."""
    for statement in _WALL:
        await tx.connection.execute(statement, {"id": referral_id})
