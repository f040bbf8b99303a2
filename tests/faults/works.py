"""Services in this process on one clock, each of which a test may halt and let go on, while servers come and go."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx

from deploy.local.mail import MailSink
from shared.clock import MovableClock
from shared.ids import new_id
from shared.messaging.failures import is_transient
from shared.settings import Settings
from tests.faults.rows import rows
from tests.journeys.program import DOCUMENT
from tests.journeys.world import START, World
from tests.support.eventually import eventually
from tests.support.loops import ended

WITHIN = 60.0
OTHERS = ("intake", "cases", "notifications", "analytics")


@dataclass
class Works(World):
    """The world of journeys, in which services can be away."""

    at_work: dict[str, list[asyncio.Task[None]]] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def some(self, *names: str) -> AsyncIterator["Works"]:
        """Publish the program, start these services, which then know it, and stop whatever works in the end."""
        try:
            self.resume("program")
            await self.post("ada", "program", "/program:apply", {"document": DOCUMENT})
            await self.sent("program")
            for name in names:
                self.resume(name)
            for name in names:
                await self.ready(name)
            yield self
        finally:
            for name in list(self.at_work):
                await self.halt(name)

    def resume(self, name: str) -> None:
        """Start a service, as a process that comes up does."""
        service = import_module(f"services.{name}.app").build(self.settings, self.clock)
        self.services[name] = service
        self.at_work[name] = [asyncio.ensure_future(loop()) for loop in service.loops.values()]
        self._tasks = [task for tasks in self.at_work.values() for task in tasks]

    async def halt(self, name: str) -> None:
        """Let a service drain and end."""
        await ended(self.at_work.pop(name))
        close = self.services[name].close
        if close is not None:
            await close()
        self._tasks = [task for tasks in self.at_work.values() for task in tasks]

    async def ready(self, name: str) -> None:
        """Wait until a service answers as ready."""

        async def answers() -> bool:
            return (await self.call(None, "GET", name, "/health/ready")).is_success

        await eventually(answers, within=WITHIN, why=f"{name} is ready")

    async def insist(self, person: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send intake what a person says until there is an answer, as the same request, while a server is away."""
        headers = {"Idempotency-Key": str(new_id())}

        async def answered() -> httpx.Response | None:
            try:
                answer = await self.call(person, "POST", "intake", path, json=body, headers=headers)
            except Exception as error:
                if not is_transient(error):
                    raise
                return None
            return answer if answer.is_success else None

        answer: httpx.Response = await eventually(answered, within=WITHIN, every=0.1, why="intake answers")
        return dict(answer.json())

    async def sent(self, name: str) -> None:
        """Wait until nothing waits in a service's outbox."""

        async def empty() -> bool:
            return not await rows(self.settings, name, "SELECT FROM outbox")

        await eventually(empty, within=WITHIN, why=f"{name} has sent everything")


@contextlib.asynccontextmanager
async def works(settings: Settings, folder: Path, *names: str) -> AsyncIterator[Works]:
    """Start services on these databases and topics, with a mail server that keeps what it gets."""
    mail = MailSink(folder)
    mail.start()
    own = settings.model_copy(update={"smtp_url": mail.url, "administrators": "ada"})
    try:
        async with Works(own, MovableClock(START), mail).some(*(names or OTHERS)) as made:
            yield made
    finally:
        mail.stop()
