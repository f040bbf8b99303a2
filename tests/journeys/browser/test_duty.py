"""The duty officer, at night, with a phone: danger shows by itself, and everything else follows from accepting it."""

from tests.journeys.world import World
from tests.support.browser import Site, axe

IN_DANGER = "She wrote that she is going to kill herself tonight."


async def test_danger_typed_in_the_public_form_appears_on_the_duty_officers_open_screen(
    world: World, site: Site
) -> None:
    duty = await site.window("uma", viewport={"width": 375, "height": 800})
    await duty.open("/duty")
    assert "Nobody needs you just now" in await duty.text()

    await world.refer("fay", IN_DANGER)

    await duty.page.get_by_role("heading", name="Danger: a student may not be safe").wait_for(timeout=10_000)
    assert await axe(duty.page) == []
    await duty.page.get_by_role("button", name="Open page").click()
    await duty.page.get_by_role("button", name="Accept").click()
    await duty.page.get_by_role("heading", name="We don’t know yet who this is").wait_for()
    print(await duty.text())
    assert "a student in my section" in await duty.text()
    assert await axe(duty.page) == []
    assert duty.complaints() == []
