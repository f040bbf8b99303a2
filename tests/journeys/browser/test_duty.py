"""The duty officer, at night, with a phone: danger shows by itself, and everything else follows from accepting it."""

from playwright.async_api import Page

from tests.journeys.world import World
from tests.support.browser import Site, axe

IN_DANGER = "She wrote that she is going to kill herself tonight."
PHONE = {"width": 375, "height": 800}


async def type_danger(public: Page) -> None:
    """Fill in the public form, about somebody whose name the writer does not know."""
    await public.check("input[name=about][value=unsure]")
    await public.check("input[name=named][value=no]")
    await public.get_by_role("button", name="Continue").click()
    await public.fill("#words", IN_DANGER)
    await public.fill("#where", "Sits by the window in evening ceramics.")
    await public.check("input[name=urgency][value=today]")
    await public.get_by_role("button", name="Send", exact=False).last.click()


async def test_danger_typed_in_the_public_form_appears_on_the_duty_officers_open_screen(
    world: World, site: Site
) -> None:
    duty = await site.window("uma", viewport=PHONE)
    await duty.open("/duty")
    assert "Nobody needs you just now" in await duty.text()
    anybody = await site.window(service="intake")
    await anybody.open("/refer/NORTH")

    await type_danger(anybody.page)

    await duty.page.get_by_role("heading", name="Danger: a student may not be safe").wait_for()
    assert "ceramics" not in await duty.text()
    await duty.page.get_by_role("button", name="Open page").click()
    await duty.page.get_by_role("button", name="Accept").click()
    await duty.page.get_by_role("heading", name="We don’t know yet who this is").wait_for()
    assert "Sits by the window in evening ceramics." in await duty.text()
    assert IN_DANGER in (await duty.text()).replace("1", "")
    assert await axe(duty.page) == []
    await duty.page.get_by_label("Reached, safe").check()
    await duty.page.get_by_role("button", name="Write it down").click()
    await duty.page.get_by_role("heading", name="Reached, safe").wait_for()
    assert duty.complaints() == []


async def test_a_page_that_somebody_else_accepts_says_so_on_an_open_screen(world: World, site: Site) -> None:
    page = await world.page_of("uma", await world.refer("fay", IN_DANGER))
    bea = await site.window("bea", viewport=PHONE)
    await world.pass_time(minutes=2, seconds=1)
    await world.mail_to("bea", page["reference"])
    await bea.open(f"/duty/{page['page_id']}")
    assert "a student in my section" not in await bea.text()

    await world.post("uma", "notifications", f"/pages/{page['page_id']}/accept", {})

    await bea.page.get_by_role("heading", name="Uma Duty has this page").wait_for()
