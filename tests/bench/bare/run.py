"""Runs a bare path: its database, topics and processes; afterwards checks that it did what the product does."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local import databases
from deploy.local.home import Home
from deploy.local.stack import Stack
from tests.bench import work
from tests.bench.bare import rows
from tests.bench.bare.plan import MAIN, MESSAGES, OWNERS, NodePlan, Share
from tests.bench.processor import Usage

_NAME = "bench_bare"
_WITHIN_S = 180.0
_SERVERS = ("postgres", "kafka")


@dataclass
class Bare:
    """A bare path whose processes are ready. `accepted` says when each referral was committed, where it was paced."""

    servers: Mapping[str, int]
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    usage: Usage = field(init=False)
    begun: float = 0.0
    ended: float = 0.0
    accepted: dict[int, float] = field(default_factory=dict)

    def begin(self) -> None:
        """Tell all processes to begin."""
        self.count()
        self.begun = time.monotonic()
        for process in self.processes.values():
            _say(process)

    def count(self) -> None:
        """Count what it costs from here on."""
        self.usage = Usage({**{name: process.pid for name, process in self.processes.items()}, **self.servers})

    async def finish(self) -> float:
        """Wait until everything is written and delivered, and return how many seconds that took."""
        for process in self.processes.values():
            said = json.loads(await _line(process))
            self.ended = max(self.ended, said["at"])
            self.accepted |= {int(number): at for number, at in said["accepted"].items()}
        return self.ended - self.begun


@asynccontextmanager
async def prepared(
    stack: Stack,
    plans: Mapping[str, NodePlan],
    *,
    rate: float = 0.0,
    batch: int = 1,
    smtp_port: int | None = None,
    http_port: int | None = None,
) -> AsyncIterator[Bare]:
    """Yield the path, ready to begin. On leaving, all rows, records and deliveries are counted and were as planned."""
    prefix = f"bare-{time.monotonic_ns()}."
    dsn = await _make(stack, plans, prefix)
    counted = {"database_prefix": "bench_", "names": ["bare"], "topic_prefix": prefix}
    before = await work.count(stack.postgres_url, stack.kafka_bootstrap, **counted)  # type: ignore[arg-type]
    bare = Bare({name: run.pid for name in _SERVERS if (run := Home(stack.state).process(name))})
    try:
        for name, plan in plans.items():
            mail = {"table": MESSAGES, "port": smtp_port, "topic": f"{prefix}referrals", "group": MAIN[name]}
            told: dict[str, Any] = plan.as_json() | {
                "dsn": dsn, "bootstrap": stack.kafka_bootstrap, "prefix": prefix, "rate": rate, "batch": batch,
                "port": http_port, "mail": mail if smtp_port and name == "notifications" else None,
            }  # fmt: skip
            module = "tests.bench.bare.http" if http_port and plan.entry else "tests.bench.bare.node"
            bare.processes[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**24,
            )  # fmt: skip
            _say(bare.processes[name], json.dumps(told))
        for process in bare.processes.values():
            assert (await _line(process)).strip() == b"ready"
        yield bare
        for process in bare.processes.values():
            _say(process)
            await asyncio.wait_for(process.wait(), 20)
        done = await work.count(stack.postgres_url, stack.kafka_bootstrap, **counted) - before  # type: ignore[arg-type]
        _check(plans, done)
    finally:
        for process in bare.processes.values():
            if process.returncode is None:
                process.kill()
                await process.wait()
        async with databases.session(stack.postgres_url) as connection:
            await connection.execute(f"DROP DATABASE IF EXISTS {_NAME} WITH (FORCE)")
        admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
        await admin.start()
        await admin.delete_topics([f"{prefix}{topic}" for topic in OWNERS])
        await admin.close()


async def _make(stack: Stack, plans: Mapping[str, NodePlan], prefix: str) -> str:
    async with databases.session(stack.postgres_url) as connection:
        await connection.execute(f"DROP DATABASE IF EXISTS {_NAME} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {_NAME}")
    dsn = stack.postgres_url.rsplit("/", 1)[0] + f"/{_NAME}"
    for name, plan in plans.items():
        tables: dict[str, int] = {}
        for share in shares(plan):
            for table, ((_, updated, _), size) in share.rows.items():
                tables[table] = tables.get(table, 0) or (size if updated else 0)
        await rows.make(dsn, name, tables)
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(f"{prefix}{topic}", work.PARTITIONS, 1) for topic in OWNERS])
    await admin.close()
    return dsn


def shares(plan: NodePlan) -> list[Share]:
    """Return all work of a process."""
    return [*([plan.entry] if plan.entry else []), *[share for _, share in plan.groups.values()]]


def _check(plans: Mapping[str, NodePlan], done: work.Work) -> None:
    """Assert that the bare path wrote, sent and delivered as much as the product."""
    wanted: dict[tuple[str, str], tuple[int, int, int]] = {}
    for name, plan in plans.items():
        for share in shares(plan):
            for table, (counts, _) in share.rows.items():
                place = ("bare", f"{name}_{table}")
                there = wanted.get(place, (0, 0, 0))
                wanted[place] = (there[0] + counts[0], there[1] + counts[1], there[2] + counts[2])
    found = {place: counts for place, counts in done.rows.items() if not place[1].endswith("_outbox")}
    assert found == {place: counts for place, counts in wanted.items() if any(counts)}, _difference(found, wanted)
    records = {
        topic: count for plan in plans.values() for share in shares(plan) for topic, (count, _) in share.records.items()
    }
    assert done.records == {topic: count for topic, count in records.items() if count}
    delivered = sum(share.of for plan in plans.values() for _, share in plan.groups.values())
    assert sum(done.delivered.values()) == delivered


def _difference(found: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> str:
    return "; ".join(
        f"{place}: {found.get(place)}, not {wanted.get(place)}"
        for place in found.keys() | wanted.keys()
        if found.get(place) != wanted.get(place)
    )


async def _line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), _WITHIN_S)
    assert line, "a process of the bare path ended by itself; its error is above"
    return line


def _say(process: asyncio.subprocess.Process, what: str = "go") -> None:
    assert process.stdin is not None
    process.stdin.write(f"{what}\n".encode())
