"""Puts cases together: databases, replicas, the consumer, the relay and the routes."""

from typing import Literal

from services.cases.http import routers
from services.cases.stream import stream
from services.cases.usecases.rest import REVIEW, review_holds
from shared.clock import Clock
from shared.messaging.relay import Relay
from shared.messaging.replicas import Replicas
from shared.messaging.timers import Timers
from shared.privacy.keys import KeyRing
from shared.service import Loop, Service
from shared.settings import Settings
from shared.storage.engines import connect_both
from shared.web.app import create_app

NAME = "cases"


def build(settings: Settings, clock: Clock, role: Literal["api", "worker", "both"] = "both") -> Service:
    """Return cases, not started. `api` answers HTTP and works nothing off; `worker` the reverse."""
    database, worker = connect_both(settings, NAME, clock)
    replicas = Replicas(worker, settings, topics=("program", "roster"))
    api = create_app(
        NAME,
        settings,
        database,
        title="Caselight cases",
        routers=routers,
        ready=replicas.ready,
        parts=[KeyRing(settings)],
    )
    loops: dict[str, Loop] = {}
    if role != "api":
        loops = {
            "relay": Relay(worker, settings).run,
            "replicas": replicas.run,
            "stream": stream(worker, settings).run,
            "timers": Timers(worker, settings, {REVIEW: review_holds}).run,
        }

    async def close() -> None:
        await database.close()
        await worker.close()

    return Service(NAME, api, loops, close)
