"""The program service on a database of its own, people who call it, and a look at what it stored and published."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import text

from deploy.local import databases as administration
from deploy.local.databases import Connection
from deploy.local.stack import Stack
from services.program.app import build
from shared.access.actors import service_actor
from shared.access.tokens import mint
from shared.clock import MovableClock
from shared.events import Snapshot, catalogue
from shared.program import Program, load_program
from shared.service import Service
from shared.settings import Settings
from shared.storage import migrations
from shared.storage.engines import Database, connect
from tests.stack import PASSWORD, settings_of
from tests.support.eventually import eventually

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NAME = "program"


@dataclass
class Office:
    """The service, not listening, and the hands of an operator."""

    settings: Settings
    clock: MovableClock
    service: Service
    worker: Database

    @property
    def database(self) -> Database:
        database: Database = self.service.api.state.site.database
        return database

    async def call(self, person: str | None, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {}
        if person is not None:
            headers["Authorization"] = f"Bearer {mint(self.settings, person, now=self.clock.now())}"
        transport = httpx.ASGITransport(app=self.service.api)
        async with httpx.AsyncClient(transport=transport, base_url="http://program.test") as client:
            return await client.request(method, path, headers=headers, **more)

    async def apply(self, person: str | None, **document: list[dict[str, Any]]) -> httpx.Response:
        return await self.call(person, "POST", "/program:apply", json={"document": document})

    async def rehearse(self, person: str, **document: list[dict[str, Any]]) -> httpx.Response:
        return await self.call(person, "POST", "/program:apply", json={"document": document, "dry_run": True})

    async def changed(self, person: str, **document: list[dict[str, Any]]) -> dict[str, str]:
        """Apply a document that must be accepted; return what changed, by key."""
        answer = await self.apply(person, **document)
        assert answer.status_code == 200, answer.text
        return {change["key"]: change["change"] for change in answer.json()["changes"]}

    async def rows(self, statement: str, **values: object) -> list[Any]:
        async with self.worker.transaction(service_actor(NAME)) as tx:
            return list(await tx.connection.execute(text(statement), values))

    async def published(self) -> list[Snapshot]:
        """Return the snapshots in the outbox, in order."""
        found = await self.rows("SELECT headers, payload FROM outbox WHERE topic LIKE '%program' ORDER BY id")
        snapshots: list[Snapshot] = []
        for row in found:
            cls = catalogue.find(dict(msgspec.json.decode(row.headers))["ce_type"])
            assert cls is not None
            snapshot = msgspec.json.decode(row.payload, type=cls)
            assert isinstance(snapshot, Snapshot)
            snapshots.append(snapshot)
        return snapshots

    async def program(self) -> Program:
        async with self.worker.transaction(service_actor(NAME)) as tx:
            return await load_program(tx.connection)

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[Connection]:
        """A session of the server's administrator on the service's database."""
        url = str(self.settings.postgres_url)
        async with administration.session(url, f"{self.settings.database_prefix}{NAME}") as connection:
            yield connection

    @asynccontextmanager
    async def holding_the_lock(self, lock: int, waiting: int) -> AsyncIterator[None]:
        """Hold the service's lock until so many wait for it."""
        async with self.operator() as connection:
            await connection.execute("SELECT pg_advisory_lock($1)", lock)
            yield

            async def waited_for() -> bool:
                seen = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
                current = "(SELECT oid FROM pg_database WHERE datname = current_database())"
                return bool(await connection.fetchval(f"{seen} {current}") == waiting)

            await eventually(waited_for)


@pytest.fixture(scope="session")
async def office_databases(stack: Stack) -> AsyncIterator[Settings]:
    """Make the service's database once for this process."""
    settings = settings_of(stack, f"program{id(stack)}_", "program-tests.")
    await administration.create(stack.postgres_url, settings.database_prefix, [NAME], PASSWORD)
    await migrations.upgrade(settings, NAME)
    yield settings
    await administration.drop(stack.postgres_url, settings.database_prefix, [NAME])


@pytest.fixture
async def office(office_databases: Settings) -> AsyncIterator[Office]:
    """The service with an empty program. `root` is named by the settings as its first administrator."""
    settings = office_databases.model_copy(update={"administrators": "root, other"})
    clock = MovableClock(START)
    office = Office(settings, clock, build(settings, clock, "api"), connect(settings, NAME, "worker", clock))
    async with office.operator() as connection:
        await connection.execute("TRUNCATE program_snapshots, program_changes, program_proposals, outbox")
    yield office
    assert office.service.close is not None
    await asyncio.gather(office.service.close(), office.worker.close())
