"""Analytics on a database of its own, fed with records as they would come from Kafka."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text

from services.analytics.app import build
from services.analytics.stream import stream
from shared.access.actors import service_actor
from shared.access.tokens import mint
from shared.clock import MovableClock
from shared.events import Event
from shared.events.program import CampusSnapshot, RoleHeld, StaffSnapshot
from shared.messaging.records import Record, record_of
from shared.messaging.replicas import Replicas
from shared.messaging.stream import Stream
from shared.service import Service
from shared.settings import Settings
from shared.storage.engines import Database, connect
from tests.support.emptying import empty

NOW = datetime(2026, 9, 14, 15, tzinfo=UTC)
PROGRAM: tuple[Event, ...] = (
    CampusSnapshot(campus="NORTH", name="Northgate", zone="America/New_York", hours=()),
    CampusSnapshot(campus="BAY", name="Bayview", zone="America/Los_Angeles", hours=()),
    StaffSnapshot(
        campus="NORTH", staff_id="lindqvist", name="A L", email="l@example.edu", roles=(RoleHeld("director", "NORTH"),)
    ),
    StaffSnapshot(campus="*", staff_id="haddad", name="S H", email="h@example.edu", roles=(RoleHeld("director", "*"),)),
    StaffSnapshot(
        campus="NORTH", staff_id="okafor", name="A O", email="o@example.edu", roles=(RoleHeld("case_manager", "NORTH"),)
    ),
)


@dataclass
class Analytics:
    """The service as a test feeds and asks it."""

    settings: Settings
    clock: MovableClock
    worker: Database
    stream: Stream
    service: Service
    sent: list[Record] = field(default_factory=list)

    def records(self, *events: Event) -> list[Record]:
        """Make records of events, each once, at the next offset."""
        prefix, now = self.settings.topic_prefix, self.clock.now()
        made = [
            record_of(each, now=now, prefix=prefix, offset=len(self.sent) + place)
            for place, each in enumerate(events)
        ]  # fmt: skip
        self.sent += made
        return made

    async def tell(self, *events: Event) -> None:
        """Let events arrive in one batch."""
        await self.stream.handle(self.records(*events))

    async def rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """Return what a query finds, seen as the worker."""
        async with self.worker.transaction(service_actor("analytics")) as tx:
            return [tuple(row) for row in await tx.connection.execute(text(query), values)]

    async def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return everything counted and kept, but for when that was."""
        names = ("matters", "figures", "caseloads")
        found = {name: sorted(await self.rows(f"SELECT * FROM {name}"), key=repr) for name in names}
        return found | {"history": await self.rows("SELECT event_id, type, payload FROM history ORDER BY event_id")}

    async def get(self, person: str, path: str) -> httpx.Response:
        """Let a person ask over HTTP."""
        token = mint(self.settings, person, now=self.clock.now())
        transport = httpx.ASGITransport(app=self.service.api)
        async with httpx.AsyncClient(transport=transport, base_url="http://analytics.test") as client:
            return await client.get(path, headers={"Authorization": f"Bearer {token}"})

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Collect the statements the worker runs."""
        seen: list[str] = []

        def note(*call: object) -> None:
            seen.append(str(call[2]))

        engine = self.worker.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)


@pytest.fixture(scope="session")
def used() -> Sequence[str]:
    """These tests need no other service's database."""
    return ("analytics",)


@pytest.fixture
async def analytics(settings: Settings) -> AsyncIterator[Analytics]:
    """Analytics with two campuses and three people, and nothing counted yet."""
    clock = MovableClock(NOW)
    worker = connect(settings, "analytics", "worker", clock)
    found = Analytics(settings, clock, worker, stream(worker, settings), build(settings, clock, "api"))
    await empty(worker, ("program_snapshots", "history", "matters", "figures", "caseloads", "progress", "outbox"))
    # Ready: the log held nothing when the replica first looked.
    topics = {"topic": f"{settings.topic_prefix}program"}
    await found.rows(
        "INSERT INTO replica_ready SELECT :topic, n, 0, true FROM generate_series(0, 11) AS n"
        " ON CONFLICT DO NOTHING RETURNING 1", **topics,
    )  # fmt: skip
    await Replicas(worker, settings, ("program",)).handle(snapshots(found))
    yield found
    await worker.close()
    if found.service.close is not None:
        await found.service.close()


def snapshots(found: Analytics) -> Sequence[Record]:
    return [record_of(each, now=NOW, prefix=found.settings.topic_prefix) for each in PROGRAM]
