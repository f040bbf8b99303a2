"""Puts analytics together: databases, the consumer of all topics, and its routes."""

from typing import Literal

from services.analytics import http
from services.analytics.storage.history import MONTHS_MADE_EVERY, make_months
from services.analytics.stream import stream
from shared.clock import Clock
from shared.messaging.relay import Relay
from shared.messaging.replicas import Replicas
from shared.messaging.timers import Timers, Watcher
from shared.service import Loop, Service
from shared.settings import Settings
from shared.storage.engines import connect_both
from shared.web.app import create_app

NAME = "analytics"


def build(settings: Settings, clock: Clock, role: Literal["api", "worker", "both"] = "both") -> Service:
    """Return analytics, not started. `api` answers HTTP and works nothing off; `worker` the reverse."""
    database, worker = connect_both(settings, NAME, clock)
    replicas = Replicas(worker, settings, topics=("program",))
    api = create_app(
        NAME, settings, database, title="Caselight analytics", routers=[http.router], ready=replicas.ready
    )  # fmt: skip
    loops: dict[str, Loop] = {}
    if role != "api":
        months = Watcher("history_months", MONTHS_MADE_EVERY, make_months)
        loops = {
            "relay": Relay(worker, settings).run,
            "replicas": replicas.run,
            "stream": stream(worker, settings).run,
            "timers": Timers(worker, settings, {}, [months]).run,
        }

    async def close() -> None:
        await database.close()
        await worker.close()

    return Service(NAME, api, loops, close)
