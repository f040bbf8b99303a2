"""Staff and faculty refer someone through the console: for themselves to write, for a caller, or about themselves."""

from typing import Any

from tests.accessibility.registry import without
from tests.journeys.world import World
from tests.support.console import browser

CALL = {
    "phone": "1",
    "about": "student",
    "name": "Jo Doe",
    "words": "A mother says that her son has not answered for three days.",
    "urgency": "urgent",
    "campus": "NORTH",
    "caller_name": "Mrs. Doe",
    "caller_phone": "555-0150",
    "caller_kind": "parent",
}


async def newest(world: World) -> dict[str, Any]:
    return (await world.listing("ana", "intake", "/referrals?campus=NORTH"))[-1]


async def test_a_call_is_written_down_and_the_caller_is_kept_apart_from_who_wrote(world: World) -> None:
    async with browser(world, "ana") as desk:
        page = (await desk.get("/refer?phone=1")).text
        assert "What does the caller say?" in page
        answer = await desk.send("/refer?phone=1", "/refer", CALL)
        assert answer.status_code == 303, answer.text
        assert "The reference is" in (await desk.get("/refer")).text
    made = await newest(world)
    assert (made["channel"], made["source_kind"], made["urgency"]) == ("phone", "parent", "urgent")
    told = await world.get("ana", "intake", f"/referrals/{made['referral_id']}/narrative")
    assert (told["referrer"]["name"], told["referrer"]["staff_id"]) == ("Mrs. Doe", "ana")
    assert told["about"]["name"] == "Jo Doe"


async def test_what_is_missing_is_said_and_nothing_typed_is_lost(world: World) -> None:
    async with browser(world, "fay") as desk:
        answer = await desk.send("/refer", "/refer", {"words": "", "name": "Jo <Doe>", "campus": "NORTH"})
        assert answer.status_code == 422
        assert "Jo &lt;Doe&gt;" in answer.text
        assert 'href="#words"' in answer.text
        assert 'href="#about"' in answer.text
        wrong = await desk.send(
            "/refer", "/refer", {"about": "student", "words": "Worried.", "known_as": "no id!", "campus": "NORTH"}
        )
        assert wrong.status_code == 422
        assert 'href="#known_as"' in wrong.text


async def test_a_place_and_oneself_can_be_what_it_is_about(world: World) -> None:
    async with browser(world, "fay") as desk:
        for about in ("place", "myself"):
            fields = {"about": about, "words": "Something is wrong here.", "campus": "NORTH", "where": "Hall B"}
            answer = await desk.send("/refer", "/refer", fields)
            assert answer.status_code == 303, answer.text
    place, oneself = (await world.listing("ana", "intake", "/referrals?campus=NORTH"))[-2:]
    assert (place["marks"], place["source_kind"]) == (["place"], "faculty")
    assert (oneself["marks"], oneself["source_kind"]) == ([], "self")


async def test_an_owner_that_is_away_loses_nothing_that_was_typed(world: World) -> None:
    async with browser(world, "fay") as desk, without("intake")(world):
        answer = await desk.send(
            "/refer", "/refer", {"about": "student", "words": "Worried about Jo.", "campus": "NORTH"}
        )
        assert answer.status_code == 503
        assert "Worried about Jo." in answer.text
