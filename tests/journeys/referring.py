"""Every operation about people who refer, asked once by somebody who may: for the test that asks all of them."""

import re
from typing import Any

import httpx

from tests.journeys.world import World

WORRY = "She has been crying in class since Tuesday."
MISCONDUCT = "Her ex-boyfriend raped her last week."


async def referred(world: World, words: str = WORRY) -> dict[str, Any]:
    """Fill in the public form with a name, an address and a file; return the referral as whoever may see it does."""
    transport = httpx.ASGITransport(app=world.services["intake"].api)
    who = {"about": "other", "named": "yes"}
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        second = (await client.post("/refer/NORTH", data=who | {"step": "first"})).text
        ticket = re.findall(r'name="ticket" value="([^"]+)"', second)[0]
        given = {"step": "send", "ticket": ticket, "words": words, "your_email": "sam@mail.example", "notices": "yes"}
        files = {"files": ("note.txt", b"A note", "text/plain")}
        receipt = (await client.post("/refer/NORTH", data=who | given, files=files)).text
    reference = re.findall(r"cl-receipt__code[^>]*>([^<]+)<", receipt)[0]
    seen_by = "tia" if words == MISCONDUCT else "ana"
    found = await world.listing(seen_by, "intake", "/referrals?campus=NORTH")
    return next(each for each in found if each["reference"] == reference)


async def ask_everything(world: World) -> None:
    """Ask each operation once."""
    first, second, third, fourth = [await referred(world, f"{WORRY} {number}") for number in range(4)]
    here = f"/referrals/{first['referral_id']}"
    await world.post("ana", "intake", f"{here}/questions", {"text": "On which day?"})
    thread = await world.get("ana", "intake", f"{here}/thread")
    file = thread["attachments"][0]["attachment_id"]
    assert (await world.call("ana", "GET", "intake", f"{here}/attachments/{file}")).is_success
    await world.get("service:notifications", "intake", f"{here}/referrer-contact?campus=NORTH")
    await world.post("ana", "intake", f"{here}/split", {"people": [{"about": {"name": "The roommate"}}]})
    await world.post("ana", "intake", f"{here}/redirect", {"office": "conduct"})
    await world.post("ana", "intake", f"{here}/reopen", {"reason_code": "sent_back"})
    await world.post("ana", "intake", f"/referrals/{second['referral_id']}/redirect", {"campus": "SOUTH"})
    await world.post("ana", "intake", f"/referrals/{third['referral_id']}/duplicate", {"of": first["reference"]})
    await world.post("ana", "intake", f"/referrals/{fourth['referral_id']}/retract", {"reason_code": "mistake"})
    walled = await referred(world, MISCONDUCT)
    await world.get("tia", "intake", f"/referrals/{walled['referral_id']}/inspection-copy")
