"""Puts program together: databases, routes and the relay. It consumes nothing yet."""

from typing import Literal

from services.program.http import ROUTERS
from shared.clock import Clock
from shared.messaging.relay import Relay
from shared.service import Loop, Service
from shared.settings import Settings
from shared.storage.engines import connect_both
from shared.web.app import create_app

NAME = "program"
# A document of a system of many campuses says all of its staff at once.
LARGEST_DOCUMENT = 16 * 1024 * 1024


def build(settings: Settings, clock: Clock, role: Literal["api", "worker", "both"] = "both") -> Service:
    """Return program, not started. `api` answers HTTP and relays nothing; `worker` the reverse."""
    database, worker = connect_both(settings, NAME, clock)
    api = create_app(
        NAME, settings, database, title="Caselight program", routers=ROUTERS, limit=LARGEST_DOCUMENT
    )  # fmt: skip
    loops: dict[str, Loop] = {} if role == "api" else {"relay": Relay(worker, settings).run}

    async def close() -> None:
        await database.close()
        await worker.close()

    return Service(NAME, api, loops, close)
