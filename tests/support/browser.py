"""A real Chromium against the services of a world: people sign in, look, press keys, and what they meet is checked."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright, expect

from deploy.local.browser import executable
from deploy.local.home import ROOT
from services.console import owners
from tests.journeys.world import World
from tests.support.console import browser as signing_in
from tests.support.listening import listening

# For whatever a page is to show in the end: a machine that runs tests and a browser at once is slow at times.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 700}
AXE = ROOT / ".cache" / "ui" / "node_modules" / "axe-core" / "axe.min.js"
# WCAG 2.2 AA in axe's words.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Quiet, and nothing asked of any other machine. As root there is no sandbox to be had.
ARGUMENTS = (
    "--no-first-run", "--disable-gpu", "--disable-quic", "--disable-sync", "--disable-background-networking",
    "--disable-component-update", "--disable-default-apps", "--disable-extensions", "--no-default-browser-check",
    "--disable-dev-shm-usage", "--force-prefers-reduced-motion", "--hide-scrollbars", "--font-render-hinting=none",
    "--renderer-process-limit=1",  # a window needs one process; otherwise a second one is kept in store for each
)  # fmt: skip


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start a browser, and end it."""
    async with async_playwright() as playwright:
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        browser = await playwright.chromium.launch(
            executable_path=executable(playwright.chromium.executable_path),
            args=[*ARGUMENTS, *(["--no-sandbox"] if root else [])],
            handle_sigint=False,
        )
        yield browser
        await browser.close()


@dataclass
class Site:
    """The services of a world as a browser reaches them, and the windows that look at them."""

    world: World
    browser: Browser
    ports: dict[str, int] = field(default_factory=dict)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def url(self, path: str, service: str = "console") -> str:
        """Return an address that a browser can open."""
        return f"http://127.0.0.1:{self.ports[service]}{path}"

    async def window(
        self,
        person: str = "",
        *,
        service: str = "console",
        viewport: Mapping[str, int] | None = None,
        scripts: bool = True,
        language: str = "en-US",
    ) -> "Window":
        """Open a window of its own; with `person`, signed in to the console."""
        context = await self.browser.new_context(
            viewport=viewport or WIDE,  # type: ignore[arg-type] # Playwright's own dict of two numbers
            java_script_enabled=scripts,
            color_scheme="light",
            reduced_motion="reduce",
            locale=language,
            timezone_id="UTC",
        )
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        made = Window(self, await context.new_page(), service)
        made.watch()
        if person:
            await made.sign_in(person)
        return made

    async def close(self) -> None:
        """Close every window."""
        for context in self._contexts:
            await context.close()
        self._contexts.clear()


