"""Referrers who left an address hear how far it is: by mail, with a link, and never a word of what it says."""

import re
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.journeys.world import World, text_of
from tests.support.eventually import eventually

WORRY = "She has been crying in class since Tuesday."
ADDRESS = "sam.lee@mail.example"


async def send(world: World, path: str, **fields: str) -> str:
    """Send a form from a browser; return the page."""
    transport = httpx.ASGITransport(app=world.services["intake"].api)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        answer = await (client.post(path, data=fields) if fields else client.get(path))
    assert answer.is_success, answer.text
    return answer.text


async def refer(world: World, **fields: str) -> dict[str, Any]:
    """Fill in the public form with a name; return the referral as a triager sees it."""
    first = await send(world, "/refer/NORTH", about="other", named="yes", step="first")
    ticket = re.findall(r'name="ticket" value="([^"]+)"', first)[0]
    given = {"your_name": "Sam Lee", "your_email": ADDRESS, "notices": "yes", "words": WORRY} | fields
    receipt = await send(world, "/refer/NORTH", about="other", named="yes", step="send", ticket=ticket, **given)
    reference = re.findall(r"cl-receipt__code[^>]*>([^<]+)<", receipt)[0]
    found = await world.listing("ana", "intake", "/referrals?campus=NORTH")
    return next(each for each in found if each["reference"] == reference)


def link_in(mail: Any) -> str:
    """Return the path of the link to the referrer's page."""
    return next(urlsplit(word).path for word in text_of(mail).split() if "/r/" in word)


async def test_a_referrer_is_thanked_asked_and_told_and_hears_no_more_after_taking_it_back(world: World) -> None:
    made = await refer(world)
    thanks = await world.mail_to(ADDRESS, "has arrived")
    assert made["reference"] in str(thanks["Subject"])
    assert not {"crying", "Sam", "class"} & set(re.findall(r"\w+", text_of(thanks)))
    assert "911" in text_of(thanks)

    await world.post("ana", "intake", f"/referrals/{made['referral_id']}/questions", {"text": "Which class was it?"})
    await world.quiet()
    await world.pass_time(minutes=3)
    asked = await world.mail_to(ADDRESS, "We have a question")
    assert "Which class" not in text_of(asked)
    page = link_in(asked)
    shown = await send(world, page)
    assert "Which class was it?" in shown
    answers = re.findall(r'name="answers" value="([^"]+)"', shown)[0]
    await send(world, page, words="BIO 101", answers=answers)

    await world.post(
        "ana",
        "intake",
        f"/referrals/{made['referral_id']}/triage",
        {"decision": "watch_no_case", "reason_code": "fine"},
    )
    await world.quiet()
    before = len(world.mails_to(ADDRESS))
    await send(world, page, act="retract")
    await world.quiet()
    await world.pass_time(hours=24)
    await world.quiet()
    assert len(world.mails_to(ADDRESS)) == before


async def test_steps_that_follow_on_each_other_are_one_mail_in_the_referrers_language(world: World) -> None:
    (student,) = await world.students("NORTH", 1)
    said = {"lang": "es", "words": "Llora en clase desde el martes.", "who_id": student}
    made = await refer(world, your_email="ana.paz@mail.example", **said)
    await world.mail_to("ana.paz@mail.example", "ya llegó")
    here = f"/referrals/{made['referral_id']}"
    await world.post("ana", "intake", f"{here}/triage", {"decision": "open_case", "reason_code": "named_concern"})
    case = await world.case_of("sam", made)
    owner = (await world.get("sam", "cases", f"/cases/{case['case_id']}"))["owner_id"]
    await world.post(owner, "cases", f"/cases/{case['case_id']}/accept", {})

    async def acted() -> bool:
        return bool((await world.get("ana", "intake", here))["status"] == "acted")

    await eventually(acted)
    await world.quiet()
    assert len(world.mails_to("ana.paz@mail.example")) == 1  # gathered, and not so soon after the last
    await world.pass_time(hours=13)
    await world.mail_to("ana.paz@mail.example", "se está ocupando")
    assert len(world.mails_to("ana.paz@mail.example")) == 2


async def test_danger_in_an_addition_pages_again_although_the_first_page_was_taken(world: World) -> None:
    made = await refer(world, words="He said that he will kill himself tonight.", your_email="kim@mail.example")
    first = await world.page_of("uma", made)
    await world.post("uma", "notifications", f"/pages/{first['page_id']}/accept", {})
    page = link_in(await world.mail_to("kim@mail.example", "has arrived"))
    await send(world, page, words="Now he wrote that he is going to kill himself tonight, on the roof.")

    async def second() -> bool:
        pages = (await world.get("uma", "notifications", f"/pages?referral_id={made['referral_id']}"))["items"]
        return sorted(each["state"] for each in pages) == ["accepted", "notifying"]

    await eventually(second)


async def test_whoever_asked_hears_that_the_referrer_has_written(world: World) -> None:
    made = await refer(world, your_email="lou@mail.example")
    page = link_in(await world.mail_to("lou@mail.example", "has arrived"))
    asked = {"text": "Which class was it?"}
    await world.post("ana", "intake", f"/referrals/{made['referral_id']}/questions", asked)
    here = f"/referrals/{made['referral_id']}"
    assert (await world.get("ana", "intake", here))["marks"] == ["asked"]
    answers = re.findall(r'name="answers" value="([^"]+)"', await send(world, page))[0]
    await send(world, page, words="BIO 101", answers=answers)
    assert (await world.get("ana", "intake", here))["marks"] == ["heard"]
    await world.quiet()
    await world.pass_time(minutes=6)
    mail = await world.mail_to("ana", "A referrer wrote to you")
    assert "BIO" not in text_of(mail)
