"""The public form, as a browser without JavaScript fills it in."""

import re
from typing import Any

import httpx

from shared.events.referrals import DangerRaised, MisconductReported, ReferralReceived
from tests.integration.intake.conftest import DANGER, Intake, kinds

WORRY = "She has been crying in class and says she feels low most days."


async def send(intake: Intake, campus: str = "NORTH", files: Any = None, **fields: Any) -> httpx.Response:
    """Post a form to a campus, from nowhere in particular."""
    transport = httpx.ASGITransport(app=intake.service.api)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        return await client.post(f"/refer/{campus}", data=fields, files=files)


async def look(intake: Intake, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=intake.service.api)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        return await client.get(path)


async def ticket(intake: Intake, **fields: str) -> str:
    """Answer the first page and return the ticket of the second."""
    answer = await send(intake, **({"about": "other", "named": "no", "step": "first"} | fields))
    assert answer.status_code == 200, answer.text
    return str(re.findall(r'name="ticket" value="([^"]+)"', answer.text)[0])


async def refer(intake: Intake, files: Any = None, **fields: Any) -> httpx.Response:
    """Fill in the whole form and send it."""
    given = {"about": "other", "named": "no", "step": "send", "words": WORRY, "comeback": "yes"} | fields
    if "ticket" not in given:
        given["ticket"] = await ticket(intake)
    return await send(intake, files=files, **given)


async def test_the_form_takes_a_referral_and_gives_a_reference_and_a_passphrase(intake: Intake) -> None:
    answer = await refer(intake)
    assert answer.status_code == 200, answer.text
    reference, phrase = re.findall(r"cl-receipt__code[^>]*>([^<]+)<", answer.text)
    assert WORRY not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    (row,) = await intake.rows("SELECT reference, channel, source_kind, state, marks FROM referrals")
    assert (row.reference, row.channel, row.source_kind, row.state, row.marks) == (
        reference, "form", "anonymous", "matching", [],
    )  # fmt: skip
    assert len(phrase.split("-")) == 6
    assert kinds(await intake.published("referral")) == ["ReferralReceived"]
