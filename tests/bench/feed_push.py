"""A partner's system pushes flags, signed, in batches: how many a second at most, and how long each waits at the goal.

What waits is measured at the pace of the goal, from when a batch was due, so that one that is late makes the next late.
"""

import asyncio
import json
import time

from deploy.local import processes
from deploy.local.installation import ADMINISTRATOR
from deploy.local.stack import Stack
from services.intake.domain.signatures import HEADER, sign
from shared.clock import SystemClock
from tests.bench import sample, work
from tests.bench.bare import run as bare
from tests.bench.bare.plan import plan
from tests.bench.client import Client
from tests.bench.figures import Figure, figure, percentile, say
from tests.bench.installation import Installation, installed
from tests.bench.page_latency import counted

CAMPUSES, STUDENTS = 10, 20_000
CLIENTS, AT_ONCE = 2, 100
WARM, COUNT, PACED = 20, 300, 150
GOAL, GOAL_MS = 1_000, 100
ALL = WARM + COUNT + PACED
_SERVICES = ("program", "intake")


async def measure(stack: Stack) -> list[Figure]:
    """Measure the product, then the bare path with the product's work."""
    async with installed(stack, "push", _SERVICES) as installation:
        await installation.apply(sample.program(CAMPUSES, managers=1))
        await installation.bring_in("/roster/imports", sample.roster(STUDENTS, CAMPUSES))
        path, token = await add_feed(installation, "push", "http_push", "plain-flags-json")
        await installation.stop()
        before = await counted(installation)
        await installation.start()
        async with installation.client("intake", CLIENTS) as client:
            await _send(client, path, token, 0, WARM)
            usage = installation.usage()
            seconds, _ = await _send(client, path, token, WARM, COUNT)
            say(f"feed_push: milliseconds of processor a flag: {usage.described(COUNT * AT_ONCE)}")
            waits = await _paced(client, path, token, WARM + COUNT, PACED)
        await installation.until("intake", "SELECT NOT EXISTS (SELECT 1 FROM outbox)")
        await installation.stop()
        done = await counted(installation) - before
        bare_seconds, bare_waits = await _bare(installation, done)
    say(f"feed_push: each batch of {AT_ONCE} makes {done.described(ALL)}", *done.lines(ALL))
    rate, slowest = COUNT * AT_ONCE / seconds, percentile(waits, 0.99)
    return [
        figure(
            "feed_push", rate, "flags/s", reference=COUNT * AT_ONCE / bare_seconds, goal=f">= {GOAL:,}", ok=rate >= GOAL
        ),
        figure("feed_push p50", percentile(waits, 0.5), "ms", reference=percentile(bare_waits, 0.5)),
        figure(
            "feed_push p99", slowest, "ms", reference=percentile(bare_waits, 0.99), goal=f"< {GOAL_MS}",
            ok=slowest < GOAL_MS,
        ),
    ]  # fmt: skip


async def add_feed(installation: Installation, code: str, kind: str, mapping: str) -> tuple[str, str]:
    """Add a feed with a shipped mapping in use; return where to send to, and its token."""
    body = {
        "code": code, "name": code, "kind": kind, "brings": "flags", "campus": "*", "owner_id": ADMINISTRATOR,
        "mapping": mapping, "rate_per_minute": 10_000_000,
    }  # fmt: skip
    async with installation.client("intake") as client:
        status, added = await client.send_json("/feeds", installation.headers(), body)
        assert status == 201, added
        path = f"/feeds/{added['feed']['feed_id']}"
        status, answer = await client.send_json(f"{path}/mappings/1/activate", installation.headers(), {})
        assert status == 200, answer
    return f"{path}/deliveries", added["token"]["secret"] if added["token"] else ""


async def _send(client: Client, path: str, token: str, first: int, count: int) -> tuple[float, list[float]]:
    """Send batches on all connections; return the seconds of all, and the milliseconds of each."""
    waits: list[float] = []
    numbers = iter(range(first, first + count))

    async def one_after_another() -> None:
        for number in numbers:
            waits.append(await _one(client, path, token, number))  # noqa: PERF401 - as they come

    begun = time.monotonic()
    await asyncio.gather(*[one_after_another() for _ in range(CLIENTS)])
    return time.monotonic() - begun, waits


async def _paced(client: Client, path: str, token: str, first: int, count: int) -> list[float]:
    """Send batches at the pace of the goal; return how many milliseconds after it was due each was answered."""
    begun, every = time.monotonic(), AT_ONCE / GOAL

    async def one(number: int) -> float:
        due = begun + (number - first) * every
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        late = 1000 * max(0.0, time.monotonic() - due)
        return late + await _one(client, path, token, number)

    return list(await asyncio.gather(*[one(number) for number in range(first, first + count)]))


async def _one(client: Client, path: str, token: str, number: int) -> float:
    body = batch(number)
    headers = {"Content-Type": "application/json", HEADER: sign(token, body, SystemClock().now())}
    begun = time.monotonic()
    status, answer = await client.send(path, headers, body)
    waited = 1000 * (time.monotonic() - begun)
    assert status in {200, 201}, answer
    assert "counts" not in answer or answer["counts"]["accepted"] == AT_ONCE, answer["counts"]
    return waited


def batch(number: int) -> bytes:
    """Return a batch of flags as the shipped mapping of JSON reads them."""
    header, *rows = b"".join(sample.flags(number * AT_ONCE, AT_ONCE, STUDENTS, CAMPUSES)).decode().splitlines()
    names = header.split(",")
    return json.dumps([dict(zip(names, row.split(","), strict=True)) for row in rows]).encode()


async def _bare(installation: Installation, done: work.Work) -> tuple[float, list[float]]:
    port = processes.free_port(processes.PORTS.start, [])
    plans = plan(done, ALL, ALL, ("intake",))
    async with bare.prepared(installation.stack, plans, http_port=port) as path:
        path.begin()
        await asyncio.to_thread(processes.wait_until, lambda: not processes.is_free(port), 10)
        async with Client(port, CLIENTS) as client:
            await _send(client, "/deliveries", "bare", 0, WARM)
            path.count()
            seconds, _ = await _send(client, "/deliveries", "bare", WARM, COUNT)
            say(f"feed_push: milliseconds of processor a flag, bare: {path.usage.described(COUNT * AT_ONCE)}")
            waits = await _paced(client, "/deliveries", "bare", WARM + COUNT, PACED)
        await path.finish()
    return seconds, waits
