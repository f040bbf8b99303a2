"""Which source has raised flags on a campus, and for which reasons.

Two feeds seldom raise the same. Where no other source has raised anything for a reason, nobody needs to look, flag by
flag, whether one of theirs is the same alert; who looks and who adds holds the lock on flags.
"""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.storage.batch import arrays, insert

# A campus, and a code for why flags were raised there.
Raised = tuple[str, str]

_COLUMNS = {"campus": "text", "reason_code": "text", "source": "once text"}
_ADD = insert("flag_reasons", _COLUMNS, order="campus, reason_code", conflict="ON CONFLICT DO NOTHING")
_BEFORE = text(
    """
    SELECT campus, reason_code, bool_or(source = :source) AS ours, bool_or(source <> :source) AS others
    FROM flag_reasons
    WHERE (campus, reason_code) IN (SELECT * FROM unnest(CAST(:campuses AS text[]), CAST(:reasons AS text[])))
    GROUP BY campus, reason_code
    """
)


class Before(NamedTuple):
    """What a source has raised before, and what any other has."""

    ours: frozenset[Raised]
    others: frozenset[Raised]


async def before(connection: AsyncConnection, source: str, asked: Collection[Raised]) -> Before:
    """Return which of these were raised before."""
    if not asked:
        return Before(frozenset(), frozenset())
    campuses, reasons = zip(*asked, strict=True)
    rows = (
        await connection.execute(_BEFORE, {"source": source, "campuses": list(campuses), "reasons": list(reasons)})
    ).all()
    ours = frozenset((campus, reason) for campus, reason, by_us, _ in rows if by_us)
    return Before(ours, frozenset((campus, reason) for campus, reason, _, by_others in rows if by_others))


async def add(connection: AsyncConnection, source: str, raised: Collection[Raised]) -> None:
    """Note what a source raises for the first time."""
    if raised:
        await connection.execute(_ADD, {**arrays(_COLUMNS, sorted(raised)), "source": source})
