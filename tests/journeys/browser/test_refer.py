"""People who refer, in a real browser: without JavaScript, without a name, and back again with a passphrase."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from services.intake.http.refer import worked
from tests.journeys.world import World
from tests.support.browser import Site, Window
from tests.support.eventually import eventually

WORRY = "She has been crying in class since Tuesday and gave her plants away."
SEND = "form button.govuk-button"

pytestmark = pytest.mark.browser


async def fill_in(window: Window, about: str, named: str, **fields: str) -> None:
    """Answer both pages and send."""
    page = window.page
    await window.open("/refer/NORTH")
    await page.get_by_label(about, exact=True).check()
    await page.get_by_label(named, exact=True).check()
    await page.click(SEND)
    for label, value in fields.items():
        await page.fill(f"#{label}", value)
    await page.click(SEND)


async def codes(window: Window) -> list[str]:
    """Return reference and passphrase of the receipt."""
    return await window.page.locator(".cl-receipt__code").all_inner_texts()


async def referral(world: World, reference: str) -> dict[str, Any]:
    """Return a referral as the triager sees it."""
    found = await world.listing("ana", "intake", "/referrals?campus=NORTH")
    return next(each for each in found if each["reference"] == reference)


async def test_the_form_works_without_javascript_and_never_looks_a_student_up(world: World, site: Site) -> None:
    await world.import_students("NORTH", ["N424242"])
    window = await site.window(service="intake", scripts=False)
    asked: list[tuple[str, str]] = []
    window.page.on("request", lambda request: asked.append((request.method, urlsplit(request.url).path)))

    shown = []
    for who in ("n424242@students.example.edu", "nobody@students.example.edu"):
        await fill_in(window, "Another person", "No", words=WORRY, who="Jo Doe", who_id=who)
        receipt = await window.page.content()
        assert WORRY not in receipt
        assert who not in receipt
        reference, phrase = await codes(window)
        shown.append(re.sub(r"<!--.*?-->", "", receipt.replace(reference, "").replace(phrase, "")))
    # Whether somebody is a student here shows in nothing: not in the page, and in nothing it asks for.
    assert shown[0] == shown[1]
    pages = {(method, path) for method, path in asked if not path.startswith("/assets/")}
    assert pages == {("GET", "/refer/NORTH"), ("POST", "/refer/NORTH")}
    matched = [
        each["student_id"] is not None for each in await world.listing("ana", "intake", "/referrals?campus=NORTH")
    ]
    assert matched == [True, False]

    # An empty form says what is missing and loses nothing.
    await window.open("/refer/NORTH")
    await window.page.click(SEND)
    assert "Tell us who you are worried about" in await window.text()
    await window.page.get_by_label("Myself", exact=True).check()
    await window.page.get_by_label("Yes", exact=True).check()
    await window.page.click(SEND)
    await window.page.fill("#words", "I feel <b>low</b> \U0001f614")
    await window.page.fill("#your_email", "nothing like an address")
    await window.page.click(SEND)
    assert await window.page.input_value("#words") == "I feel <b>low</b> \U0001f614"
    assert await window.page.input_value("#your_email") == "nothing like an address"
    # In Spanish, with what was typed still there.
    await window.page.click("button[value=es]")
    assert await window.page.input_value("#words") == "I feel <b>low</b> \U0001f614"
    assert await window.page.get_attribute("html", "lang") == "es"
    assert window.complaints() == []


async def test_an_anonymous_referrer_comes_back_with_the_passphrase_and_answers_a_question(
    world: World, site: Site
) -> None:
    window = await site.window(service="intake")
    await fill_in(window, "I don’t know their name", "No", words=WORRY, where="Sits at the window in BIO 101")
    reference, phrase = await codes(window)
    known = await referral(world, reference)
    assert (known["source_kind"], known["channel"]) == ("anonymous", "form")
    question = {"text": "On which day was that?"}
    await world.post("ana", "intake", f"/referrals/{known['referral_id']}/questions", question)

    back = await site.window(service="intake", scripts=False)
    await back.open("/r")
    await back.page.fill("#reference", reference.lower().replace("-", " "))
    await back.page.fill("#passphrase", phrase.replace("-", "  ").upper())
    await back.page.click(SEND)
    said = await back.text()
    assert "On which day was that?" in said
    assert "Received" in said
    assert WORRY not in said
    await back.page.get_by_label("Your answer").fill("On Tuesday, in the lab. שלום")
    await back.page.set_input_files(
        "[id^=answer-][type=file]", {"name": "note.txt", "mimeType": "text/plain", "buffer": b"A note"}
    )
    await back.page.get_by_role("button", name="Send the answer").click()
    assert "Thank you. It has arrived." in await back.text()
    assert "On Tuesday" not in await back.text()

    thread = await world.get("ana", "intake", f"/referrals/{known['referral_id']}/thread")
    assert [(each["kind"], each["text"]) for each in thread["messages"]] == [
        ("question", "On which day was that?"),
        ("answer", "On Tuesday, in the lab. שלום"),
    ]
    assert [each["name"] for each in thread["attachments"]] == ["note.txt"]
    assert thread["referrer"]["visibility"] == "anonymous"

    # The status moves, in the referrer's four words and no others.
    decided = {"decision": "open_case", "reason_code": "named_concern"}
    await world.post("ana", "intake", f"/referrals/{known['referral_id']}/triage", decided)
    await back.page.reload()
    assert await back.page.locator("[aria-current=step]").inner_text() != ""
    assert "Reviewed now" in " ".join((await back.text()).split())
    assert back.complaints() == window.complaints() == []


async def test_a_browser_with_scripts_does_the_work_while_somebody_writes(site: Site) -> None:
    window = await site.window(service="intake")
    await window.open("/refer/NORTH")
    await window.page.get_by_label("Another person", exact=True).check()
    await window.page.get_by_label("No", exact=True).check()
    await window.page.click(SEND)

    async def done() -> str:
        return await window.page.input_value("input[name=work]")

    work = await eventually(done, within=30)
    ticket = await window.page.input_value("input[name=ticket]")
    assert worked(ticket, work)
    assert not worked(ticket, str(int(work) + 1)) or not worked(ticket, "x")
    assert window.complaints() == []
