"""From danger sent with the public form to the duty officer's open screen, in a real browser."""

import asyncio
import time

import httpx
from playwright.async_api import Browser, Page

from deploy.local.stack import Stack
from tests.bench import sample
from tests.bench.figures import Figure, figure, percentile
from tests.bench.installation import Installation, installed
from tests.bench.mailbox import Mailbox
from tests.bench.screens import cookie_of
from tests.support.browser import chromium

COUNT, WARM = 120, 10
GOAL_MS = 1000.0
_SERVICES = ("program", "intake", "notifications", "console")
_CAMPUS = sample.campus(0)
_DUTY = f"duty-{_CAMPUS}"
# Tells the moment at which the screen has one more page on it, once it has been drawn.
_WATCH = """() => {
  const count = () => document.querySelectorAll("main .cl-danger h2").length;
  let known = count();
  new MutationObserver(() => {
    const now = count();
    if (now > known) requestAnimationFrame(() => window.shown(now));
    known = now;
  }).observe(document.body, { childList: true, subtree: true });
}"""


async def measure(stack: Stack) -> list[Figure]:
    """Send the form again and again; after each the duty officer takes the page, and the screen is empty again."""
    mailbox = Mailbox(rb"Reference: (\S+)")
    async with installed(stack, "screen", _SERVICES, await mailbox.start()) as installation:
        await installation.apply(sample.program(1, managers=0))
        async with chromium() as browser:
            waits = await _watched(installation, browser)
    mailbox.stop()
    found = [
        figure(f"form_to_screen p{share}", percentile(waits, share / 100), "ms") for share in (50, 95)
    ]  # fmt: skip
    last = percentile(waits, 0.99)
    return [*found, figure("form_to_screen p99", last, "ms", goal=f"< {GOAL_MS:.0f}", ok=last < GOAL_MS)]


async def _watched(installation: Installation, browser: Browser) -> list[float]:
    console = f"http://127.0.0.1:{installation.environment['CASELIGHT_CONSOLE_PORT']}"
    (cookie,) = await cookie_of(installation, _DUTY)
    name, _, value = cookie.partition("=")
    context = await browser.new_context()
    await context.add_cookies([{"name": name, "value": value, "url": console}])
    page = await context.new_page()
    seen: asyncio.Queue[float] = asyncio.Queue()
    await page.expose_function("shown", lambda _: seen.put_nowait(time.monotonic()))
    await page.goto(f"{console}/duty")
    await page.evaluate(_WATCH)
    waits = [await _once(installation, page, seen, number) for number in range(WARM + COUNT)]
    return waits[WARM:]


async def _once(installation: Installation, page: Page, seen: asyncio.Queue[float], number: int) -> float:
    """Send one form, wait for the screen, and clear it. Return the milliseconds between sending and seeing."""
    begun = await _send(installation, number)
    async with asyncio.timeout(30):
        at = await seen.get()
    await _take(installation)
    await page.locator("main .cl-danger h2").first.wait_for(state="detached", timeout=30_000)
    while not seen.empty():
        seen.get_nowait()
    return 1000 * (at - begun)


async def _send(installation: Installation, number: int) -> float:
    """Send what the second page of the form sends; return when."""
    fields = {
        "about": "unsure", "named": "no", "step": "send", "lang": "en", "ticket": "", "work": "", "website": "",
        "words": f"{sample.DANGER} ({number})", "urgency": "today", "where": "the library",
    }  # fmt: skip
    port = installation.environment["CASELIGHT_INTAKE_PORT"]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        begun = time.monotonic()
        answer = await client.post(f"/refer/{_CAMPUS}", files={name: (None, value) for name, value in fields.items()})
    assert answer.is_success, answer.text
    return begun


async def _take(installation: Installation) -> None:
    """Accept every page that waits, and write down how it ended, as the duty officer."""
    port = installation.environment["CASELIGHT_NOTIFICATIONS_PORT"]
    headers = {"Authorization": f"Bearer {installation.token(_DUTY)}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client:
        for page in (await client.get("/pages", params={"state": "notifying"})).json()["items"]:
            for path, body in (("accept", {}), ("outcome", {"outcome_code": "reached_safe"})):
                answer = await client.post(f"/pages/{page['page_id']}/{path}", json=body)
                assert answer.is_success, answer.text
