"""Which students people said are one, and what they said of whom referrals are about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.identity import Merge
from services.intake.domain.referrals import Referral
from shared.ids import new_id
from shared.storage.tx import Tx

_NAMES = (
    "merge_id", "campus", "campuses", "student_id", "same_as", "reason_code", "merged_by", "merged_at",
    "undo_reason_code", "undone_by", "undone_at", "version",
)  # fmt: skip
_FIELDS = ", ".join(_NAMES)
_ADD = text(f"INSERT INTO merges ({_FIELDS}) VALUES ({', '.join(f':{name}' for name in _NAMES)})")  # noqa: S608
_UNDO = text(
    """
    UPDATE merges SET undo_reason_code = :undo_reason_code, undone_by = :undone_by, undone_at = :undone_at,
        version = :version
    WHERE merge_id = :merge_id
    """
)
_FIND = text(f"SELECT {_FIELDS} FROM merges WHERE merge_id = :merge_id")  # noqa: S608 - our own names
_LOCK = text(f"SELECT {_FIELDS} FROM merges WHERE merge_id = :merge_id FOR UPDATE")  # noqa: S608 - our own names
_OF = text(
    f"""
    SELECT {_FIELDS} FROM merges
    WHERE student_id = ANY (CAST(:students AS uuid[])) OR same_as = ANY (CAST(:students AS uuid[]))
    ORDER BY merge_id
    """  # noqa: S608 - our own names
)
_DECIDED = text(
    """
    INSERT INTO match_decisions
        (decision_id, referral_id, campus, sensitivity, student_id, decision, reason_code, decided_by, decided_at)
    VALUES (:decision_id, :referral_id, :campus, :sensitivity, :student_id, :decision, :reason_code, :by, :now)
    """
)
_DECISIONS = text(
    """
    SELECT student_id, decision, reason_code, decided_by, decided_at FROM match_decisions
    WHERE referral_id = :referral_id ORDER BY decision_id
    """
)


_LEFT_OPEN = text(
    """
    SELECT DISTINCT ON (referral_id) referral_id, student_id, decision, reason_code, decided_by, decided_at
    FROM match_decisions WHERE decision = 'left_open' AND referral_id = ANY (CAST(:referrals AS uuid[]))
    ORDER BY referral_id, decision_id DESC
    """
)


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said of whom a referral is about; `student_id` is None where it was about nobody in particular."""

    student_id: UUID | None
    decision: str
    reason_code: str
    decided_by: str
    decided_at: datetime


async def add(connection: AsyncConnection, merge: Merge) -> None:
    """Store a merge."""
    await connection.execute(_ADD, _values(merge) | {"campuses": list(merge.campuses)})


async def find(connection: AsyncConnection, merge_id: UUID) -> Merge | None:
    """Return a merge, if row security shows it."""
    row = (await connection.execute(_FIND, {"merge_id": merge_id})).one_or_none()
    return None if row is None else _merge(row)


async def lock(connection: AsyncConnection, merge_id: UUID) -> Merge | None:
    """Return a merge, held until the transaction ends."""
    row = (await connection.execute(_LOCK, {"merge_id": merge_id})).one_or_none()
    return None if row is None else _merge(row)


async def undo(connection: AsyncConnection, merge: Merge) -> None:
    """Store that a merge is undone."""
    await connection.execute(_UNDO, _values(merge))


async def of(connection: AsyncConnection, students: Iterable[UUID]) -> list[Merge]:
    """Return the merges that students were ever in, the oldest first."""
    rows = (await connection.execute(_OF, {"students": sorted(set(students))})).all()
    return [_merge(row) for row in rows]


async def note(
    tx: Tx, referral: Referral, decision: str, students: Sequence[UUID | None], reason_code: str = ""
) -> None:
    """Keep what somebody says of whom a referral is about, one row for each student."""
    rows = [
        {
            "decision_id": new_id(),
            "referral_id": referral.referral_id,
            "campus": referral.campus,
            "sensitivity": referral.sensitivity,
            "student_id": student,
            "decision": decision,
            "reason_code": reason_code,
            "by": tx.actor.id,
            "now": tx.now,
        }
        for student in students
    ]
    if rows:
        await tx.connection.execute(_DECIDED, rows)


async def decisions(connection: AsyncConnection, referral_id: UUID) -> list[Said]:
    """Return what was said of whom a referral is about, the oldest first."""
    return [Said(*row) for row in (await connection.execute(_DECISIONS, {"referral_id": referral_id})).all()]


async def left_open(connection: AsyncConnection, referrals: Sequence[UUID]) -> dict[UUID, Said]:
    """Return for each of these referrals who looked last and could not tell; those nobody left open are left out."""
    rows = (await connection.execute(_LEFT_OPEN, {"referrals": list(referrals)})).all()
    return {row[0]: Said(*row[1:]) for row in rows}


def _values(merge: Merge) -> dict[str, Any]:
    return {name: getattr(merge, name) for name in _NAMES}


def _merge(row: Any) -> Merge:  # noqa: ANN401 - a row of one of the statements above
    values = dict(zip(_NAMES, row, strict=True))
    return Merge(**values | {"campuses": tuple(values["campuses"])})
