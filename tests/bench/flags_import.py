"""A file of flags, stored and published: how many rows a second, and how much memory the importer takes at most."""

import asyncio
import os
import time

import psutil

from deploy.local.stack import Stack
from services.intake.http.imports import FLAGS
from tests.bench import sample
from tests.bench.bare import run as bare
from tests.bench.bare.plan import plan
from tests.bench.figures import Figure, figure, say
from tests.bench.installation import Installation, installed
from tests.bench.page_latency import counted

CAMPUSES, STUDENTS = 10, 20_000
SIZES = (10_000, 100_000)
LARGEST = 1_000_000  # with FULL=1: it takes a minute
GOAL = 20_000
# Peak memory with the larger file over peak memory with the smaller one.
FLAT = 1.25
_SERVICES = ("program", "intake")
_LOOK_EVERY_S = 0.02


async def measure(stack: Stack) -> list[Figure]:
    """Measure the product, then the bare path with the product's work."""
    sizes = (*SIZES, LARGEST) if os.environ.get("FULL") else SIZES
    speeds: dict[int, float] = {}
    peaks: dict[int, float] = {}
    async with installed(stack, "flags", _SERVICES, apart=("intake",)) as installation:
        await installation.apply(sample.program(CAMPUSES, managers=1))
        await installation.bring_in("/roster/imports", sample.roster(STUDENTS, CAMPUSES))
        first, done = 0, None
        for size in sizes:
            await installation.stop()  # each begins with a process that has not grown yet
            before = await counted(installation)
            await installation.start()
            speeds[size], peaks[size] = await _import(installation, first, size)
            first += size
            if size == SIZES[-1]:
                await installation.stop()
                done = await counted(installation) - before
        made = max(sizes)
    assert done is not None
    say(f"flags_import: each flag makes {done.described(SIZES[-1])}", *done.lines(SIZES[-1]))
    plans = plan(done, SIZES[-1], SIZES[-1], ("intake",))
    async with bare.prepared(stack, plans, batch=FLAGS.batch) as path:
        path.begin()
        reference = SIZES[-1] / await path.finish()
        say(f"flags_import: milliseconds of processor a row, bare: {path.usage.described(SIZES[-1])}")
    speed = speeds[made]
    growth = peaks[made] / peaks[sizes[0]]
    found = [figure("flags_import", speed, "rows/s", reference=reference, goal=f">= {GOAL:,}", ok=speed >= GOAL)]
    found += [figure(f"flags_import, peak memory at {size:,} rows", peak, "MB") for size, peak in peaks.items()]
    found.append(figure("flags_import, growth of it", growth, "x", goal=f"<= {FLAT}", ok=growth <= FLAT))
    return found


async def _import(installation: Installation, first: int, count: int) -> tuple[float, float]:
    """Import flags; return rows a second until all are published, and the importer's peak memory in MB."""
    file = b"".join(sample.flags(first, count, STUDENTS, CAMPUSES))
    over = asyncio.Event()
    watching = asyncio.create_task(_peak(installation.pid("intake"), over))
    begun, usage = time.monotonic(), installation.usage()
    answer = await installation.bring_in("/flags/imports?source=bench", file)
    stored = time.monotonic()
    await installation.until("intake", "SELECT NOT EXISTS (SELECT 1 FROM outbox)")
    seconds = time.monotonic() - begun
    say(
        f"flags_import: {count:,} rows stored in {stored - begun:.2f} s, published in {seconds:.2f} s; "
        f"{answer['referrals_made']} referrals by the threshold rule"
    )
    over.set()
    say(f"flags_import: milliseconds of processor a row: {usage.described(count)}")
    return count / seconds, await watching


async def _peak(pid: int, over: asyncio.Event) -> float:
    process, most = psutil.Process(pid), 0
    while not over.is_set():
        most = max(most, process.memory_info().rss)
        await asyncio.sleep(_LOOK_EVERY_S)
    return most / 1024**2
