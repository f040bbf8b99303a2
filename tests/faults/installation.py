"""The real services as processes of their own, on databases and topics of one module, with mail and callers."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from deploy.local.mail import MailSink
from deploy.local.processes import PORTS, free_port
from services.program.app import build as build_program
from shared.access.tokens import mint
from shared.clock import SystemClock
from shared.ids import new_id
from shared.settings import SERVICES, Settings
from tests.faults.rows import rows
from tests.support.eventually import eventually
from tests.support.loops import running
from tests.support.processes import Served, several, start

PATIENCE = 60.0  # a start takes 2 s on an idle machine
_UNAVAILABLE = 500


@dataclass
class Installation:
    """Services that a test starts, kills and starts again on the same ports, and the people who call them."""

    settings: Settings
    folder: Path
    mail: MailSink
    ports: dict[str, int]
    client: httpx.AsyncClient
    served: dict[str, Served] = field(default_factory=dict)
    started: list[Served] = field(default_factory=list)

    def command(self, *words: str, crash_at: str = "", settings: Settings | None = None) -> Served:
        """Start `caselight <words>` as a process, on these settings or on those of the installation."""
        ports = {f"CASELIGHT_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        served = start(
            ("deploy.cli.main", *words), settings or self.settings, self.folder, crash_at=crash_at, more=ports
        )
        self.started.append(served)
        return served

    async def serve(self, *services: str) -> None:
        """Start services and wait until they answer as ready."""
        for service in services:
            self.served[service] = self.command("serve", service)
        for service in services:
            await eventually(lambda service=service: self._ready(service), within=PATIENCE, why=f"{service} starts")  # type: ignore[misc]

    async def arm(self, point: str, *services: str) -> None:
        """Start services, or start them anew, to die at a crash point; they may do so before they are ready."""
        await self.stop(*services)
        for service in services:
            self.served[service] = self.command("serve", service, crash_at=point)

    async def stop(self, *services: str) -> None:
        """Let services drain and end."""
        await asyncio.gather(*[self.served[service].stop() for service in services])

    def ended(self) -> list[str]:
        """Return the services that were started and run no more."""
        return [service for service, served in self.served.items() if not served.alive]

    async def revive(self, service: str, point: str) -> None:
        """Wait until an armed service has died where it was to, and start it again unarmed."""
        armed = self.served[service]
        await armed.died(within=PATIENCE)
        assert armed.crashed_at == [point], f"{service} died elsewhere: {armed.log.read_text()[-2000:]}"
        await self.serve(service)

    async def insist(
        self, person: str, service: str, path: str, body: dict[str, Any], *, done_before: bool = False
    ) -> dict[str, Any]:
        """Send what a person says until there is an answer, as the same request: whoever hears nothing asks again.

        `done_before`: being told that it was done already is an answer too.
        """
        headers = {"Idempotency-Key": str(new_id())}

        async def answered() -> httpx.Response | None:
            return await self._ask(person, "POST", service, path, headers=headers, json=body)

        answer: httpx.Response = await eventually(answered, within=PATIENCE, every=0.1, why=f"{service}{path} answers")
        done = done_before and answer.status_code == httpx.codes.CONFLICT
        assert answer.is_success or done, f"{answer.status_code} {answer.text}"
        return dict(answer.json())

    async def get(self, person: str, service: str, path: str) -> dict[str, Any]:
        """Return what a person gets to read, once the service answers."""

        async def answered() -> httpx.Response | None:
            return await self._ask(person, "GET", service, path)

        answer: httpx.Response = await eventually(answered, within=PATIENCE, every=0.1, why=f"{service}{path} answers")
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return dict(answer.json())

    async def upload(self, person: str, path: str, file: str) -> None:
        """Send a file to intake until there is an answer: rows that it has already are no new ones."""
        headers = {"Content-Type": "text/csv"}

        async def answered() -> httpx.Response | None:
            return await self._ask(person, "POST", "intake", path, headers=headers, content=file.encode())

        answer: httpx.Response = await eventually(answered, within=PATIENCE, every=0.1, why="intake takes a file")
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        assert answer.json()["rejected"] == 0, answer.text

    async def apply(self, document: dict[str, Any]) -> None:
        """Publish the program. Its service runs here and only for that."""
        clock = SystemClock()
        program = build_program(self.settings, clock)
        try:
            async with running(program.loops["relay"]):
                transport = httpx.ASGITransport(app=program.api)
                headers = {"Authorization": f"Bearer {mint(self.settings, 'ada', now=clock.now())}"}
                async with httpx.AsyncClient(transport=transport, base_url="http://program.test") as client:
                    answer = await client.post("/program:apply", headers=headers, json={"document": document})
                assert answer.is_success, answer.text
                await eventually(self._published, within=PATIENCE, why="the program is published")
        finally:
            if program.close is not None:
                await program.close()

    async def _published(self) -> bool:
        return not await rows(self.settings, "program", "SELECT FROM outbox")

    async def _ready(self, service: str) -> bool:
        assert self.served[service].alive, f"{service} ended: {self.served[service].log.read_text()[-2000:]}"
        answer = await self._ask(None, "GET", service, "/health/ready")
        return answer is not None and answer.is_success

    async def _ask(
        self, person: str | None, method: str, service: str, path: str, **more: Any
    ) -> httpx.Response | None:
        """Return an answer, or None where nobody answers or nobody can just now."""
        headers = dict(more.pop("headers", {}))
        if person is not None:
            headers["Authorization"] = f"Bearer {mint(self.settings, person, now=SystemClock().now())}"
        url = f"http://127.0.0.1:{self.ports[service]}{path}"
        try:
            answer = await self.client.request(method, url, headers=headers, **more)
        except httpx.TransportError:
            return None
        return None if answer.status_code >= _UNAVAILABLE else answer


@asynccontextmanager
async def installation(settings: Settings, folder: Path, services: Sequence[str] = ()) -> AsyncIterator[Installation]:
    """Prepare an installation and start these services; stop whatever runs in the end."""
    mail = MailSink(folder / "mail")
    mail.start()
    ports: dict[str, int] = {}
    for service in SERVICES:
        ports[service] = free_port(os.getpid() % len(PORTS), ports.values())
    own = settings.model_copy(update={"smtp_url": mail.url, "administrators": "ada"})
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            made = Installation(own, folder, mail, ports, client)
            async with several([]) as made.started:
                await made.serve(*services)
                yield made
    finally:
        mail.stop()
