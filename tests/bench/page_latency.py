"""From the answer to a danger referral to its mail at the mail server, at 100 a second, three times."""

import asyncio
import time
from collections.abc import Sequence
from statistics import median

from deploy.local.stack import Stack
from tests.bench import sample, work
from tests.bench.bare import run as bare
from tests.bench.bare.plan import NodePlan, plan
from tests.bench.client import Client
from tests.bench.figures import Figure, figure, percentile, say
from tests.bench.installation import Installation, installed
from tests.bench.mailbox import Mailbox

RATE = 100
SECONDS, BARE_SECONDS, WARM_SECONDS = 30, 20, 3
RUNS = 3
# Each has one person on duty, who is told alone of up to 20 pages a minute: at this rate nobody comes near.
CAMPUSES = 400
STUDENTS = 10_000
GOAL_MS, GOAL_RATIO = 250, 3
_SERVICES = ("program", "intake", "notifications")
_ARRIVE_WITHIN_S = 30.0


async def measure(stack: Stack) -> list[Figure]:
    """Measure the product, then the bare path with the product's work."""
    mailbox = Mailbox(rb"Reference: (\S+)")
    async with installed(stack, "latency", _SERVICES, await mailbox.start()) as installation:
        await installation.apply(sample.program(CAMPUSES, managers=0))
        await installation.bring_in("/roster/imports", sample.roster(STUDENTS, CAMPUSES))
        await installation.stop()  # so that what was done until here is counted, and can be taken off
        before = await counted(installation)
        await installation.start()
        runs, number = [], 0
        for _ in range(RUNS):
            await _paced(installation, mailbox, number, RATE * WARM_SECONDS)
            number += RATE * WARM_SECONDS
            usage = installation.usage()
            runs.append(await _paced(installation, mailbox, number, RATE * SECONDS))
            say(f"page_latency: milliseconds of processor a referral: {usage.described(RATE * SECONDS)}")
            number += RATE * SECONDS
        await installation.stop()
        done = await counted(installation) - before
    mailbox.stop()
    say(f"page_latency: each referral makes {done.described(number)}", *done.lines(number))
    count = RATE * (WARM_SECONDS + BARE_SECONDS)
    bare_runs = [await _bare(stack, plan(done, number, count, ("intake", "notifications"))) for _ in range(RUNS)]
    return _figures(runs, bare_runs)


async def counted(installation: Installation) -> work.Work:
    """Count what the services of an installation have done."""
    settings = installation.settings
    return await work.count(
        installation.stack.postgres_url,
        installation.stack.kafka_bootstrap,
        database_prefix=settings.database_prefix,
        names=installation.services,
        topic_prefix=settings.topic_prefix,
    )


async def _paced(installation: Installation, mailbox: Mailbox, first: int, count: int) -> list[float]:
    """Send referrals at the rate and return for each the milliseconds from its answer to its mail."""
    answered: dict[str, float] = {}
    headers = installation.headers("faculty-1")

    async def refer(client: Client, number: int) -> None:
        body = sample.referral(number, CAMPUSES, STUDENTS, danger=True)
        status, answer = await client.send_json("/referrals", headers | {"Idempotency-Key": f"bench-{number}"}, body)
        answered[answer["reference"]] = time.monotonic()
        assert status == 201, answer

    async with installation.client("intake", connections=16) as client:
        begun, tasks = time.monotonic(), []
        for number in range(count):
            await asyncio.sleep(max(0.0, begun + number / RATE - time.monotonic()))
            tasks.append(asyncio.create_task(refer(client, first + number)))
        await asyncio.gather(*tasks)
        await _arrived(mailbox, answered)
    return [1000 * (mailbox.arrived[reference] - at) for reference, at in answered.items()]


async def _arrived(mailbox: Mailbox, wanted: Sequence[str] | dict[str, float]) -> None:
    deadline = time.monotonic() + _ARRIVE_WITHIN_S
    while missing := len([each for each in wanted if each not in mailbox.arrived]):
        assert time.monotonic() < deadline, f"{missing} mails did not arrive"
        await asyncio.sleep(0.05)


async def _bare(stack: Stack, plans: dict[str, NodePlan]) -> list[float]:
    mailbox = Mailbox(rb"Subject: bare (\d+)")
    async with bare.prepared(stack, plans, rate=RATE, smtp_port=await mailbox.start()) as path:
        path.begin()
        await path.finish()
        await _arrived(mailbox, [str(number) for number in path.accepted])
        say(f"page_latency: milliseconds of processor a referral, bare: {path.usage.described(len(path.accepted))}")
    mailbox.stop()
    warm = RATE * WARM_SECONDS
    return [1000 * (mailbox.arrived[str(number)] - at) for number, at in path.accepted.items() if number >= warm]


def _figures(runs: list[list[float]], bare_runs: list[list[float]]) -> list[Figure]:
    def typical(those: list[list[float]], share: float) -> float:
        return median(percentile(each, share) for each in those)

    found = [
        figure(f"page_latency p{share}", typical(runs, share / 100), "ms", reference=typical(bare_runs, share / 100))
        for share in (50, 95)
    ]
    value, reference = typical(runs, 0.99), typical(bare_runs, 0.99)
    goal, ok = f"< {GOAL_MS} and <= {GOAL_RATIO} x", value < GOAL_MS and value <= GOAL_RATIO * reference
    found.append(figure("page_latency p99", value, "ms", reference=reference, goal=goal, ok=ok))
    for name, choose in (("least", min), ("most", max)):
        each, bare_each = (choose(percentile(run, 0.99) for run in those) for those in (runs, bare_runs))
        found.append(figure(f"page_latency p99, {name} of {RUNS}", each, "ms", reference=bare_each))
    return found
