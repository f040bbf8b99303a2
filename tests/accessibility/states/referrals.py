"""The page of one referral."""

from playwright.async_api import Page

from tests.accessibility.registry import State, without
from tests.accessibility.states.triage import DANGER, WORRY
from tests.journeys.world import World
from tests.support.deciding import people_decide, waiting


async def _plain(world: World) -> str:
    await people_decide(world)
    return f"/referrals/{(await waiting(world, WORRY))['referral_id']}"


async def _danger(world: World) -> str:
    await people_decide(world)
    referral = await waiting(world, DANGER)
    await world.page_of("uma", referral)
    return f"/referrals/{referral['referral_id']}"


async def _corrected(world: World) -> str:
    path = await _plain(world)
    await world.post("sam", "intake", f"{path}/corrections", {"verdict": "danger_missed", "level": "critical"})
    return path


async def _decided(world: World) -> str:
    path = await _plain(world)
    body = {"decision": "not_our_student", "reason_code": "not_enrolled"}
    await world.post("ana", "intake", f"{path}/triage", body)
    return path


async def _more(page: Page) -> None:
    await page.click("text=It speaks of two people")
    await page.click("text=Correct it")


# From here on people decide at the North Campus, and no rule opens a case.
LAST = True

STATES = [
    State("referral: waits", arrange=_plain, person="sam", says="Nobody has decided yet"),
    State("referral: everything open", arrange=_plain, person="sam", act=_more, says="Save the correction"),
    State("referral: danger, who was told", arrange=_danger, person="sam", says="Who was told and why"),
    State("referral: corrected", arrange=_corrected, person="sam", says="Danger was missed"),
    State("referral: decided", arrange=_decided, person="sam", says="Open it again"),
    State(
        "referral: pages away", arrange=_danger, person="sam", around=without("notifications"), says="Pages are away"
    ),
    State("referral: not yours", arrange=_plain, person="stu", status=404),
]
