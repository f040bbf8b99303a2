"""The sample term, lived through without a broker: what the relays would have sent, in the order of the commits."""

import csv
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import yaml

from deploy.demo import term
from deploy.demo.term import Term
from shared.access.tokens import mint
from shared.clock import MovableClock
from shared.ids import new_id
from shared.messaging.records import Record
from shared.messaging.replicas import Replicas
from shared.messaging.stream import Stream
from shared.service import Service
from shared.settings import Settings
from tests.faults.rows import rows

T = TypeVar("T")

UNTIL = datetime(2026, 9, 14, 15, tzinfo=UTC)  # a Monday morning on every campus of the sample
ADMINISTRATOR = "solberg"
CONSUMERS = ("cases", "notifications", "analytics", "intake")
BATCH = 500

_TAKE = "DELETE FROM outbox RETURNING id, topic, partition, key, headers, payload"
_READY = """
    INSERT INTO replica_ready (topic, partition, target_offset, reached)
    SELECT $1 || topic, partition, 0, true FROM unnest($2::text[]) AS topic, generate_series(0, $3 - 1) AS partition
"""
_headers = msgspec.json.Decoder(list[tuple[str, str]])


@dataclass
class Quiet:
    """A service of which nothing runs: asked over HTTP, and given records by hand."""

    settings: Settings
    clock: MovableClock
    service: Service

    @property
    def stream(self) -> Stream:
        """Its business consumer."""
        return _of(self.service, "stream", Stream)

    @property
    def replicas(self) -> Replicas:
        """What fills its replicas."""
        return _of(self.service, "replicas", Replicas)

    async def feed(self, records: Sequence[Record]) -> None:
        """Hand it those of the records that it consumes, in one batch: replicas first, as at a start."""
        for consumer, topics in ((self.replicas, self.replicas._tables), (self.stream, self.stream._topics)):
            theirs = [record for record in records if record.topic in topics]
            if theirs:
                await consumer.handle(theirs)

    async def call(self, person: str, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Let a person call it and return the answer's JSON."""
        headers = {
            "Authorization": f"Bearer {mint(self.settings, person, now=self.clock.now())}",
            "Idempotency-Key": str(new_id()),
            **more.pop("headers", {}),
        }
        transport = httpx.ASGITransport(app=self.service.api)
        async with httpx.AsyncClient(transport=transport, base_url="http://service.test", timeout=60) as client:
            answer = await client.request(method, path, headers=headers, **more)
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return dict(answer.json())


def _of(service: Service, loop: str, kind: type[T]) -> T:
    """Return what a loop belongs to, as the composition root put it together."""
    found = service.loops[loop].__self__  # type: ignore[attr-defined] # a bound method
    assert isinstance(found, kind)
    return found


@asynccontextmanager
async def quiet(name: str, settings: Settings) -> AsyncIterator[Quiet]:
    """Build a service on a clock that stands still, and close it."""
    clock = MovableClock(UNTIL)
    service: Service = import_module(f"services.{name}.app").build(settings, clock)
    try:
        yield Quiet(settings, clock, service)
    finally:
        if service.close is not None:
            await service.close()


@dataclass
class Log:
    """All topics together, in the order of the commits."""

    settings: Settings
    records: list[Record] = field(default_factory=list)
    ends: Counter[tuple[str, int]] = field(default_factory=Counter)

    async def take(self, service: str) -> int:
        """Take what waits in a service's outbox, as its relay would, and return how much it was."""
        found = sorted(await rows(self.settings, service, _TAKE), key=lambda row: int(row["id"]))
        for row in found:
            place = (row["topic"], row["partition"])
            headers = tuple((name, value.encode()) for name, value in _headers.decode(row["headers"]))
            self.records.append(Record(*place, self.ends[place], row["key"], headers, row["payload"]))
            self.ends[place] += 1
        return len(found)

    def of(self, *topics: str) -> list[Record]:
        """Return the records of some topics."""
        names = {self.settings.topic(topic) for topic in topics}
        return [record for record in self.records if record.topic in names]


async def live_through(settings: Settings, folder: Path) -> Log:
    """Write the sample term and bring it in: program, roster, flags and referrals. Nothing is consumed yet."""
    sample, log = term.write(folder, UNTIL), Log(settings)
    async with quiet("program", settings) as program:
        document = yaml.safe_load(sample.program.read_text())
        await program.call(ADMINISTRATOR, "POST", "/program:apply", json={"document": document})
    await log.take("program")
    async with quiet("intake", settings) as intake:
        for batch in batches(log.records):
            await intake.feed(batch)
        await _ready(settings, "intake", "program", "teams")
        for path, file in _files(sample):
            answer = await intake.call(
                ADMINISTRATOR, "POST", path, content=file.read_bytes(), headers={"Content-Type": "text/csv"}
            )
            assert not answer["rejected"], answer
            assert answer["rows"] == _rows_of(file)
    await log.take("intake")
    return log


def _files(sample: Term) -> Iterable[tuple[str, Path]]:
    return (
        ("/roster/imports", sample.roster),
        ("/flags/imports?source=sample", sample.flags),
        ("/referrals/imports?source=sample", sample.referrals),
    )


def _rows_of(file: Path) -> int:
    with file.open(newline="") as opened:
        return sum(1 for _ in csv.reader(opened)) - 1


async def go_on(log: Log) -> None:
    """Let every service consume what there is until nothing new comes of it; accept every page but one, and again."""
    await _ready(log.settings, "notifications", "program", "teams")
    seen: Counter[str] = Counter()
    for accepting in (False, True):
        if accepting:
            await _accept(log.settings)
            await log.take("notifications")
        while True:
            before = len(log.records)
            for name in CONSUMERS:
                async with quiet(name, log.settings) as service:
                    for batch in batches(log.records[seen[name] :]):
                        await service.feed(batch)
                seen[name] = len(log.records)
                await log.take(name)
            if len(log.records) == before:
                break


def batches(records: Sequence[Record]) -> list[list[Record]]:
    """Cut records into batches of the size that consumers ask for."""
    return [list(records[start : start + BATCH]) for start in range(0, len(records), BATCH)]


async def _accept(settings: Settings) -> None:
    async with quiet("notifications", settings) as notifications:
        open_pages = await rows(settings, "notifications", "SELECT id, addressees FROM pages ORDER BY raised_at, id")
        for page in open_pages[1:]:
            await notifications.call(page["addressees"][0], "POST", f"/pages/{page['id']}/accept", json={})


async def _ready(settings: Settings, service: str, *topics: str) -> None:
    """Say that replicas are filled: there is no broker to ask how far they must get."""
    await rows(settings, service, _READY, settings.topic_prefix, list(topics), settings.partitions)
