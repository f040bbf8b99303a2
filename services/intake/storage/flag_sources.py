"""Further sources of a flag: what each of them wrote, and whether it still stands for each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.flag_rows import FlagRow
from services.intake.storage.batch import CODE, arrays, insert
from shared.storage.tx import Tx

_SOURCES = {
    "flag_id": "uuid",
    "campus": CODE,
    "source_key": CODE,
    "content": "bytea",
    "comment": "bytea",
    "source": "once text",
    "import_id": "once uuid",
    "recorded_at": "once timestamptz",
}
_ADD = insert("flag_sources", _SOURCES, order="flag_id")
# Both updates are made whatever is selected, which sees the rows as they were: this source counts as having said it.
_SAY_CLEARED = text(
    """
    WITH said AS (
        SELECT * FROM unnest(CAST(:flags AS uuid[]), CAST(:times AS timestamptz[])) AS said(flag_id, at)
    ), first AS (
        UPDATE flags SET source_cleared_at = said.at FROM said
        WHERE flags.flag_id = said.flag_id AND flags.source = :source AND source_cleared_at IS NULL
          AND EXISTS (SELECT 1 FROM flag_sources AS also WHERE also.flag_id = said.flag_id)
    ), further AS (
        UPDATE flag_sources SET cleared_at = said.at FROM said
        WHERE flag_sources.flag_id = said.flag_id AND flag_sources.source = :source AND flag_sources.cleared_at IS NULL
    )
    SELECT said.flag_id, greatest(said.at, flags.source_cleared_at, (
               SELECT max(also.cleared_at) FROM flag_sources AS also WHERE also.flag_id = said.flag_id)) AS at
    FROM said JOIN flags USING (flag_id)
    WHERE (flags.source = :source OR flags.source_cleared_at IS NOT NULL)
      AND NOT EXISTS (
          SELECT 1 FROM flag_sources AS also
          WHERE also.flag_id = said.flag_id AND also.source <> :source AND also.cleared_at IS NULL)
    """
)
# What a sign of activity ended stays so for an alert from before that sign.
_RAISE_AGAIN = text(
    """
    UPDATE flags SET source_cleared_at = coalesce(source_cleared_at, cleared_at), cleared_at = NULL,
        cleared_reason = '', reopened_at = :now, reopened_by = '', version = version + 1
    FROM unnest(CAST(:flags AS uuid[]), CAST(:times AS timestamptz[])) AS said(id, at)
    WHERE flag_id = said.id AND cleared_at IS NOT NULL AND cleared_by = ''
      AND (cleared_reason IN ('', 'source') OR cleared_reason = 'active' AND said.at > cleared_at)
    RETURNING flag_id, campus, student_id, reason_code, course, term, section, severity, raised_at, cleared_at, version,
              counted_in
    """
)
_COMMENTS = text(
    "SELECT flag_id, source, import_id, comment FROM flag_sources"
    " WHERE flag_id = ANY (CAST(:flags AS uuid[])) AND comment IS NOT NULL ORDER BY recorded_at, source"
)


async def add(
    tx: Tx, source: str, import_id: UUID, further: Mapping[UUID, FlagRow], comments: Mapping[UUID, bytes]
) -> None:
    """Keep a source as a further one of flags that others raised, with what it wrote of them, sealed."""
    if further:
        same = {"source": source, "recorded_at": tx.now, "import_id": import_id}
        rows = [
            (flag_id, row.campus, row.source_key, row.content, comments.get(flag_id))
            for flag_id, row in further.items()
        ]
        await tx.connection.execute(_ADD, {**arrays(_SOURCES, rows), **same})


async def say_cleared(
    connection: AsyncConnection, source: str, cleared: Mapping[UUID, datetime]
) -> dict[UUID, datetime]:
    """Note that flags need nothing any more for a source. Returns those for which no source says otherwise, and when.

    A flag that stands for another source, or for a person who raised it, is left out.
    """
    if not cleared:
        return {}
    flags = sorted(cleared)
    asked = {"source": source, "flags": flags, "times": [cleared[flag] for flag in flags]}
    return {row.flag_id: row.at for row in (await connection.execute(_SAY_CLEARED, asked)).all()}


async def raise_again(tx: Tx, raised: Mapping[UUID, datetime]) -> list[Any]:
    """Let flags stand that their sources, or activity before this, had cleared and a further one raises; return those.

    `raised` is when the further one raises each.
    """
    if not raised:
        return []
    flags = sorted(raised)
    asked = {"flags": flags, "times": [raised[flag] for flag in flags], "now": tx.now}
    return list((await tx.connection.execute(_RAISE_AGAIN, asked)).all())


async def comments(connection: AsyncConnection, flags: Sequence[UUID]) -> list[Any]:
    """Return what further sources wrote of flags, sealed, in the order in which they came."""
    return list((await connection.execute(_COMMENTS, {"flags": list(flags)})).all()) if flags else []
