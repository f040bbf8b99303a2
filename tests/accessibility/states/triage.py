"""The triage desk: what waits, in every state."""

from datetime import timedelta
from typing import Any

from playwright.async_api import Page

from tests.accessibility.registry import State, without
from tests.journeys.world import World
from tests.support.deciding import people_decide, waiting

WORRY = "He has been crying in class. He says that he is not suicidal."
DANGER = "She wrote that she is going to kill herself tonight."


async def _some(world: World) -> None:
    await people_decide(world)
    for words in (DANGER, WORRY, "New members are made to drink until they vomit at the fraternity."):
        await waiting(world, words)


async def _one(world: World) -> dict[str, Any]:
    await people_decide(world)
    return await waiting(world, WORRY)


async def _open(world: World) -> str:
    return f"/triage?open={(await _one(world))['referral_id']}#detail"


async def _unknown(world: World) -> str:
    await people_decide(world)
    referral = await world.refer("fay", WORRY, source_kind="peer")
    return f"/triage?open={referral['referral_id']}#detail"


async def _decided(world: World) -> str:
    referral = await _one(world)
    body = {"decision": "watch_no_case", "reason_code": "nothing_more_known", "rating": "mild"}
    await world.post("ana", "intake", f"/referrals/{referral['referral_id']}/triage", body)
    return f"/triage?open={referral['referral_id']}#detail"


async def _paged(world: World) -> str:
    await people_decide(world)
    referral = await waiting(world, DANGER)
    await world.page_of("uma", referral)
    return f"/triage?open={referral['referral_id']}#detail"


async def _accepted(world: World) -> str:
    await people_decide(world)
    referral = await waiting(world, DANGER)
    page = await world.page_of("uma", referral)
    await world.post("uma", "notifications", f"/pages/{page['page_id']}/accept", {})
    return f"/triage?open={referral['referral_id']}#detail"


async def _late(world: World) -> str:
    path = await _open(world)
    world.clock.move(timedelta(days=4))
    return path


async def _walled(world: World) -> str:
    referral = await world.refer("fay", "Her partner hit her again last night.", source_kind="peer")
    return f"/triage?open={referral['referral_id']}#detail"


async def _save(page: Page) -> None:
    await page.click("text=Save and next")
    await page.wait_for_selector(".govuk-error-summary")


async def _faster(page: Page) -> None:
    """Somebody else decides while this one is open."""
    await page.check("#decision-watch_no_case", force=True)
    await page.check("#rating-mild", force=True)
    form = "document.querySelector('.cl-decide')"
    await page.evaluate(
        f"(async () => {{ const data = new FormData({form}); data.set('decision', 'open_case');"
        f" await fetch({form}.action, {{ method: 'POST', body: new URLSearchParams(data), redirect: 'manual' }}); }})()"
    )
    await page.click("text=Save and next")
    await page.wait_for_selector("text=You decided this already")


# From here on people decide at the North Campus, and no rule opens a case.
LAST = True

STATES = [
    State("triage: nothing waits", "/triage", "eve", first=True, says="Nothing waits for a decision"),
    State("triage: some, danger first", "/triage", "sam", arrange=_some, says="Danger first, then by time left"),
    State("triage: one open", arrange=_open, person="sam", says="What becomes of it?"),
    State("triage: student unknown", arrange=_unknown, person="sam", says="We don’t know yet who this is"),
    State("triage: filtered to nothing", "/triage?concern=immigration", "sam", arrange=_some, says="Clear the filters"),
    State("triage: danger, waiting", arrange=_paged, person="sam", says="is not accepted yet"),
    State("triage: danger, accepted", arrange=_accepted, person="sam", says="was accepted by Uma Duty"),
    State("triage: nothing chosen", arrange=_open, person="sam", act=_save, says="Choose what becomes of it"),
    State("triage: decided by somebody else", arrange=_decided, person="sam", says="Decided by Ana Ruiz"),
    State("triage: decided meanwhile", arrange=_open, person="sam", act=_faster, says="You decided this already"),
    State("triage: the desk away", "/triage", "sam", around=without("intake"), says="The desk is away"),
    State("triage: pages and cases away", arrange=_open, person="sam", around=without("notifications", "cases")),
    State("triage: not yours", "/triage?open=00000000-0000-4000-8000-000000000000", "sam", says="not yours to see"),
    State("triage: the coordinator’s", arrange=_walled, person="tia", says="Sex-based misconduct"),
    State("triage: late", arrange=_late, person="sam", says="Late by"),
]
