"""`GET /status`: what an operator needs to know about one service. Figures only."""

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import text

from shared.access.actions import Action
from shared.access.actors import EVERYWHERE
from shared.access.decision import Resource
from shared.messaging import health
from shared.storage.tx import Tx
from shared.telemetry import counters
from shared.web.gate import SignedIn
from shared.web.site import site_of

router = APIRouter(tags=["operation"])

# One statement: the outbox and the timers are short in health, and counting long ones is worth it in sickness.
_FIGURES = text(
    """
    SELECT (SELECT count(*) FROM outbox) AS outbox_rows,
           (SELECT created_at FROM outbox ORDER BY id LIMIT 1) AS outbox_oldest,
           (SELECT count(*) FROM dead_letters WHERE state = 'dead') AS dead,
           (SELECT count(*) FROM dead_letters WHERE state = 'waiting') AS waiting,
           (SELECT count(*) FROM parked) AS parked,
           (SELECT count(*) FROM timers) AS timers,
           (SELECT count(*) FROM timers WHERE due_at <= :now) AS timers_late,
           (SELECT min(due_at) FROM timers) AS next_timer
    """
)
_REPLICAS = text("SELECT topic, bool_and(reached) AS reached FROM replica_ready GROUP BY topic ORDER BY topic")


class Outbox(BaseModel):
    """Events that wait for the relay."""

    rows: int
    oldest_seconds: float


class DeadLetters(BaseModel):
    """Events that failed, events that wait behind them, and the keys they hold back."""

    dead: int
    waiting: int
    parked: int


class Timers(BaseModel):
    """Timers set; `late` are due and not yet handled, the oldest of them for `late_seconds`."""

    waiting: int
    late: int
    late_seconds: float


class Status(BaseModel):
    """How a service does. `troubles` names loops that turn without working, or do not turn, with the reason."""

    service: str
    at: datetime
    ready: bool
    replicas: dict[str, bool]
    outbox: Outbox
    dead_letters: DeadLetters
    timers: Timers
    troubles: dict[str, str]
    counters: dict[str, int]


@router.get("/status")
async def status(request: Request, gate: SignedIn) -> Status:
    """Return the service's figures, for operators."""
    site = site_of(request)
    async with gate.begin() as door:
        await door.allow(Action.STATUS_READ, Resource("status", campus=EVERYWHERE))
        found = await _figures(door)
        replicas = {topic: bool(reached) for topic, reached in await door.connection.execute(_REPLICAS)}
        return Status(
            service=site.service,
            at=door.now,
            ready=await site.is_ready(door.connection),
            replicas=replicas,
            **found,
            troubles=_troubles(site.service),
            counters=dict(counters),
        )


def _troubles(service: str) -> dict[str, str]:
    return health.troubles(service) | dict.fromkeys(health.stalled(service), "stalled")


async def _figures(tx: Tx) -> dict[str, BaseModel]:
    row = (await tx.connection.execute(_FIGURES, {"now": tx.now})).one()
    return {
        "outbox": Outbox(rows=row.outbox_rows, oldest_seconds=_age(tx.now, row.outbox_oldest)),
        "dead_letters": DeadLetters(dead=row.dead, waiting=row.waiting, parked=row.parked),
        "timers": Timers(waiting=row.timers, late=row.timers_late, late_seconds=_age(tx.now, row.next_timer)),
    }


def _age(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
