"""People sign in to the console, and see what their job is."""

from tests.journeys.world import World
from tests.support.console import browser


async def test_whoever_signs_in_sees_who_they_are_and_the_jobs_of_their_roles(world: World) -> None:
    async with browser(world, "uma") as uma:
        page = await uma.get("/me")
    assert page.status_code == 200
    assert "Uma Duty" in page.text
    assert "Duty officer, North Campus" in page.text
