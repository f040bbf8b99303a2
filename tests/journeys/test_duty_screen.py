"""What the duty screen says in each state, to each person, and that it says nobody's name too early."""

import re
from typing import Any

import httpx
import msgspec
from sqlalchemy import text

from shared.access.actors import service_actor
from shared.events.access import AccessDecided
from shared.storage.engines import connect
from tests.journeys.world import World
from tests.support.console import Browser, browser

_AUDITS = text("SELECT payload FROM history WHERE type = 'caselight.access.decided.v1'")
IN_DANGER = "She wrote that she is going to kill herself tonight."


async def raised(world: World, **about: Any) -> dict[str, Any]:
    return await world.page_of("uma", await world.refer("fay", IN_DANGER, **about))


async def shown(screen: Browser, page: dict[str, Any]) -> str:
    answer = await screen.get(f"/duty/{page['page_id']}")
    assert answer.status_code == httpx.codes.OK
    return answer.text


async def test_before_anybody_accepts_the_screen_shows_no_student_and_after_it_to_the_responder_alone(
    world: World,
) -> None:
    (student,) = await world.students("NORTH", 1)
    page = await raised(world, about={"student_id": student})
    path = f"/duty/{page['page_id']}"
    async with browser(world, "uma") as uma, browser(world, "dee") as dee:
        assert f"Student {student}" not in await shown(uma, page)
        assert "only those who were told can accept it" in await shown(dee, page)
        assert (await uma.send(path, f"{path}/accept")).status_code == httpx.codes.SEE_OTHER
        accepted = await shown(uma, page)
        assert f"Call Student {student}" in accepted
        assert IN_DANGER in re.sub(r"<sup>.</sup>|<[^>]+>", "", accepted)
        assert 'href="tel:911"' in accepted
        other = await shown(dee, page)
        assert "Uma Duty has this page" in other
        assert student not in other
        assert "kill" not in other
        assert (await dee.send(path, f"{path}/outcome", {"outcome": "reached_safe"})).status_code != httpx.codes.OK


async def test_who_cannot_take_it_says_why_and_may_still_change_their_mind(world: World) -> None:
    page = await raised(world)
    path = f"/duty/{page['page_id']}"
    async with browser(world, "uma") as uma:
        nothing = await uma.send(path, f"{path}/decline")
        assert (nothing.status_code, "Choose why you cannot take it" in nothing.text) == (422, True)
        said = await uma.send(path, f"{path}/decline", {"reason": "with_somebody"})
        assert said.headers["location"] == "/duty"
        assert "You said that you cannot take it" in await shown(uma, page)
        assert "Accept</button>" in await shown(uma, page)
    of_bea = await world.listing("bea", "notifications", "/pages?mine=true")
    assert page["page_id"] in [each["page_id"] for each in of_bea]


async def test_no_answer_keeps_the_page_and_sending_it_twice_counts_once(world: World) -> None:
    page = await raised(world)
    path = f"/duty/{page['page_id']}"
    async with browser(world, "uma") as uma:
        await uma.send(path, f"{path}/accept")
        tried = await uma.send(path, f"{path}/outcome", {"outcome": "no_answer", "form_key": "one"})
        assert tried.status_code == httpx.codes.SEE_OTHER
        assert "1 try without an answer" in await shown(uma, page)
        assert "Choose how it went" in (await uma.send(path, f"{path}/outcome")).text
        await uma.send(path, f"{path}/outcome", {"outcome": "handed_over"})
        ended = await shown(uma, page)
        assert "Handed over" in ended
        late = await uma.send(path, f"{path}/outcome", {"outcome": "reached_safe"})
        assert (late.status_code, "This page has ended" in late.text) == (httpx.codes.CONFLICT, True)


async def test_a_page_without_contact_in_time_is_on_the_screen_again(world: World) -> None:
    page = await raised(world)
    path = f"/duty/{page['page_id']}"
    async with browser(world, "uma") as uma:
        await uma.send(path, f"{path}/accept")
        await world.pass_time(minutes=30, seconds=1)
        await world.quiet()
        await uma.sign_in("uma")
        assert "nobody was reached in time" in await shown(uma, page)
        assert "Open again" in (await uma.get("/duty")).text
    why = await world.get("uma", "notifications", f"/pages/{page['page_id']}/why")
    assert any("so it opened again" in each["text"] for each in why["sentences"])


async def test_contact_written_into_the_case_keeps_the_page_from_coming_back(world: World) -> None:
    (student,) = await world.students("NORTH", 1)
    referral = await world.refer("fay", IN_DANGER, about={"student_id": student})
    page = await world.page_of("uma", referral)
    await world.post("uma", "notifications", f"/pages/{page['page_id']}/accept", {})
    case = await world.case_of("sam", referral)
    contact = {"mode": "phone", "outcome_code": "reached"}
    await world.post("sam", "cases", f"/cases/{case['case_id']}/contacts", contact)
    await world.quiet()
    await world.pass_time(minutes=30, seconds=1)
    await world.quiet()
    now = await world.get("uma", "notifications", f"/pages/{page['page_id']}")
    assert (now["state"], now["reopened"], now["contacted_at"] is not None) == ("accepted", 0, True)


async def test_a_file_of_pages_is_recorded_as_one_that_left(world: World) -> None:
    async with browser(world, "uma") as uma:
        file = await uma.get("/pages?as=csv")
    assert file.headers["content-type"].startswith("text/csv")
    assert file.text.startswith("\ufeffReference,Campus,Level,State,Raised")
    await world.quiet()
    database = connect(world.settings, "analytics", "worker", world.clock, pool=1)
    async with database.transaction(service_actor("test")) as tx:
        kept = (await tx.connection.execute(_AUDITS)).scalars().all()
    await database.close()
    rows = [msgspec.json.decode(row, type=AccessDecided) for row in kept]
    assert [row.actor_id for row in rows if row.action == "page.list" and row.filter.endswith("use=export")] == ["uma"]
