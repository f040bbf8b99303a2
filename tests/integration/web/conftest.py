"""A toy service on a database of its own: the common tables, keys, and one table of matters behind the wall."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from starlette.types import ASGIApp

from deploy.local import databases as administration
from deploy.local.stack import Stack
from shared.access.actors import service_actor
from shared.access.tokens import mint
from shared.clock import MovableClock
from shared.events.program import RoleHeld, StaffSnapshot
from shared.ids import new_id
from shared.privacy import tables as keys
from shared.settings import Settings
from shared.storage import tables
from shared.storage.engines import Database, connect
from shared.storage.security import protect
from tests.stack import PASSWORD, settings_of

TOY = "toy"
START = datetime(2026, 9, 14, 10, 0, tzinfo=UTC)
_numbers = count(1)

MATTERS = """
CREATE TABLE matters (
    id uuid PRIMARY KEY,
    campus text NOT NULL,
    sensitivity text NOT NULL,
    owner_id text,
    body bytea
)
"""


@dataclass
class Toy:
    """The toy service's database in both roles, and people to call it."""

    settings: Settings
    clock: MovableClock
    api: Database
    worker: Database

    async def as_owner(self, statement: str) -> None:
        """Change the schema."""
        engine = create_async_engine(self.settings.database_url(TOY, "migrator"), poolclass=NullPool)
        async with engine.begin() as connection:
            await connection.execute(text(f"SET ROLE {TOY}_owner"))
            await connection.execute(text(statement))
        await engine.dispose()

    async def hire(self, staff_id: str, *roles: tuple[str, str], clinical: bool = False, status: str = "active") -> str:
        """Write somebody into the replica of the program, as a snapshot of theirs would, and return their id."""
        held = tuple(RoleHeld(name, campus) for name, campus in roles)
        snapshot = StaffSnapshot(
            campus="NORTH", staff_id=staff_id, name="x", email="x@x", roles=held, clinical=clinical,
            sequence=next(_numbers), status=status,
        )  # fmt: skip
        await self.write(
            "INSERT INTO program_snapshots (key, version, campus, status, type, body)"
            " VALUES (:key, :version, 'NORTH', :status, :type, :body)"
            " ON CONFLICT (key) DO UPDATE SET body = excluded.body, status = excluded.status",
            key=snapshot.key,
            version=snapshot.sequence,
            status=snapshot.status,
            type=snapshot.TYPE,
            body=msgspec.json.encode(snapshot),
        )
        return staff_id

    async def write(self, statement: str, **values: object) -> None:
        """Do something as the worker."""
        async with self.worker.transaction(service_actor(TOY)) as tx:
            await tx.connection.execute(text(statement), values)

    async def rows(self, statement: str, **values: object) -> list[Any]:
        """Read something as the worker."""
        async with self.worker.transaction(service_actor(TOY)) as tx:
            return list((await tx.connection.execute(text(statement), values)).all())

    async def audits(self) -> list[dict[str, Any]]:
        """Return the audit rows in the outbox, oldest first."""
        rows = await self.rows("SELECT payload FROM outbox WHERE topic LIKE '%access' ORDER BY id")
        return [msgspec.json.decode(row.payload) for row in rows]

    async def matter(self, campus: str = "NORTH", sensitivity: str = "standard", owner: str | None = None) -> str:
        """Put a matter there and return its id."""
        id_ = str(new_id())
        await self.write(
            "INSERT INTO matters (id, campus, sensitivity, owner_id) VALUES (:id, :campus, :sensitivity, :owner)",
            id=id_, campus=campus, sensitivity=sensitivity, owner=owner,
        )  # fmt: skip
        return id_

    def token(self, person: str, lifetime: timedelta = timedelta(minutes=2)) -> str:
        return mint(self.settings, person, now=self.clock.now(), lifetime=lifetime)

    def client(self, app: ASGIApp, person: str | None = None) -> httpx.AsyncClient:
        """Return a client that speaks to an application in this process, signed in as `person`."""
        headers = {"Authorization": f"Bearer {self.token(person)}"} if person else {}
        transport = httpx.ASGITransport(app=app)
        return httpx.AsyncClient(transport=transport, base_url="http://toy.test", headers=headers)


@pytest.fixture(scope="module")
async def toy_settings(stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[Settings]:
    """Settings of a toy service on a fresh, migrated database of this module's own."""
    found = settings_of(stack, f"w{new_id().hex[-12:]}_", "none.")
    await administration.create(stack.postgres_url, found.database_prefix, [TOY], PASSWORD)
    engine = create_async_engine(found.database_url(TOY, "migrator"), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text(f"SET ROLE {TOY}_owner"))
        made = (
            *tables.create(TOY, "program"),
            *tables.stamp(TOY, "program"),
            *keys.create(TOY),
            MATTERS,
            *protect(TOY, "matters", walled=True),
        )
        for statement in made:
            await connection.exec_driver_sql(statement)
    await engine.dispose()
    yield found
    await administration.drop(stack.postgres_url, found.database_prefix, [TOY])


@pytest.fixture(scope="module")
async def toy(toy_settings: Settings) -> AsyncIterator[Toy]:
    clock = MovableClock(START)
    api, worker = (connect(toy_settings, TOY, role, clock, pool=4) for role in ("api", "worker"))
    yield Toy(toy_settings, clock, api, worker)
    await api.close()
    await worker.close()


@pytest.fixture(autouse=True)
async def _quiet_outbox(toy: Toy) -> None:
    """Begin each test with its campuses known and an empty outbox, so that it can count."""
    for campus in ("NORTH", "SOUTH"):
        await toy.write(
            "INSERT INTO program_snapshots (key, version, campus, status, type, body)"
            " VALUES (:key, 1, :campus, 'active', 'x', '{}') ON CONFLICT DO NOTHING",
            key=f"campus:{campus}",
            campus=campus,
        )
    await toy.write("DELETE FROM outbox")
