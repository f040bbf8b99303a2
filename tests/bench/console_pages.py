"""Every page of the console's menu, and the first thing each list leads to, on the sample term: how long, how heavy."""

import asyncio
import re
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urljoin

import httpx
import yaml

from deploy.demo import term
from deploy.local.stack import Stack
from services.console.nav import JOBS
from shared.clock import SystemClock
from tests.bench.figures import Figure, figure, percentile, say
from tests.bench.installation import Installation, installed
from tests.bench.mailbox import Mailbox
from tests.bench.screens import cookie_of

# Between them they see every page: an administrator, a case manager who triages, an officer on duty, a director.
PEOPLE = ("solberg", "reyes", "okafor", "lindqvist")
TIMES, WARM, AT_ONCE = 24, 4, 2
GOAL_MS, GOAL_KB = 300.0, 150.0
_SERVICES = ("program", "intake", "cases", "notifications", "analytics", "console")
_ROW = re.compile(r'href="([^"]+)" data-row')
_LOADS = re.compile(r'(?:href|src)="(/assets/[^"]+)"')
_IMPORTS = re.compile(r'from "\./([^"]+)"')


async def measure(stack: Stack) -> list[Figure]:
    """Bring in the sample term, and look at every page as often as it takes."""
    mailbox = Mailbox(rb"Reference: (\S+)")
    async with installed(stack, "pages", _SERVICES, await mailbox.start()) as installation:
        await _bring_in_the_term(installation)
        address = f"http://127.0.0.1:{installation.environment['CASELIGHT_CONSOLE_PORT']}"
        waits: dict[str, list[float]] = {}
        weights: dict[str, float] = {}
        for person, cookie in zip(PEOPLE, await cookie_of(installation, *PEOPLE), strict=True):
            async with httpx.AsyncClient(
                base_url=address, headers={"Cookie": cookie}, timeout=30, trust_env=False
            ) as browser:
                for path in await _pages(browser):
                    kind = re.sub(r"[0-9a-f-]{36}", "…", path)
                    waits.setdefault(f"{kind} {person}", await _looked(browser, path))
                    weights[kind] = max(weights.get(kind, 0.0), await _weight(browser, path) / 1000)
    mailbox.stop()
    slowest = max(waits, key=lambda name: percentile(waits[name], 0.95))
    worst, heaviest = percentile(waits[slowest], 0.95), max(weights.values())
    for name, found in sorted(waits.items()):
        say(f"console_pages: {name}: p50 {percentile(found, 0.5):.0f} ms, p95 {percentile(found, 0.95):.0f} ms")
    for kind, weight in sorted(weights.items()):
        say(f"console_pages: {kind}: {weight:.0f} KB on first view")
    every = [wait for found in waits.values() for wait in found]
    return [
        figure("console_pages p50 of all", percentile(every, 0.5), "ms"),
        figure(
            f"console_pages p95 of the slowest ({slowest})", worst, "ms", goal=f"< {GOAL_MS:.0f}", ok=worst < GOAL_MS
        ),
        figure(
            "console_pages first view of the heaviest", heaviest, "KB", goal=f"<= {GOAL_KB:.0f}", ok=heaviest <= GOAL_KB
        ),
    ]


async def _bring_in_the_term(installation: Installation) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # It ends hours ago: what is old news by then calls nobody while we measure.
        sample = term.write(Path(folder), SystemClock().now().replace(microsecond=0) - timedelta(hours=12))
        await installation.apply(yaml.safe_load(sample.program.read_text(encoding="utf-8")))
        for kind, path, file in (
            ("roster", "/roster/imports", sample.roster),
            ("flags", "/flags/imports?source=sample", sample.flags),
            ("referrals", "/referrals/imports?source=sample", sample.referrals),
        ):
            answer = await installation.bring_in(path, file.read_bytes())
            say(f"console_pages: {answer['rows']} rows of {kind}")
    for service in ("intake", "cases", "notifications"):
        await installation.until(service, "SELECT NOT EXISTS (SELECT 1 FROM outbox)")


async def _pages(browser: httpx.AsyncClient) -> list[str]:
    """Return the pages of somebody's menu, and behind each list the first thing on it."""
    menu = re.findall(r'class="cl-nav__link" href="([^"]+)"', (await browser.get("/")).text)
    assert set(menu) <= {job.path for job in JOBS}, menu
    found = list(menu)
    for path in menu:
        rows = _ROW.findall((await browser.get(path)).text)
        found += [urljoin(path, row.replace("&amp;", "&")) for row in rows[:1]]
    return list(dict.fromkeys(found))


async def _looked(browser: httpx.AsyncClient, path: str) -> list[float]:
    """Return how many milliseconds a page took, each time; two people look at once."""
    waits: list[float] = []

    async def look(count: int) -> None:
        for _ in range(count):
            begun = time.monotonic()
            answer = await browser.get(path)
            waits.append(1000 * (time.monotonic() - begun))
            assert answer.status_code == httpx.codes.OK, f"{path}: {answer.status_code}"

    await look(WARM)
    waits.clear()
    await asyncio.gather(*[look(TIMES // AT_ONCE) for _ in range(AT_ONCE)])
    return waits


async def _weight(browser: httpx.AsyncClient, path: str) -> int:
    """Return the bytes that cross the wire when somebody opens a page for the first time."""
    page, total = await _bytes(browser, path)
    wanted, seen = set(_LOADS.findall(page)), set[str]()
    while wanted - seen:
        (url, *_) = wanted - seen
        seen.add(url)
        content, size = await _bytes(browser, url)
        total += size
        if url.endswith(".js"):
            wanted |= {urljoin(url, name) for name in _IMPORTS.findall(content)}
    return total


async def _bytes(browser: httpx.AsyncClient, path: str) -> tuple[str, int]:
    async with browser.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.is_success, f"{path}: {answer.status_code}"
        content = b"".join([piece async for piece in answer.aiter_bytes()])
        return content.decode(errors="replace"), answer.num_bytes_downloaded
