"""Changes that wait for a second person, and what became of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.program.domain.approvals import Proposal
from shared.events.program import PolicySnapshot

_FIELDS = """proposal_id, key, campus, change, base, CAST(before AS text) AS before, CAST(after AS text) AS after,
    proposed_by, proposed_at, state, decided_by, decided_at, reason_code"""
_INSERT = text(
    """
    INSERT INTO program_proposals (proposal_id, key, campus, change, base, before, after, proposed_by, proposed_at,
                                   state, decided_by, decided_at, reason_code)
    VALUES (:proposal_id, :key, :campus, :change, :base, CAST(:before AS jsonb), CAST(:after AS jsonb), :proposed_by,
            :proposed_at, :state, :decided_by, :decided_at, :reason_code)
    """
)
_SAVE = text(
    """
    UPDATE program_proposals SET state = :state, decided_by = :decided_by, decided_at = :decided_at,
        reason_code = :reason_code
    WHERE proposal_id = :proposal_id
    """
)
_WAITING = text(
    f"""
    SELECT {_FIELDS} FROM program_proposals WHERE state = 'waiting' AND key = ANY (CAST(:keys AS text[]))
    ORDER BY proposal_id FOR UPDATE
    """  # noqa: S608 - our own names
)
_FIND = text(f"SELECT {_FIELDS} FROM program_proposals WHERE proposal_id = :id")  # noqa: S608
_LOCK = text(f"SELECT {_FIELDS} FROM program_proposals WHERE proposal_id = :id FOR UPDATE")  # noqa: S608
_PAGE = text(
    f"""
    SELECT {_FIELDS} FROM program_proposals
    WHERE (CAST(:campus AS text) IS NULL OR campus = :campus) AND (CAST(:state AS text) IS NULL OR state = :state)
      AND (CAST(:after AS uuid) IS NULL OR proposal_id < :after)
    ORDER BY proposal_id DESC LIMIT :count
    """  # noqa: S608 - our own names
)


async def waiting(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Proposal]:
    """Return the proposals that wait for these keys, held until the transaction ends."""
    rows = (await connection.execute(_WAITING, {"keys": list(keys)})).all()
    return {row.key: _proposal(row) for row in rows}


async def find(connection: AsyncConnection, proposal_id: UUID) -> Proposal | None:
    """Return a proposal. What it proposes never changes; what became of it may, until it is held."""
    row = (await connection.execute(_FIND, {"id": proposal_id})).one_or_none()
    return None if row is None else _proposal(row)


async def lock(connection: AsyncConnection, proposal_id: UUID) -> Proposal | None:
    """Return a proposal and hold it until the transaction ends."""
    row = (await connection.execute(_LOCK, {"id": proposal_id})).one_or_none()
    return None if row is None else _proposal(row)


async def page(
    connection: AsyncConnection, *, campus: str | None, state: str | None, after: UUID | None, count: int
) -> list[Proposal]:
    """Return proposals, the newest first."""
    asked = {"campus": campus, "state": state, "after": after, "count": count}
    return [_proposal(row) for row in (await connection.execute(_PAGE, asked)).all()]


async def store(connection: AsyncConnection, proposal: Proposal) -> None:
    """Store a new proposal."""
    await connection.execute(_INSERT, _values(proposal))


async def save(connection: AsyncConnection, proposal: Proposal) -> None:
    """Store what became of a proposal."""
    await connection.execute(_SAVE, _values(proposal))


def _values(proposal: Proposal) -> dict[str, Any]:
    values = {name: getattr(proposal, name) for name in Proposal.__dataclass_fields__}
    return values | {"before": _json(proposal.before), "after": _json(proposal.after)}


def _json(snapshot: PolicySnapshot | None) -> str | None:
    return None if snapshot is None else msgspec.json.encode(snapshot).decode()


def _proposal(row: Any) -> Proposal:  # noqa: ANN401 - a row of one of the statements above
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row by names
    before = values["before"]
    values["before"] = None if before is None else msgspec.json.decode(before, type=PolicySnapshot)
    return Proposal(**{**values, "after": msgspec.json.decode(values["after"], type=PolicySnapshot)})
