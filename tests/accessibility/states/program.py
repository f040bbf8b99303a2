"""The program: its four lists, its forms, and what a change would be."""

from playwright.async_api import Page

from tests.accessibility.registry import State


async def _preview(page: Page) -> None:
    await page.get_by_label("Name", exact=True).fill("Somebody Else")
    await page.get_by_role("button", name="See what changes").click()


async def _wrong(page: Page) -> None:
    await page.get_by_label("Work e-mail address").fill("not an address")
    await page.get_by_role("button", name="See what changes").click()


STATES = [
    State("program: staff", "/program", "ada", says="Ada Admin"),
    State("program: policies", "/program/policies", "ada", says="as Caselight ships it"),
    State("program: somebody, to look at", "/program/staff/ana", "dee", says="Only an administrator"),
    State("program: somebody, to change", "/program/staff/ana", "ada", says="See what changes"),
    State("program: what changes", "/program/staff/ana", "ada", act=_preview, says="Is this what should change?"),
    State("program: something wrong", "/program/staff/ana", "ada", act=_wrong, says="There is a problem"),
    State("program: a rota", "/program/rotas/NORTH:duty", "ada", says="Instead of the week"),
    State("program: a policy", "/program/policies/*:paging", "ada", says="new edition"),
    State("program: not theirs", "/program", "fay", status=403, says="Your roles do not open this"),
]
