"""Every page of the console that a link leads to, on the sample term: how long, how heavy.

For each person, from their menu on: the first link to each kind of page is followed, and the first from there.
"""

import asyncio
import html
import json
import re
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import yaml
from fastapi.routing import APIRoute

from deploy.demo import term
from deploy.local.stack import Stack
from services.console.nav import JOBS
from services.console.pages import routers
from services.intake.domain.signatures import HEADER, sign
from shared.clock import SystemClock
from tests.bench.feed_push import add_feed
from tests.bench.figures import Figure, figure, percentile, say
from tests.bench.installation import Installation, installed
from tests.bench.mailbox import Mailbox
from tests.bench.screens import cookie_of

# Between them they see every page: an administrator, a case manager who triages, an officer on duty, a director.
PEOPLE = ("solberg", "reyes", "okafor", "lindqvist")
TIMES, WARM, AT_ONCE = 24, 4, 2
GOAL_MS, GOAL_KB = 300.0, 150.0
_SERVICES = ("program", "intake", "cases", "notifications", "analytics", "console")
_MENU = re.compile(r'class="cl-nav__link" href="([^"]+)"')
_LINK = re.compile(r'<a\b[^>]*?\bhref="(/[^"#]*)"')
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_LOADS = re.compile(r'(?:href|src)="(/assets/[^"]+)"')
# What a link leads to and is no page: files, and the way in and out.
_NO_PAGES = ("/sign", "/me/", "/live", "/referrals/{referral_id}/files", "/unsent")
# Of these one of each is looked at, not one of them all: word lists differ in length, parts of the program in kind.
_EACH = ("edition", "what", "service")
_ROUTES = [
    (str(route.path), route.path_regex)
    for router in routers()
    for route in router.routes
    if isinstance(route, APIRoute) and "GET" in (route.methods or ())
]
_CAMPUS, _TAKES = "NORTH", 10
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
                for kind, path in (await _pages(browser)).items():
                    waits[f"{kind} {person}"] = await _looked(browser, path)
                    weights[kind] = max(weights.get(kind, 0.0), await _weight(browser, path) / 1000)
                waits[f"/find, a name {person}"] = await _found(browser)
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
        program = yaml.safe_load(sample.program.read_text(encoding="utf-8"))
        begun = program["policies"][0]["editions"][0]["effective_from"]
        taking = {"edition": "bench-1", "effective_from": begun, "values": {"referrals_per_week": _TAKES}}
        program["policies"].append({"campus": _CAMPUS, "name": "capacity", "editions": [taking]})
        await installation.apply(program)
        for kind, path, file in (
            ("roster", "/roster/imports", sample.roster),
            ("flags", "/flags/imports?source=sample", sample.flags),
            ("referrals", "/referrals/imports?source=sample", sample.referrals),
        ):
            answer = await installation.bring_in(path, file.read_bytes())
            say(f"console_pages: {answer['rows']} rows of {kind}")
    await _set_something_aside(installation)
    await _propose_a_rule(installation, begun)
    for service in ("intake", "cases", "notifications"):
        await installation.until(service, "SELECT NOT EXISTS (SELECT 1 FROM outbox)")


async def _set_something_aside(installation: Installation) -> None:
    """Let a feed send what cannot be read, for the pages of feeds and of what was set aside."""
    path, token = await add_feed(installation, "bench", "http_push", "plain-flags-json")
    rows = [{"alert_id": f"a{number}", "raised_at": "soon", "severity": "?"} for number in range(60)]
    body = json.dumps(rows).encode()
    async with installation.client("intake") as client:
        headers = {"Content-Type": "application/json", HEADER: sign(token, body, SystemClock().now())}
        status, answer = await client.send(path, headers, body)
    assert status < 300, answer
    assert answer["counts"]["accepted"] == 0, answer


async def _propose_a_rule(installation: Installation, begun: datetime | str) -> None:
    """Propose a rule, for the page on which another person tries what was proposed."""
    rule = {"name": "threshold", "flags": 2, "courses": 2, "days": 14, "family": "academic", "level": "mild"}
    edition: dict[str, Any] = {"edition": "bench-1", "effective_from": str(begun), "values": {"rules": [rule]}}
    document = {"policies": [{"campus": _CAMPUS, "name": "threshold", "editions": [edition]}]}
    async with installation.client("program") as client:
        body = {"document": document, "dry_run": False}
        status, answer = await client.send_json("/program:apply", installation.headers(), body)
    assert status == 200, answer


async def _pages(browser: httpx.AsyncClient) -> dict[str, str]:
    """Return, by kind, the pages of somebody's menu and the first of each kind that links lead to from there."""
    menu = _MENU.findall((await browser.get("/")).text)
    assert set(menu) <= {job.path for job in JOBS}, menu
    found = {path: path for path in menu}
    waiting = list(menu)
    while waiting:
        page = await browser.get(waiting.pop(0))
        for link in _LINK.findall(page.text):
            path = html.unescape(link)
            kind = _kind(path.partition("?")[0])
            if kind and kind not in found and (await browser.get(path)).status_code == httpx.codes.OK:
                found[kind] = path
                waiting.append(path)
    return found


def _kind(path: str) -> str:
    """Return what kind of page an address is of; empty for what is no page of ours."""
    pattern, named = next(((each, found) for each, regex in _ROUTES if (found := regex.match(path))), ("", None))
    if named is None or pattern.startswith(_NO_PAGES):
        return ""
    kept = {name: value for name, value in named.groupdict().items() if name in _EACH}
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda part: kept.get(part[1], "…"), pattern)


async def _found(browser: httpx.AsyncClient) -> list[float]:
    """Return how many milliseconds it took to find somebody by a name, each time: that page is sent for by a form."""
    (csrf, *_) = _CSRF.findall((await browser.get("/find")).text)
    waits: list[float] = []
    for _ in range(TIMES):
        begun = time.monotonic()
        answer = await browser.post("/find", data={"csrf": csrf, "q": "Maria Garcia"})
        waits.append(1000 * (time.monotonic() - begun))
        assert answer.status_code == httpx.codes.OK, answer.text
    return waits


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
