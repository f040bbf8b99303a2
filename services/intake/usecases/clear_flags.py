"""Flags are cleared, by people and by their sources; they expire; and people let them stand again."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.intake.domain.flag_rules import Signal
from services.intake.storage import counting, flag_sources, flag_states, flags
from services.intake.storage.flags import COMMENT, Place, comment_record
from services.intake.usecases import count_flags
from services.intake.usecases.count_flags import New
from shared.access.actors import service_actor
from shared.events.flags import FlagCleared, FlagExpired, FlagReopened
from shared.privacy.keys import KeyRing
from shared.privacy.text import unseal
from shared.program import load_program
from shared.refusal import Refused
from shared.storage.engines import Database
from shared.storage.tx import Tx

# Why a person clears a flag. `source`, `active` and `expired` are said by others.
REASONS = ("resolved", "excused", "mistake", "withdrawn", "duplicate", "other")
SOURCE, ACTIVE = "source", "active"
_AT_ONCE = 500
# In one look. Others look in the same loop, also for dangers that nobody was told of: none waits for a backlog.
_LOOK_AT_MOST = 5_000


async def note_cleared(tx: Tx, cleared: Mapping[UUID, datetime], *, reason: str = SOURCE) -> None:
    """Note that flags were cleared at their source, or by a sign that their student is active."""
    if cleared:
        rows = await flag_states.clear(tx.connection, cleared, reason=reason, by="")
        tx.publish(*(_cleared(row, reason, "", tx.now) for row in rows))


async def note_raised_again(tx: Tx, raised: Mapping[UUID, datetime]) -> list[Any]:
    """Let flags that their sources, or activity before this, had cleared stand for a further source that raises them.

    Returns those.
    """
    rows = await flag_sources.raise_again(tx, raised)
    tx.publish(*(FlagReopened(**_head(row), reopened_by="", reopened_at=tx.now) for row in rows))
    return rows


async def clear_flags(tx: Tx, ids: Sequence[UUID], reason: str) -> list[UUID]:
    """Clear flags in a person's name; return those that were open. What rules have made of them stays."""
    rows = await flag_states.clear(tx.connection, dict.fromkeys(ids, tx.now), reason=reason, by=tx.actor.id)
    tx.publish(*(_cleared(row, reason, tx.actor.id, tx.now) for row in rows))
    return [row.flag_id for row in rows]


async def reopen_flag(tx: Tx, keys: KeyRing, flag_id: UUID) -> None:
    """Let a flag stand again; rules count it unless one has. Raises Refused when it stands already."""
    program = await load_program(tx.connection)
    await flags.lock(tx.connection)
    (there,) = await flag_states.lock(tx.connection, [flag_id])
    if there.cleared_at is None:
        raise Refused("not_cleared", "This flag is open.")
    row = await flag_states.reopen(tx.connection, flag_id, by=tx.actor.id, now=tx.now)
    tx.publish(FlagReopened(**_head(row), reopened_by=tx.actor.id, reopened_at=tx.now))
    if row.student_id is None or row.counted_in is not None:
        return
    comments = await _comment(tx, keys, there)
    new = New({Place(row.student_id, row.campus): [_signal(row)]}, comments=comments)
    found = await count_flags.find(tx, program, new)
    await counting.count(tx.connection, found.counted)
    await count_flags.keep_found(tx, keys, program, found)


async def _comment(tx: Tx, keys: KeyRing, row: Any) -> dict[UUID, str]:  # noqa: ANN401 - a row of a statement
    """Return what was written with a flag: it is screened if the flag makes a referral by itself."""
    if row.comment is None:
        return {}
    sealed = (comment_record(row.import_id, row.campus), COMMENT, row.flag_id, bytes(row.comment))
    (said,) = await unseal(tx, keys, row.campus, [sealed])
    return {row.flag_id: said}


async def expire_flags(database: Database) -> None:
    """Let flags expire where a campus's policy says after how long. Some at a time, each committed.

    What is beyond a look's share waits for the next look.
    """
    async with database.transaction(service_actor(database.service)) as tx:
        program = await load_program(tx.connection)
        lives = {campus: program.flag_days(campus, tx.now) for campus in program.campuses}
    left = _LOOK_AT_MOST
    for campus, days in sorted(lives.items()):
        expired = _AT_ONCE if days is not None else 0
        while days is not None and expired == _AT_ONCE and left > 0:
            expired = await _expire(database, campus, timedelta(days=days))
            left -= expired


async def _expire(database: Database, campus: str, after: timedelta) -> int:
    async with database.transaction(service_actor(database.service)) as tx:
        rows = await flag_states.expire(tx.connection, campus, tx.now - after, tx.now, _AT_ONCE)
        tx.publish(*(FlagExpired(**_head(row), expired_at=tx.now) for row in rows))
    return len(rows)


def _signal(row: Any) -> Signal:  # noqa: ANN401 - a row of a statement
    return Signal(
        row.flag_id, row.raised_at, row.course, row.severity, row.cleared_at, row.reason_code, row.term, row.section
    )  # fmt: skip


def _cleared(row: Any, reason: str, by: str, now: datetime) -> FlagCleared:  # noqa: ANN401 - a row of a statement
    return FlagCleared(
        **_head(row), cleared_reason=reason, cleared_by=by, cleared_at=row.cleared_at, recorded_at=now
    )  # fmt: skip


def _head(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row of a statement
    return {
        "campus": row.campus,
        "sequence": row.version,
        "flag_id": row.flag_id,
        "student_id": row.student_id,
        "reason_code": row.reason_code,
        "course": row.course,
        "term": row.term,
        "raised_at": row.raised_at,
    }