@dataclass
class Window:
    """One window. `wrong` collects what the browser complains about: errors, refused scripts, missing files."""

    site: Site
    page: Page
    service: str
    wrong: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note everything the browser complains about."""
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on("requestfailed", self._failed)

    async def sign_in(self, person: str) -> None:
        """Sign a person in: the whole round trip to the provider, without drawing it."""
        async with signing_in(self.site.world, person) as signed_in:
            cookies = [(each.name, each.value or "") for each in signed_in.client.cookies.jar]
        address = self.site.url("/")
        await self.page.context.add_cookies([{"name": name, "value": value, "url": address} for name, value in cookies])

    async def open(self, path: str) -> int:
        """Open a page; return its status."""
        answer = await self.page.goto(self.site.url(path, self.service))
        assert answer is not None
        return answer.status

    async def text(self) -> str:
        """Return what the page says."""
        return await self.page.inner_text("body")

    def complaints(self) -> list[str]:
        """Return what was wrong since the last time, and forget it."""
        found, self.wrong = self.wrong, []
        return found

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        # The answer to the page itself may well be "not there": that is a state, not a mistake. And for an answer that
        # is no page of ours a browser looks for an icon by itself.
        about = urlsplit(message.location.get("url", "")).path
        expected = about in (urlsplit(self.page.url).path, "/favicon.ico")
        if not (expected and message.text.startswith("Failed to load resource")):
            self.wrong.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def _failed(self, request: Request) -> None:
        # A page that is left drops what it still loads, and its stream.
        if request.failure != "net::ERR_ABORTED":
            self.wrong.append(f"not loaded: {request.url} {request.failure}")


@contextlib.asynccontextmanager
async def site_of(world: World, browser: Browser, services: Sequence[str]) -> AsyncIterator[Site]:
    """Let services of a world listen on free ports, as they would in production, for a browser.

    A machine that runs tests and a browser at once is slow at times: owners get longer than people would wait.
    """
    site, patience = Site(world, browser), owners.PATIENCE_S
    owners.PATIENCE_S = 15.0
    async with contextlib.AsyncExitStack() as ports:
        for service in services:
            site.ports[service] = await ports.enter_async_context(listening(world.services[service].api))
        try:
            yield site
        finally:
            owners.PATIENCE_S = patience
            await site.close()


async def axe(page: Page, *rules: str) -> list[str]:
    """Return the violations that axe finds, each with where; with `rules`, looking for those alone."""
    if not AXE.exists():
        raise FileNotFoundError(f"{AXE} is not there: make setup")
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(AXE.read_text())
    only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": TAGS}
    options = json.dumps({"runOnly": only, "resultTypes": ["violations"]})
    found = await page.evaluate(f"axe.run(document, {options}).then((results) => results.violations)")
    return [
        f"{each['id']}: {each['help']}: {node['html'][:160]} {node['failureSummary'].splitlines()[-1].strip()}"
        for each in found
        for node in each["nodes"]
    ]


@contextlib.asynccontextmanager
async def at_320(page: Page) -> AsyncIterator[Page]:
    """Make a window as narrow as a phone held upright, or a desktop page enlarged four times."""
    await page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    yield page
    await page.set_viewport_size(WIDE)  # type: ignore[arg-type]


async def overflow(page: Page) -> list[str]:
    """Return what sticks out of the page to the side; nothing where it need not be scrolled sideways."""
    found: list[str] = await page.evaluate(
        """() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
        [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > innerWidth + 1
        && !each.closest(".cl-scroll")).slice(0, 5).map((each) => each.outerHTML.slice(0, 160))
        .concat(`${document.documentElement.scrollWidth} of ${innerWidth} pixels`)"""
    )
    return found


async def unread(page: Page) -> list[str]:
    """Return the pictures that tell nothing to who cannot see them: each says its finding and has a table beside it."""
    found: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll("svg[role=img]")].filter((each) =>
        (each.getAttribute("aria-label") ?? "").split(" ").length < 3
        || !each.closest("section, article, .cl-panel, li, figure")?.querySelector("table"))
        .map((each) => each.getAttribute("aria-label") ?? each.outerHTML.slice(0, 120))"""
    )
    return found


async def walk(page: Page) -> list[str]:
    """Go through a page with the Tab key alone; return what cannot be reached, and where focus does not show."""
    await page.evaluate(_WATCH)
    stops = int(await page.evaluate("window.walked.wanted.length"))
    keys = await page.context.new_cdp_session(page)
    # The browser takes keys in the order they were sent in; waiting for each one's answer would only take longer.
    await asyncio.gather(*[keys.send("Input.dispatchKeyEvent", _TAB) for _ in range(stops + 3)])
    await keys.detach()
    found: list[str] = await page.evaluate("window.walked.wrong()")
    return found


_TAB = {"type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
# What can be focused and is seen must be met, and must look otherwise than before: its own box or that of its label.
_WATCH = """() => {
  const seen = (each) => each.checkVisibility({ visibilityProperty: true }) && each.getClientRects().length;
  const wanted = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter(
    (each) => !each.disabled && each.type !== "hidden" && each.tabIndex >= 0 && seen(each));
  const look = (each) => [each, each.nextElementSibling, each.parentElement].filter(Boolean).flatMap((box) =>
    [null, "::before", "::after"].map((part) => {
      const style = getComputedStyle(box, part);
      return [style.outlineStyle !== "none" && style.outlineWidth, style.outlineColor, style.boxShadow,
        style.backgroundColor, style.borderColor, style.borderWidth, style.textDecorationThickness].join();
    })).join("|");
  document.activeElement?.blur();
  getSelection().removeAllRanges();
  const before = new Map(wanted.map((each) => [each, look(each)]));
  const met = new Set();
  const hidden = new Set();
  const note = (event) => {
    met.add(event.target);
    const was = before.get(event.target);
    if (was !== undefined && was === look(event.target)) hidden.add(event.target);
  };
  window.walked?.end();
  document.addEventListener("focusin", note);
  const reached = (each) => met.has(each) || (each.type === "radio" &&
    [...met].some((other) => other.type === "radio" && other.name === each.name && other.form === each.form));
  const name = (each) => each.outerHTML.replace(/\\s+/g, " ").slice(0, 140);
  window.walked = {
    wanted,
    end: () => document.removeEventListener("focusin", note),
    wrong: () => [
      ...wanted.filter((each) => !reached(each)).map((each) => `not reached: ${name(each)}`),
      ...[...hidden].map((each) => `focus does not show: ${name(each)}`),
    ],
  };
}"""
