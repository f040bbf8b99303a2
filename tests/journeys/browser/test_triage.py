"""The triage desk in a real browser: by keyboard alone, by two people at once, without JavaScript."""

from typing import Any

import pytest

from tests.journeys.world import World
from tests.support.browser import Site
from tests.support.deciding import people_decide, waiting

pytestmark = pytest.mark.browser

WORRY = "He has been crying in class. He says that he is not suicidal."
DANGER = "She wrote that she is going to kill herself tonight."


async def decided(world: World, referral: dict[str, Any], who: str = "sam") -> dict[str, Any]:
    """Return a referral as its triager sees it."""
    return dict(await world.get(who, "intake", f"/referrals/{referral['referral_id']}"))


async def test_a_triager_decides_by_keyboard_alone(world: World, site: Site) -> None:
    await people_decide(world)
    danger, worry, last = [await waiting(world, words) for words in (DANGER, WORRY, "Came late to class.")]
    window = await site.window("sam")
    page = window.page
    await window.open("/triage")
    assert danger["reference"] in await page.inner_text("#detail"), "danger is open first"
    assert await page.inner_text("#detail mark.cl-hit >> nth=0") == "going to kill herself1"
    assert "en-2026-11.2" in await page.inner_text("#detail")

    pressed = 0
    for key in ("j", "Enter"):  # the next row, and open it
        await page.keyboard.press(key)
        pressed += 1
    await page.wait_for_url("**/triage?open=*")
    assert worry["reference"] in await page.inner_text("#detail")
    assert "Said not to be so" in await page.inner_text("#detail")
    for key in ("o", "2", "Enter"):  # open a case, moderate, save
        await page.keyboard.press(key)
        pressed += 1
    await page.wait_for_url(f"**open={last['referral_id']}*")
    assert pressed <= 6

    view = await decided(world, worry)
    assert (view["decision"], view["rating"], view["decided_by"]) == ("open_case", "moderate", "sam")
    text = await window.text()
    assert f"{worry['reference']}: a case was opened." in text
    assert "2 waiting" in text
    assert last["reference"] in await page.inner_text("#detail"), "and goes on with the next"
    assert window.complaints() == []


async def test_two_triagers_deciding_at_once_get_one_decision(world: World, site: Site) -> None:
    await people_decide(world)
    referral = await waiting(world, WORRY)
    windows = [await site.window(who) for who in ("sam", "ana")]
    for window in windows:
        await window.open(f"/triage?open={referral['referral_id']}#detail")
    first, second = (window.page for window in windows)
    await first.check("#decision-open_case", force=True)
    await first.check("#rating-moderate", force=True)
    await second.check("#decision-watch_no_case", force=True)
    await second.check("#rating-mild", force=True)
    await first.click("text=Save and next")
    await first.wait_for_selector("text=a case was opened")
    await second.click("text=Save and next")
    await second.wait_for_selector("text=Already decided by Sam Supervisor")
    said = await second.inner_text("#detail")
    assert "A case was opened" in said
    assert "today at" in said.lower()
    view = await decided(world, referral)
    assert (view["decision"], view["rating"], view["decided_by"]) == ("open_case", "moderate", "sam")


async def test_the_desk_works_without_javascript_and_says_what_is_missing(world: World, site: Site) -> None:
    await people_decide(world)
    one, two = [await waiting(world, words) for words in (WORRY, "Came late to class.")]
    window = await site.window("sam", scripts=False)
    page = window.page
    await window.open(f"/triage?open={one['referral_id']}")
    await page.click("text=Save and next")
    assert "Choose what becomes of it" in await window.text()
    await page.check("#decision-watch_no_case", force=True)
    await page.click("text=Save and next")
    assert "Choose how worried you are" in await window.text()
    assert await page.is_checked("#decision-watch_no_case"), "what was chosen is kept"
    await page.check("#rating-mild", force=True)
    await page.click("text=Save and next")
    assert (await decided(world, one))["decision"] == "watch_no_case"

    await window.open("/triage")
    await page.check(f"input[name=pick][value='{two['referral_id']}']")
    # Deciding puts nobody on an outreach list, so none is promised.
    assert await page.locator("button[name=do]").all_inner_texts() == ["Watch them, rated mild"]
    await page.click("text=Watch them, rated mild")
    assert "1 decided together." in await window.text()
    view = await decided(world, two)
    assert (view["decision"], view["reason_code"]) == ("watch_no_case", "nothing_more_known")
