"""Dead letters for people: listed, shown, tried again, discarded. The worker does the trying; see `Stream.drain`.

All take the transaction of a door, which decides and audits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, text

from shared.messaging.parking import unpack_headers
from shared.refusal import Refused
from shared.storage.tx import Tx

State = Literal["dead", "waiting", "retried", "discarded"]

_COLUMNS = """id, consumer, topic, partition, log_offset, key, event_type, event_id, error_class, error_place, attempts,
              waiting_behind, state, state_reason, recorded_at, decided_at, decided_by"""
_LIST = text(
    f"""
    SELECT {_COLUMNS} FROM dead_letters
    WHERE (:consumer = '' OR consumer = :consumer) AND state = ANY (CAST(:states AS text[]))
      AND (CAST(:after AS uuid) IS NULL OR id > :after)
    ORDER BY id LIMIT :count
    """  # noqa: S608 - the columns above, no input
)
_SHOW = text(f"SELECT {_COLUMNS}, headers, payload FROM dead_letters WHERE id = :id")  # noqa: S608 - as above
_LOCK = text(
    "SELECT id, state, decided_at FROM dead_letters WHERE id = ANY (CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE"
)
_RETRY = text(
    "UPDATE dead_letters SET decided_at = :now, decided_by = :by, state_reason = 'retry asked'"
    " WHERE id = ANY (CAST(:ids AS uuid[]))"
)
_DISCARD = text(
    "UPDATE dead_letters SET state = 'discarded', decided_at = :now, decided_by = :by, state_reason = :reason"
    " WHERE id = ANY (CAST(:ids AS uuid[]))"
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that could not be handled, or that waits behind one (`state` waiting). Never holds what was written.

    `retry_asked`: somebody asked for another try and the worker has not made it yet.
    """

    id: UUID
    consumer: str
    topic: str
    partition: int
    offset: int
    key: str
    event_type: str
    event_id: str
    error_class: str
    error_place: str
    attempts: int
    waiting_behind: UUID | None
    state: str
    state_reason: str
    recorded_at: datetime
    decided_at: datetime | None
    decided_by: str | None

    @property
    def retry_asked(self) -> bool:
        """Whether another try is due."""
        return self.state == "dead" and self.decided_at is not None


@dataclass(frozen=True, slots=True)
class Contents:
    """A dead letter with its headers and value as they arrived: ids and codes, no text that anybody wrote."""

    letter: DeadLetter
    headers: dict[str, str]
    payload: str


async def list_(
    tx: Tx,
    *,
    consumer: str = "",
    states: Sequence[State] = ("dead", "waiting"),
    after: UUID | None = None,
    limit: int = 50,
) -> list[DeadLetter]:
    """Return dead letters, oldest first, after the one with id `after`."""
    names = {"consumer": consumer, "states": list(states), "after": after, "count": limit}
    return [_letter(row) for row in await tx.connection.execute(_LIST, names)]


async def show(tx: Tx, id_: UUID) -> Contents | None:
    """Return one dead letter with its contents, or None."""
    row = (await tx.connection.execute(_SHOW, {"id": id_})).first()
    if row is None:
        return None
    headers = {name: value.decode(errors="replace") for name, value in unpack_headers(row.headers)}
    return Contents(_letter(row), headers, (row.payload or b"").decode(errors="replace"))


async def retry(tx: Tx, ids: Sequence[UUID]) -> int:
    """Ask the worker to try these again, and then what waits behind them; return how many were asked for anew.

    Raises Refused (`not_dead`) when one is unknown or no longer dead. Asking twice is the same as asking once.
    """
    rows = await _locked(tx, ids, ("dead",))
    todo = [row.id for row in rows if row.decided_at is None]
    if todo:
        await tx.connection.execute(_RETRY, {"ids": todo, "now": tx.now, "by": tx.actor.id})
    return len(todo)


async def discard(tx: Tx, ids: Sequence[UUID], reason: str) -> int:
    """Give these up for good, for a reason in a code; what waits behind them then goes on. Returns how many.

    Raises Refused (`not_dead`) when one is unknown, handled or discarded already.
    """
    rows = await _locked(tx, ids, ("dead", "waiting"))
    await tx.connection.execute(
        _DISCARD, {"ids": [row.id for row in rows], "now": tx.now, "by": tx.actor.id, "reason": reason}
    )
    return len(rows)


async def _locked(tx: Tx, ids: Sequence[UUID], states: Sequence[State]) -> Sequence[Row[Any]]:
    rows = (await tx.connection.execute(_LOCK, {"ids": sorted(set(ids))})).all()
    if len(rows) < len(set(ids)) or any(row.state not in states for row in rows):
        raise Refused("not_dead", "One of these is no longer a dead letter.")
    return rows


def _letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        consumer=row.consumer,
        topic=row.topic,
        partition=row.partition,
        offset=row.log_offset,
        key=row.key.decode(errors="replace"),
        event_type=row.event_type,
        event_id=row.event_id,
        error_class=row.error_class,
        error_place=row.error_place,
        attempts=row.attempts,
        waiting_behind=row.waiting_behind,
        state=row.state,
        state_reason=row.state_reason,
        recorded_at=row.recorded_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
    )
