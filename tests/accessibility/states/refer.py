"""The public form, the referrer's page, and the staff's form."""

import re

import httpx
from playwright.async_api import Page

from tests.accessibility.registry import State, without
from tests.journeys.world import World

WORRY = "She has been crying in class since Tuesday."
SEND = "form button.govuk-button"


async def _second(page: Page, about: str = "#about", named: str = "#named") -> None:
    await page.check(about)
    await page.check(named)
    await page.click(SEND)


async def _myself(page: Page) -> None:
    await _second(page, "#about-2", "#named-2")


async def _group(page: Page) -> None:
    await _second(page, "#about-4")


async def _missing(page: Page) -> None:
    await _second(page)
    await page.check("#notices")
    await page.fill("#your_email", "no address")
    await page.click(SEND)


async def _receipt(page: Page) -> None:
    await _second(page, named="#named-2")
    await page.fill("#words", WORRY)
    await page.set_input_files("#files", {"name": "x", "mimeType": "image/png", "buffer": b"MZ" + bytes(300)})
    await page.click(SEND)


async def _wrong(page: Page) -> None:
    await page.fill("#reference", "AAA-AAAA-AAAA")
    await page.fill("#passphrase", "able acorn")
    await page.click(SEND)


async def referred(world: World, *, question: bool = False, closed: bool = False) -> str:
    """Fill in the form as somebody anonymous; return the address of their page."""
    transport = httpx.ASGITransport(app=world.services["intake"].api)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        first = {"about": "unsure", "named": "no"}
        second = (await client.post("/refer/NORTH", data=first | {"step": "first"})).text
        ticket = re.findall(r'name="ticket" value="([^"]+)"', second)[0]
        said = first | {"step": "send", "ticket": ticket, "words": WORRY, "comeback": "yes"}
        receipt = (await client.post("/refer/NORTH", data=said)).text
        reference, phrase = re.findall(r"cl-receipt__code[^>]*>([^<]+)<", receipt)
        found = await world.listing("ana", "intake", "/referrals?campus=NORTH")
        here = f"/referrals/{next(each['referral_id'] for each in found if each['reference'] == reference)}"
        if question:
            await world.post("ana", "intake", f"{here}/questions", {"text": "On which day was that?"})
        if closed:
            body = {"decision": "watch_no_case", "reason_code": "fine"}
            await world.post("ana", "intake", f"{here}/triage", body)
        opened = await client.post("/r", data={"reference": reference, "passphrase": phrase})
    return str(opened.headers["location"])


async def _asked(world: World) -> str:
    return await referred(world, question=True)


async def _closed(world: World) -> str:
    return await referred(world, closed=True)


async def _nothing_said(page: Page) -> None:
    await page.click(SEND)


async def _said(page: Page) -> None:
    await page.fill("#add", "It was on Tuesday.")
    await page.click(SEND)


async def _taken_back(page: Page) -> None:
    await page.click("summary")
    await page.click("button[value=retract]")


async def _empty(page: Page) -> None:
    await page.click("form.cl-refer button.govuk-button")


async def _written(page: Page) -> None:
    await page.check("#about")
    await page.fill("#words", WORRY)
    await _empty(page)


FORM, BACK = "/refer/NORTH", "/r"
STATES = [
    State("refer: first page", FORM, service="intake", says="If someone is in danger now"),
    State("refer: in Spanish", f"{FORM}?lang=es", service="intake", says="llame primero"),
    State("refer: nothing chosen", FORM, service="intake", act=_nothing_said, says="Please look at these 2 things"),
    State("refer: another person", FORM, service="intake", act=_second, says="The person"),
    State("refer: myself", FORM, service="intake", act=_myself, says="What is going on?"),
    State("refer: several people", FORM, service="intake", act=_group, says="Who or where is it?"),
    State("refer: something missing", FORM, service="intake", act=_missing, says="in a few words"),
    State("refer: receipt", FORM, service="intake", act=_receipt, says="Your passphrase"),
    State("refer: unknown campus", "/refer/NOWHERE", service="intake", status=404, says="We don’t know this campus"),
    State("referrer: door", BACK, service="intake", says="Come back to what you told us"),
    State("referrer: door, not right", BACK, service="intake", act=_wrong, says="do not belong together"),
    State("referrer: time over", f"{BACK}?over=1", service="intake", says="Your time on this page is over"),
    State("referrer: link unknown", "/r/none", service="intake", status=404, says="We don’t know this link"),
    State("referrer: left", "/r/left", service="intake", says="You have left the page"),
    State("referrer: page", arrange=referred, service="intake", says="How far it is"),
    State("referrer: asked", arrange=_asked, service="intake", says="On which day was that?"),
    State("referrer: nothing written", arrange=referred, act=_nothing_said, service="intake", says="Write a few words"),
    State("referrer: added", arrange=referred, act=_said, service="intake", says="Thank you. It has arrived."),
    State("referrer: taken back", arrange=referred, act=_taken_back, service="intake", says="You took this back on"),
    State("referrer: closed", arrange=_closed, service="intake", says="Our work on this is done"),
    State("staff refer: form", "/refer", "fay", says="Refer someone"),
    State("staff refer: on the phone", "/refer?phone=1", "ana", says="What does the caller say?"),
    State("staff refer: something missing", "/refer", "fay", act=_empty, says="Say whom it is about"),
    State("staff refer: sent", "/refer", "fay", act=_written, says="The reference is"),
    State("staff refer: intake is away", "/refer", "fay", act=_written, around=without("intake"), says="still here"),
]
