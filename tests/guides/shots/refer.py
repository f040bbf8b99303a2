"""The public form, the referrer's page and the staff's form, for the guide of people who refer."""

import re

import httpx
from playwright.async_api import Page

from tests.guides.registry import Shot
from tests.journeys.world import World

WORRY = "She has been crying in class since Tuesday and gave her plants away."
SEND = "form button.govuk-button"


async def _second(page: Page) -> None:
    await page.check("#about")
    await page.check("#named-2")
    await page.click(SEND)


async def _receipt(page: Page) -> None:
    await _second(page)
    await page.fill("#words", WORRY)
    await page.click(SEND)
    # Made of chance, and shown the same each time.
    await page.evaluate(
        "document.querySelectorAll('.cl-receipt__code')[1].textContent = 'quilt-river-lemon-otter-piano-cloud'"
    )
    address = "document.querySelectorAll('.cl-receipt p').forEach((each) => each.textContent ="
    await page.evaluate(f"{address} each.textContent.replace(/http:[^ ]+/, 'https://care.example.edu/r'))")


async def _asked(world: World) -> str:
    transport = httpx.ASGITransport(app=world.services["intake"].api)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        first = {"about": "other", "named": "no"}
        second = (await client.post("/refer/NORTH", data=first | {"step": "first"})).text
        ticket = re.findall(r'name="ticket" value="([^"]+)"', second)[0]
        said = first | {"step": "send", "ticket": ticket, "words": WORRY, "comeback": "yes"}
        receipt = (await client.post("/refer/NORTH", data=said)).text
        reference, phrase = re.findall(r"cl-receipt__code[^>]*>([^<]+)<", receipt)
        found = await world.listing("ana", "intake", "/referrals?campus=NORTH")
        here = next(each["referral_id"] for each in found if each["reference"] == reference)
        question = {"text": "On which days did you see it?"}
        await world.post("ana", "intake", f"/referrals/{here}/questions", question)
        opened = await client.post("/r", data={"reference": reference, "passphrase": phrase})
    return str(opened.headers["location"])


SHOTS = [
    Shot("refer-first", "/refer/NORTH", service="intake", width=800, height=1000),
    Shot("refer-second", "/refer/NORTH", act=_second, service="intake", width=800, height=1000),
    Shot("refer-receipt", "/refer/NORTH", act=_receipt, service="intake", width=800, height=1000),
    Shot("referrer-page", arrange=_asked, service="intake", width=800, height=1000),
    Shot("staff-refer-phone", "/refer?phone=1", "ana", height=1000),
]
