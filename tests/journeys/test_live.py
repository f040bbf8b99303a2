"""Open screens hear that something changed, if their reader may know of it, and nothing else."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.journeys.world import World
from tests.support.console import browser
from tests.support.eventually import eventually
from tests.support.listening import listening
from tests.support.streams import Stream, open_stream

IN_DANGER = "She wrote that she is going to kill herself tonight."
MISCONDUCT = "Her professor raped her after the party."


@pytest.fixture(scope="module")
async def address(world: World) -> AsyncIterator[str]:
    """Where the console of this world listens."""
    async with listening(world.services["console"].api) as port:
        yield f"http://127.0.0.1:{port}"


async def cookies_of(world: World, person: str) -> dict[str, str]:
    async with browser(world, person) as signed_in:
        return {each.name: each.value or "" for each in signed_in.client.cookies.jar}


def areas(stream: Stream) -> set[str]:
    return {area for data in stream.named("changed") for area in data["areas"]}


async def test_a_page_raised_is_told_to_the_duty_officer_and_not_to_another_campus(world: World, address: str) -> None:
    async with (
        open_stream(address, await cookies_of(world, "uma")) as uma,
        open_stream(address, await cookies_of(world, "stu")) as stu,
    ):
        assert uma.named("poll") == [{"seconds": 0}]
        page = await world.page_of("uma", await world.refer("fay", IN_DANGER))
        await eventually(lambda: f"page-{page['page_id']}" in areas(uma))
        assert "A new page has come in." in " ".join(data["say"] for data in uma.named("changed"))
        assert "Fay" not in repr(uma.events)
        assert "kill" not in repr(uma.events)

        # What stu may see comes after it, and alone.
        south = await world.refer("stu", "He has been crying in class.", campus="SOUTH")
        await eventually(lambda: f"referral-{south['referral_id']}" in areas(stu))
        assert f"page-{page['page_id']}" not in areas(stu)
        assert "pages" not in areas(stu)


async def test_a_title_ix_matter_is_told_to_the_coordinator_alone(world: World, address: str) -> None:
    async with (
        open_stream(address, await cookies_of(world, "tia")) as tia,
        open_stream(address, await cookies_of(world, "ana")) as ana,
        open_stream(address, await cookies_of(world, "dee")) as dee,
    ):
        walled = await world.refer("fay", MISCONDUCT)
        await eventually(lambda: f"referral-{walled['referral_id']}" in areas(tia))
        plain = await world.refer("fay", "He has been crying in class.")
        await eventually(lambda: f"referral-{plain['referral_id']}" in areas(ana))
        page = await world.page_of("uma", await world.refer("fay", IN_DANGER))
        await eventually(lambda: f"page-{page['page_id']}" in areas(dee))
        for stream in (ana, dee):
            assert walled["referral_id"] not in repr(stream.events)


async def test_what_came_while_the_line_was_broken_is_told_afterwards(world: World, address: str) -> None:
    cookies = await cookies_of(world, "ana")
    async with open_stream(address, cookies) as before:
        first = await world.refer("fay", "He has been crying in class.")
        await eventually(lambda: f"referral-{first['referral_id']}" in areas(before))
        last = before.last_id
    missed = await world.refer("fay", "She sleeps in the library.")
    await world.quiet()
    async with open_stream(address, cookies, last=last) as after:
        await eventually(lambda: f"referral-{missed['referral_id']}" in areas(after))
        assert f"referral-{first['referral_id']}" not in areas(after)
    async with open_stream(address, cookies, last="1-1") as lost:
        await eventually(lambda: areas(lost) == {"*"})


async def test_a_stream_ends_with_its_session(world: World, address: str) -> None:
    async with browser(world, "ana") as ana:
        cookies = {each.name: each.value or "" for each in ana.client.cookies.jar}
        async with open_stream(address, cookies) as stream:
            await ana.send("/me", "/sign-out")
            await world.refer("fay", "He has been crying in class.")
            await eventually(lambda: stream.closed)
            assert stream.named("ended") == [{}]
            assert stream.named("changed") == []


async def test_nobody_hears_anything_without_a_session(world: World, address: str) -> None:
    async with open_stream(address, {}) as stream:
        assert stream.closed
        assert stream.events == []


async def test_without_valkey_screens_are_told_to_ask_again_themselves(world: World, address: str) -> None:
    hub: Any = world.services["console"].api.state.console.hub
    async with open_stream(address, await cookies_of(world, "ana")) as stream:
        hub._turn(hears=False)
        await eventually(lambda: stream.named("poll")[-1] == {"seconds": 10})
        hub._turn(hears=True)
        await eventually(lambda: stream.named("poll")[-1] == {"seconds": 0})
        assert areas(stream) == {"*"}


async def test_an_open_screen_keeps_no_session_alive(world: World, address: str) -> None:
    cookies = await cookies_of(world, "ana")
    async with open_stream(address, cookies) as stream:
        world.clock.move(timedelta(minutes=31))
        await world.refer("fay", "He has been crying in class.")
        await eventually(lambda: stream.named("ended") == [{}])
