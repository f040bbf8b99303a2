"""Matters as rows: what is known of each referral, case and page that counts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import RowMapping, text

from services.analytics.domain.matters import Key, Matter, Milestone
from shared.storage.tx import Tx

_LOAD = text(
    """
    SELECT kind, id, campus, sensitivity, start, code, level, day, started_at, CAST(milestones AS text) AS milestones,
           owner_id, owner_since
    FROM matters JOIN unnest(CAST(:kinds AS text[]), CAST(:ids AS uuid[])) AS wanted(kind, id) USING (kind, id)
    ORDER BY kind, id FOR UPDATE OF matters
    """
)
_ROWS = """
    unnest(CAST(:kinds AS text[]), CAST(:ids AS uuid[]), CAST(:campuses AS text[]), CAST(:walls AS text[]),
           CAST(:starts AS text[]), CAST(:codes AS text[]), CAST(:levels AS text[]), CAST(:days AS date[]),
           CAST(:started_ats AS timestamptz[]), CAST(CAST(:milestones AS text[]) AS jsonb[]),
           CAST(:owners AS text[]), CAST(:owners_since AS timestamptz[]))
    AS row(kind, id, campus, sensitivity, start, code, level, day, started_at, milestones, owner_id, owner_since)
"""
# Plain, without ON CONFLICT: of two who begin one matter at once (a combination and the case it names, from two
# partitions) the second fails, and is then handled alone on top of what the first wrote.
_INSERT = text(f"INSERT INTO matters SELECT * FROM {_ROWS}")  # noqa: S608 - put together of constants
_UPDATE = text(
    f"""
    UPDATE matters SET campus = row.campus, sensitivity = row.sensitivity, start = row.start, code = row.code,
        level = row.level, day = row.day, started_at = row.started_at, milestones = row.milestones,
        owner_id = row.owner_id, owner_since = row.owner_since
    FROM {_ROWS} WHERE matters.kind = row.kind AND matters.id = row.id
    """  # noqa: S608 - put together of constants
)

_encode = msgspec.json.Encoder().encode
_milestones = msgspec.json.Decoder(dict[str, tuple[datetime, str]])


async def load(tx: Tx, keys: Iterable[Key]) -> dict[Key, Matter]:
    """Return those of the matters that are known, and hold them against others until this commits."""
    wanted = sorted(set(keys))
    rows = await tx.connection.execute(
        _LOAD, {"kinds": [key.kind for key in wanted], "ids": [key.id for key in wanted]}
    )  # fmt: skip
    return {(matter := _matter(row)).key: matter for row in rows.mappings()}


async def save(tx: Tx, added: Sequence[Matter], changed: Sequence[Matter]) -> None:
    """Store new matters and changed ones: one statement each, none for nothing."""
    if added:
        await tx.connection.execute(_INSERT, _parameters(added))
    if changed:
        await tx.connection.execute(_UPDATE, _parameters(changed))


def _matter(row: RowMapping) -> Matter:
    return Matter(
        key=Key(row["kind"], row["id"]),
        campus=row["campus"],
        wall=row["sensitivity"],
        start=row["start"],
        code=row["code"],
        level=row["level"],
        day=row["day"],
        started_at=row["started_at"],
        milestones={name: Milestone(*at_code) for name, at_code in _milestones.decode(row["milestones"]).items()},
        owner_id=row["owner_id"],
        owner_since=row["owner_since"],
    )


def _parameters(matters: Sequence[Matter]) -> dict[str, list[Any]]:
    ordered = sorted(matters, key=lambda matter: matter.key)
    return {
        "kinds": [matter.key.kind for matter in ordered],
        "ids": [matter.key.id for matter in ordered],
        "campuses": [matter.campus for matter in ordered],
        "walls": [matter.wall for matter in ordered],
        "starts": [matter.start for matter in ordered],
        "codes": [matter.code for matter in ordered],
        "levels": [matter.level for matter in ordered],
        "days": [matter.day for matter in ordered],
        "started_ats": [matter.started_at for matter in ordered],
        "milestones": [_encode(dict(matter.milestones)).decode() for matter in ordered],
        "owners": [matter.owner_id for matter in ordered],
        "owners_since": [matter.owner_since for matter in ordered],
    }
