"""The scripts of the pages: keys at a desk, and what arrives while somebody looks."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, Page, expect
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from shared.web.ui import install, templates_of
from shared.web.ui.frames import ConsoleFrame
from tests.support.browser import PATIENCE_MS
from tests.support.eventually import eventually
from tests.support.listening import listening

FRAME = ConsoleFrame(person="Ana", nav=[], csrf="c", zone="UTC", live="/live")

pytestmark = pytest.mark.browser


@dataclass
class Desk:
    """A page with a desk on it, what it shows, and the stream it listens to."""

    page: Page
    names: list[str] = field(default_factory=lambda: ["Ann", "Bram", "Cleo"])
    number: int = 1
    keys: bool = True
    streams: list[asyncio.Queue[ServerSentEvent | None]] = field(default_factory=list)
    sent: list[dict[str, str]] = field(default_factory=list)

    def application(self) -> FastAPI:
        """Return what serves it."""
        app = FastAPI()
        install(app, service_templates=Path(__file__).parent / "pages")

        @app.get("/")
        async def desk(request: Request) -> HTMLResponse:
            frame = replace(FRAME, keys=self.keys)
            return templates_of(request).respond(
                request, "desk.html", frame=frame, names=self.names, number=self.number
            )

        @app.get("/live")
        async def live() -> EventSourceResponse:
            queue: asyncio.Queue[ServerSentEvent | None] = asyncio.Queue()
            self.streams.append(queue)
            return EventSourceResponse(_events(queue))

        @app.get("/asked")
        async def asked() -> Response:
            return HTMLResponse("<title>Asked</title>")

        @app.post("/decided")
        async def decided(request: Request) -> Response:
            self.sent.append({name: str(value) for name, value in (await request.form()).items()})
            return HTMLResponse("<title>Decided</title>")

        return app

    async def tell(self, event: str, **data: Any) -> None:
        """Send an event to the open page."""
        for queue in self.streams[-1:]:
            queue.put_nowait(ServerSentEvent(event=event, data=json.dumps(data)))

    async def focused(self) -> str:
        """Return what has the focus."""
        return str(await self.page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))


async def _events(queue: asyncio.Queue[ServerSentEvent | None]) -> AsyncIterator[ServerSentEvent]:
    while (event := await queue.get()) is not None:
        yield event


@pytest.fixture
async def desk(chrome: Browser) -> AsyncIterator[Desk]:
    page = await (await chrome.new_context()).new_page()
    page.set_default_timeout(PATIENCE_MS)
    desk = Desk(page)
    async with listening(desk.application()) as port:
        await page.goto(f"http://127.0.0.1:{port}/")
        await eventually(lambda: desk.streams)
        yield desk
        for queue in desk.streams:
            queue.put_nowait(None)
        await page.context.close()


async def test_a_desk_is_worked_with_single_keys(desk: Desk) -> None:
    keyboard, page = desk.page.keyboard, desk.page
    await keyboard.press("j")  # from the page itself: no Tab is spent on getting there
    assert await desk.focused() == "Cleo"  # the one after the open row
    await keyboard.press("k")
    await keyboard.press("k")
    assert await desk.focused() == "Ann"
    await keyboard.press("x")  # decided one by one: no box
    await keyboard.press("j")
    await keyboard.press("j")
    await keyboard.press("x")
    await expect(page.locator("[data-bulk-count]")).to_have_text("1 chosen")
    await keyboard.press("Escape")
    assert await desk.focused() == "Bram"
    await keyboard.press("o")
    assert await page.is_checked("#decision-open")
    await keyboard.press("a")
    await keyboard.press("Enter")
    await page.wait_for_url("**/decided")
    assert desk.sent[0]["decision"] == "attach"


async def test_a_letter_in_a_text_field_is_a_letter(desk: Desk) -> None:
    await desk.page.click("#words")
    await desk.page.keyboard.type("aojkq?")
    assert await desk.page.input_value("#words") == "aojkq?"
    assert not await desk.page.is_checked("#decision-attach")


async def test_outside_the_desk_no_key_acts(desk: Desk) -> None:
    await desk.page.focus("#find")
    await desk.page.keyboard.press("Tab")
    for key in ("a", "x", "q"):
        await desk.page.keyboard.press(key)
    assert not await desk.page.is_checked("#decision-attach")
    assert await desk.page.title() == "Desk – Caselight"


async def test_a_question_mark_lists_the_keys_and_q_asks(desk: Desk) -> None:
    await desk.page.keyboard.press("j")
    await desk.page.keyboard.press("?")
    listed = await desk.page.inner_text("#keys")
    for words in ("Next row", "Add to open case", "Ask the referrer", "Switch keys off"):
        assert words in listed
    await desk.page.keyboard.press("Escape")
    await expect(desk.page.locator("#keys")).to_be_hidden()
    await desk.page.keyboard.press("q")
    await desk.page.wait_for_url("**/asked")


async def test_keys_can_be_switched_off(desk: Desk) -> None:
    desk.keys = False
    await desk.page.reload()
    await desk.page.focus("[data-row] >> nth=0")
    for key in ("j", "x", "o"):
        await desk.page.keyboard.press(key)
    assert await desk.focused() == "Ann"
    assert not await desk.page.is_checked("#decision-open")


async def test_what_changed_is_replaced_and_said_and_a_list_is_offered(desk: Desk) -> None:
    page = desk.page
    desk.number, desk.names = 7, ["Dora", "Emil", *desk.names]
    await desk.tell("changed", areas=["number", "list"], say="Something has come in.")
    await expect(page.locator("#number")).to_contain_text("7 waiting")
    await expect(page.locator("#live-said")).to_have_text("Something has come in.")
    await expect(page.locator("[data-live-offer]")).to_contain_text("2 new.")
    assert await page.locator("[data-row]").count() == 3  # nothing moved
    await page.click("text=Show them")
    await expect(page.locator("[data-row]")).to_have_count(5)


async def test_nothing_moves_where_the_focus_is(desk: Desk) -> None:
    await desk.page.focus("text=Inside")
    desk.number = 9
    await desk.tell("changed", areas=["number"], say="Now nine.")
    await expect(desk.page.locator("#live-said")).to_have_text("Now nine.")
    assert "1 waiting" in await desk.page.inner_text("#number")
    assert await desk.focused() == "Inside"


async def test_without_news_from_the_server_the_page_asks_by_itself(desk: Desk) -> None:
    await desk.tell("poll", seconds=0.2)
    await expect(desk.page.locator("[data-live-how]")).to_contain_text("Checked again every")
    desk.number = 5
    await expect(desk.page.locator("#number")).to_contain_text("5 waiting")
    await desk.tell("poll", seconds=0)
    await expect(desk.page.locator("[data-live-how]")).to_contain_text("arrive by themselves")


async def test_the_end_of_a_session_is_said(desk: Desk) -> None:
    await desk.tell("ended")
    await expect(desk.page.locator("[data-live-how]")).to_contain_text("Your session has ended")
