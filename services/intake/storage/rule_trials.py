"""Trials of rules: asked for by people, worked on by a worker, kept for a day."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.access.actors import service_actor
from shared.messaging.timers import Watcher
from shared.storage.engines import Database
from shared.storage.tx import Tx

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
KEPT = timedelta(days=1)
# Whoever works on one says so every half second. One that nobody has said it of for this long is begun anew.
_GIVEN_UP_AFTER = timedelta(seconds=15)
# One that ends its worker, or its statement, each time must not keep the others waiting for ever.
_TRIES = 3

_ADD = text(
    """
    INSERT INTO rule_trials (trial_id, campus, asked_by, asked_at, question, state)
    VALUES (:trial_id, :campus, :by, :now, :question, 'waiting')
    """
)
_FIND = text(
    "SELECT trial_id, question, state, looked_at, result FROM rule_trials WHERE trial_id = :trial_id AND asked_by = :by"
)
_GIVE_UP = text(
    "UPDATE rule_trials SET state = 'failed' WHERE state = 'running' AND beat_at < :silent AND tries >= :tries"
)
_CLAIM = text(
    """
    UPDATE rule_trials SET state = 'running', beat_at = :now, looked_at = 0, tries = tries + 1
    WHERE trial_id = (
        SELECT trial_id FROM rule_trials
        WHERE state = 'waiting' OR (state = 'running' AND beat_at < :silent)
        ORDER BY asked_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING trial_id, question
    """
)
_BEAT = text("UPDATE rule_trials SET beat_at = :now, looked_at = :looked_at WHERE trial_id = :trial_id")
_END = text("UPDATE rule_trials SET state = :state, result = :result WHERE trial_id = :trial_id AND state = 'running'")
_FORGET = text("DELETE FROM rule_trials WHERE asked_at < :before")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A trial to work on."""

    trial_id: UUID
    question: str


async def add(tx: Tx, trial_id: UUID, campus: str, question: str) -> None:
    """Keep what somebody asks to try."""
    await tx.connection.execute(
        _ADD, {"trial_id": trial_id, "campus": campus, "by": tx.actor.id, "now": tx.now, "question": question}
    )


async def find(connection: AsyncConnection, trial_id: UUID, by: str) -> Any:  # noqa: ANN401 - a row
    """Return a trial that somebody asked for, or None; nobody sees another's."""
    return (await connection.execute(_FIND, {"trial_id": trial_id, "by": by})).one_or_none()


async def claim(tx: Tx) -> Claimed | None:
    """Take the trial that waits longest, or one whose worker has gone; None where there is none.

    One that was begun three times and never ended has failed.
    """
    silent = tx.now - _GIVEN_UP_AFTER
    await tx.connection.execute(_GIVE_UP, {"silent": silent, "tries": _TRIES})
    row = (await tx.connection.execute(_CLAIM, {"now": tx.now, "silent": silent})).one_or_none()
    return None if row is None else Claimed(row.trial_id, row.question)


async def beat(tx: Tx, trial_id: UUID, looked_at: int) -> None:
    """Say that a trial goes on, and how many flags were looked at."""
    await tx.connection.execute(_BEAT, {"trial_id": trial_id, "now": tx.now, "looked_at": looked_at})


async def end(tx: Tx, trial_id: UUID, state: str, result: str = "") -> None:
    """Keep what came of a trial."""
    await tx.connection.execute(_END, {"trial_id": trial_id, "state": state, "result": result})


async def forget_trials(database: Database) -> None:
    """Delete what was tried more than a day ago: it says whose flags rules counted."""
    async with database.transaction(service_actor(database.service)) as tx:
        await tx.connection.execute(_FORGET, {"before": tx.now - KEPT})


FORGET_TRIALS = Watcher("forget_rule_trials", timedelta(hours=1), forget_trials)
