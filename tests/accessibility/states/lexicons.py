"""Word lists: every edition, a draft, and what is wrong with one."""

from playwright.async_api import Page

from tests.accessibility.registry import State, without
from tests.journeys.world import World

BASE = "en-2026-11.2"


async def _draft(world: World) -> str:
    made = await world.post("ada", "intake", "/lexicons", {"based_on": BASE, "note": "The blue door."})
    return f"/lexicons/{made['edition']}"


async def _in_force(world: World) -> str:
    path = await _draft(world)
    await world.post("ida", "intake", f"{path}/activate", {"version": 1})
    return path


async def _misses(world: World) -> str:
    path = await _draft(world)
    terms = {"terms": ["blue door"], "terms_about_others": ["blue door"]}
    words = {"version": 1, "categories": {"danger": terms, "danger_imminent": terms}}
    await world.post("ada", "intake", f"{path}/words", words)
    return path


async def _wrong(page: Page) -> None:
    await page.fill("#terms-hazing", "hazing\n(open")
    await page.click("text=Save the draft")
    await page.wait_for_selector(".govuk-error-summary")


async def _try(page: Page) -> None:
    await page.fill("#text", "She wants to die, and her brother is not suicidal.")
    await page.click("text=Look")
    await page.wait_for_selector("#found")


async def _activate(page: Page) -> None:
    await page.click("text=Put it in force now")
    await page.wait_for_selector(".govuk-error-summary")


STATES = [
    State("lexicons: who may change them", "/lexicons", "ada", says="Begin a draft"),
    State("lexicons: who may look", "/lexicons", "sam", says="a second one puts them in force"),
    State("lexicons: not yours", "/lexicons", "fay", status=403),
    State("lexicons: away", "/lexicons", "ada", around=without("intake"), says="Lexicons are away"),
    State("lexicon: ships", f"/lexicons/{BASE}", "sam", says="Ships with Caselight"),
    State("lexicon: a draft", arrange=_draft, person="ada", says="Ask another administrator"),
    State("lexicon: tried", arrange=_draft, person="ada", act=_try, says="wants to die"),
    State("lexicon: a term that cannot be read", arrange=_draft, person="ada", act=_wrong, says="Term 2"),
    State("lexicon: misses danger", arrange=_misses, person="ida", act=_activate, says="misses danger"),
    State("lexicon: in force", arrange=_in_force, person="ada", says="Take it back now"),
]
