"""A file of referrals becomes cases and figures: how many a second, through intake, cases and analytics."""

import time

from deploy.local.stack import Stack
from services.intake.http.imports import REFERRALS
from tests.bench import sample, work
from tests.bench.bare import run as bare
from tests.bench.bare.plan import plan
from tests.bench.figures import Figure, figure, say
from tests.bench.installation import Installation, installed
from tests.bench.page_latency import counted

WARM, COUNT = 4_000, 20_000
CAMPUSES, MANAGERS = 10, 10
GOAL_RATIO, STRETCH = 0.5, 5000
_SERVICES = ("program", "intake", "cases", "analytics")


async def measure(stack: Stack) -> list[Figure]:
    """Measure the product, then the bare path with the product's work."""
    async with installed(stack, "cases", _SERVICES) as installation:
        await installation.apply(sample.program(CAMPUSES, MANAGERS))
        await installation.bring_in("/roster/imports", sample.roster(WARM + COUNT, CAMPUSES))
        await installation.until("cases", "SELECT count(*) FROM roster_snapshots", WARM + COUNT)
        await _all_in_history(installation)
        await installation.stop()
        before = await counted(installation)
        await installation.start()
        await _through(installation, 0, WARM)
        seconds = await _through(installation, WARM, COUNT)
        await installation.stop()
        done = await counted(installation) - before
    say(f"case_throughput: each referral makes {done.described(WARM + COUNT)}", *done.lines(WARM + COUNT))
    plans = plan(done, WARM + COUNT, COUNT, ("intake", "cases", "analytics"))
    async with bare.prepared(stack, plans, batch=REFERRALS.batch) as path:
        path.begin()
        bare_seconds = await path.finish()
        say(f"case_throughput: milliseconds of processor a referral, bare: {path.usage.described(COUNT)}")
    value, reference = COUNT / seconds, COUNT / bare_seconds
    rows, records, deliveries = (total / (WARM + COUNT) for total in done.totals())
    return [
        figure(
            "case_throughput", value, "referrals/s", reference=reference, goal=f">= {GOAL_RATIO} x",
            ok=value >= GOAL_RATIO * reference,
        ),
        figure("case_throughput, stretch", value, "referrals/s", goal=f">= {STRETCH:,}"),
        figure("case_throughput, rows", rows, "a referral"),
        figure("case_throughput, records", records, "a referral"),
        figure("case_throughput, deliveries", deliveries, "a referral"),
    ]  # fmt: skip


async def _through(installation: Installation, first: int, count: int) -> float:
    """Import referrals, and return the seconds until the last of them is in the figures."""
    file = sample.referral_rows(first, count, CAMPUSES)
    begun, usage = time.monotonic(), installation.usage()
    answer = await installation.bring_in("/referrals/imports?source=bench", file)
    say(f"case_throughput: {count} referrals imported in {time.monotonic() - begun:.1f} s")
    assert answer["accepted"] == count, answer
    await _settled(installation, first + count)
    seconds = time.monotonic() - begun
    say(f"case_throughput: milliseconds of processor a referral: {usage.described(count)}")
    return seconds


async def _settled(installation: Installation, count: int) -> None:
    """Wait until all referrals have their case, the referrers' side knows, and every record is in the history."""
    await installation.until("cases", "SELECT count(*) FROM cases", count)
    await installation.until("intake", "SELECT count(*) FROM referrals WHERE case_id IS NOT NULL", count)
    for service in ("intake", "cases"):
        await installation.until(service, "SELECT NOT EXISTS (SELECT 1 FROM outbox)")
    await _all_in_history(installation)


async def _all_in_history(installation: Installation) -> None:
    stack, prefix = installation.stack, installation.settings.topic_prefix
    published = sum((await work.records(stack.kafka_bootstrap, prefix)).values())
    await installation.until("analytics", "SELECT count(*) FROM history", published)
