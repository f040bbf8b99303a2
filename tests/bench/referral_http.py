"""One referral after another by HTTP, from many people at once: how many a second, and how long each waits."""

import asyncio
import time

from deploy.local import processes
from deploy.local.stack import Stack
from tests.bench import sample, work
from tests.bench.bare import run as bare
from tests.bench.bare.plan import plan
from tests.bench.client import Client
from tests.bench.figures import Figure, figure, percentile, say
from tests.bench.installation import Installation, installed
from tests.bench.page_latency import counted

CAMPUSES, STUDENTS = 10, 10_000
CLIENTS, WARM, COUNT = 4, 400, 4_000
# Each person may ask ten times a second; so many people together come nowhere near.
PEOPLE = 100
GOAL, GOAL_MS = 200, 50
_SERVICES = ("program", "intake")


async def measure(stack: Stack) -> list[Figure]:
    """Measure the product, then the bare path with the product's work."""
    async with installed(stack, "http", _SERVICES) as installation:
        await installation.apply(sample.program(CAMPUSES, managers=1))
        await installation.bring_in("/roster/imports", sample.roster(STUDENTS, CAMPUSES))
        await installation.stop()
        before = await counted(installation)
        await installation.start()
        people = [installation.headers(f"person-{number}") for number in range(PEOPLE)]
        async with installation.client("intake", CLIENTS) as client:
            await _ask(client, people, 0, WARM)
            usage = installation.usage()
            seconds, waits = await _ask(client, people, WARM, COUNT)
            say(f"referral_http: milliseconds of processor a referral: {usage.described(COUNT)}")
        await installation.until("intake", "SELECT NOT EXISTS (SELECT 1 FROM outbox)")
        await installation.stop()
        done = await counted(installation) - before
        bare_seconds, bare_waits = await _bare(installation, done, people)
    say(f"referral_http: each referral makes {done.described(WARM + COUNT)}", *done.lines(WARM + COUNT))
    rate, slowest = COUNT / seconds, percentile(waits, 0.99)
    return [
        figure(
            "referral_http", rate, "referrals/s", reference=COUNT / bare_seconds, goal=f">= {GOAL}", ok=rate >= GOAL
        ),
        figure("referral_http p50", percentile(waits, 0.5), "ms", reference=percentile(bare_waits, 0.5)),
        figure(
            "referral_http p99", slowest, "ms", reference=percentile(bare_waits, 0.99), goal=f"< {GOAL_MS}",
            ok=slowest < GOAL_MS,
        ),
    ]  # fmt: skip


async def _ask(client: Client, people: list[dict[str, str]], first: int, count: int) -> tuple[float, list[float]]:
    """Send referrals on all connections at once; return the seconds of all, and the milliseconds of each."""
    waits: list[float] = []
    numbers = iter(range(first, first + count))

    async def one_after_another() -> None:
        for number in numbers:
            body = sample.referral(number, CAMPUSES, STUDENTS, danger=False)
            headers = people[number % PEOPLE] | {"Idempotency-Key": f"bench-{number}"}
            begun = time.monotonic()
            status, answer = await client.send_json("/referrals", headers, body)
            waits.append(1000 * (time.monotonic() - begun))
            assert status == 201, answer

    begun = time.monotonic()
    await asyncio.gather(*[one_after_another() for _ in range(CLIENTS)])
    return time.monotonic() - begun, waits


async def _bare(installation: Installation, done: work.Work, people: list[dict[str, str]]) -> tuple[float, list[float]]:
    port = processes.free_port(processes.PORTS.start, [])
    plans = plan(done, WARM + COUNT, WARM + COUNT, ("intake",))
    async with bare.prepared(installation.stack, plans, http_port=port) as path:
        path.begin()
        await asyncio.to_thread(processes.wait_until, lambda: not processes.is_free(port), 10)
        async with Client(port, CLIENTS) as client:
            await _ask(client, people, 0, WARM)
            path.count()
            found = await _ask(client, people, WARM, COUNT)
            say(f"referral_http: milliseconds of processor a referral, bare: {path.usage.described(COUNT)}")
        await path.finish()
    return found
