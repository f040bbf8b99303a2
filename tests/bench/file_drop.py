"""A file dropped into a feed's folder, read through its mapping: rows a second until stored and published."""

import time

from deploy.local.stack import Stack
from services.intake.usecases.receive_file import BATCH
from tests.bench import sample
from tests.bench.bare import run as bare
from tests.bench.bare.plan import plan
from tests.bench.feed_push import add_feed
from tests.bench.figures import Figure, figure, say
from tests.bench.installation import Installation, installed
from tests.bench.page_latency import counted

CAMPUSES, STUDENTS = 10, 20_000
ROWS = 100_000
GOAL = 10_000
_SERVICES = ("program", "intake")
_STARTED = "SELECT EXISTS (SELECT 1 FROM imports WHERE feed_id IS NOT NULL)"
_FINISHED = "SELECT state FROM imports WHERE feed_id IS NOT NULL"
_PUBLISHED = "SELECT NOT EXISTS (SELECT 1 FROM outbox)"
_TAKEN = "SELECT accepted FROM imports WHERE feed_id IS NOT NULL"


async def measure(stack: Stack) -> list[Figure]:
    """Measure the product, then the bare path with the product's work."""
    async with installed(stack, "drop", _SERVICES) as installation:
        await installation.apply(sample.program(CAMPUSES, managers=1))
        await installation.bring_in("/roster/imports", sample.roster(STUDENTS, CAMPUSES))
        await add_feed(installation, "drop", "file_drop", "plain-flags")
        await installation.stop()
        before = await counted(installation)
        await installation.start()
        seconds = await _drop(installation)
        await installation.stop()
        done = await counted(installation) - before
    say(f"file_drop: each flag makes {done.described(ROWS)}", *done.lines(ROWS))
    async with bare.prepared(stack, plan(done, ROWS, ROWS, ("intake",)), batch=BATCH) as path:
        path.begin()
        reference = ROWS / await path.finish()
        say(f"file_drop: milliseconds of processor a row, bare: {path.usage.described(ROWS)}")
    speed = ROWS / seconds
    return [figure("file_drop", speed, "rows/s", reference=reference, goal=f">= {GOAL:,}", ok=speed >= GOAL)]


async def _drop(installation: Installation) -> float:
    """Drop the file and return the seconds from when it is taken until every flag of it is published."""
    folder = installation.settings.state / "feeds" / "drop"
    folder.mkdir(parents=True, exist_ok=True)
    file = b"".join(sample.flags(0, ROWS, STUDENTS, CAMPUSES))
    (folder / "alerts.csv.part").write_bytes(file)
    (folder / "alerts.csv.part").rename(folder / "alerts.csv")
    await installation.until("intake", _STARTED)
    begun, usage = time.monotonic(), installation.usage()
    await installation.until("intake", _FINISHED, "finished")
    stored = time.monotonic()
    await installation.until("intake", _PUBLISHED)
    seconds = time.monotonic() - begun
    await installation.until("intake", _TAKEN, ROWS)
    say(
        f"file_drop: {ROWS:,} rows stored in {stored - begun:.2f} s, published in {seconds:.2f} s",
        f"file_drop: milliseconds of processor a row: {usage.described(ROWS)}",
    )
    return seconds
