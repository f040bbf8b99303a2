"""Five hundred open screens on one console process: what they weigh, and how soon all of them hear of a danger."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil

from deploy.local.stack import Stack
from tests.bench import sample
from tests.bench.figures import Figure, figure, percentile
from tests.bench.installation import Installation, installed
from tests.bench.mailbox import Mailbox
from tests.bench.screens import cookie_of

STREAMS = 500
CAMPUSES = 4
DANGERS = 10
GOAL_MB = 300.0
_SERVICES = ("program", "intake", "notifications", "console")
_MEGABYTE = 1024 * 1024


@dataclass
class Screen:
    """One open stream. `heard` are the moments at which it was told that something changed."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: list[float] = field(default_factory=list)

    async def listen(self) -> None:
        """Note each event as it comes."""
        while line := await self.reader.readline():
            if line.startswith(b"event: changed"):
                self.heard.append(time.monotonic())


async def measure(stack: Stack) -> list[Figure]:
    """Open the streams, raise dangers, and look at the process that holds them."""
    mailbox = Mailbox(rb"Reference: (\S+)")
    async with installed(stack, "streams", _SERVICES, await mailbox.start()) as installation:
        program = sample.program(CAMPUSES, managers=0)
        people = [f"watch-{number}" for number in range(STREAMS)]
        program["staff"] += [
            sample.staff(person, sample.campus(number % CAMPUSES), "duty_officer")
            for number, person in enumerate(people)
        ]
        await installation.apply(program)
        process = psutil.Process(installation.pid("console"))
        empty = process.memory_info().rss / _MEGABYTE
        async with opened(installation, await cookie_of(installation, *people)) as screens:
            waits = [await _danger(installation, screens, number) for number in range(DANGERS)]
            full = process.memory_info().rss / _MEGABYTE
    mailbox.stop()
    return [
        figure(f"streams {STREAMS} open on one console", full, "MB", reference=empty, goal=f"< {GOAL_MB:.0f}",
               ok=full < GOAL_MB),
        figure(f"streams danger to the last of {STREAMS // CAMPUSES} screens p50", percentile(waits, 0.5), "ms"),
        figure(f"streams danger to the last of {STREAMS // CAMPUSES} screens, most", max(waits), "ms"),
    ]  # fmt: skip


@asynccontextmanager
async def opened(installation: Installation, cookies: Sequence[str]) -> AsyncIterator[list[Screen]]:
    """Open one stream for each cookie, and close them all."""
    port = int(installation.environment["CASELIGHT_CONSOLE_PORT"])
    screens: list[Screen] = []
    for cookie in cookies:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n".encode())
        status = await reader.readline()
        assert b" 200 " in status, status
        screens.append(Screen(reader, writer))
    listening = [asyncio.create_task(screen.listen()) for screen in screens]
    try:
        yield screens
    finally:
        for task in listening:
            task.cancel()
        for screen in screens:
            screen.writer.close()


async def _danger(installation: Installation, screens: Sequence[Screen], number: int) -> float:
    """Refer somebody in danger; return the milliseconds until the last screen of that campus has heard."""
    body = sample.referral(number, CAMPUSES, CAMPUSES, danger=True)
    code = str(body["campus"])
    concerned = [screen for place, screen in enumerate(screens) if sample.campus(place % CAMPUSES) == code]
    before = [len(screen.heard) for screen in concerned]
    begun = time.monotonic()
    async with installation.client("intake") as client:
        headers = installation.headers("faculty-1") | {"Idempotency-Key": f"streams-{number}"}
        status, answer = await client.send_json("/referrals", headers, body)
    assert status == 201, answer
    while any(len(screen.heard) == known for screen, known in zip(concerned, before, strict=True)):
        assert time.monotonic() < begun + 30, "a screen heard nothing"
        await asyncio.sleep(0.005)
    heard = max(screen.heard[known] for screen, known in zip(concerned, before, strict=True))
    await asyncio.sleep(1.0)  # so that the next one finds the screens at rest
    return 1000 * (heard - begun)
