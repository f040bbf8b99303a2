"""Feeds: all of them, one, its mapping, what was set aside."""

from typing import Any

from playwright.async_api import Page

from tests.accessibility.registry import State, without
from tests.journeys.machines import Machine, add_feed
from tests.journeys.world import World

MAPPING: dict[str, Any] = {
    "mapping": "partner",
    "brings": "flags",
    "reads": "json",
    "fields": {
        "alert_id": "id",
        "student_id": "student",
        "course_code": "course",
        "reason_code": {"path": "reason", "values": {"absent": "ABSENCE"}},
        "raised_at": "at",
    },
}
GOOD = {"id": "A-1", "student": "X1", "course": "BIO101", "reason": "absent", "at": "2026-09-10T15:00:00Z"}
SAMPLE = '[{"id": "S-1", "student": "X1", "reason": "asleep", "at": "2026-09-10T15:00:00Z"}]'
_made: list[Machine] = []


async def _feed(world: World) -> Machine:
    """Return a feed that has brought a row and set two aside."""
    machine = await add_feed(world, f"states-{len(_made)}-{id(world)}", MAPPING, owner_id="sam")
    _made.append(machine)
    await machine.deliver(GOOD, GOOD | {"id": "A-2", "reason": "asleep"}, GOOD | {"id": "A-3", "at": "yesterday"})
    return machine


async def _some(world: World) -> None:
    await _feed(world)


async def _one(world: World) -> str:
    return f"/feeds/{(await _feed(world)).feed_id}"


async def _mapping(world: World) -> str:
    return f"{await _one(world)}/mapping"


async def _draft(world: World) -> str:
    body = {
        "code": f"draft-{id(world)}", "name": "Lab doors", "kind": "file_drop", "brings": "flags", "campus": "NORTH",
        "owner_id": "sam",
    }  # fmt: skip
    added = await world.post("ada", "intake", "/feeds", body)
    return f"/feeds/{added['feed']['feed_id']}"


async def _change(world: World) -> str:
    return f"{await _one(world)}/change"


async def _change_badly(page: Page) -> None:
    await page.fill("#name", "")
    await page.fill("#low", "many")
    await page.fill("#settings", "a: [")
    await page.click("main button.govuk-button >> nth=-1")


async def _change_well(page: Page) -> None:
    await page.check("#days")
    await page.fill("#by", "06:30")
    await page.click("main button.govuk-button >> nth=-1")


async def _aside(world: World) -> str:
    machine = await _feed(world)
    (group, *_) = (await world.get("ada", "intake", f"/feeds/{machine.feed_id}/quarantine"))["items"]
    return f"/feeds/{machine.feed_id}/aside?code={group['code']}&column={group['column']}"


async def _row(world: World) -> str:
    machine = await _feed(world)
    (item, *_) = (await world.get("ada", "intake", f"/feeds/{machine.feed_id}/quarantine/items"))["items"]
    return f"/feeds/{machine.feed_id}/aside/{item['item_id']}"


async def _long_row(world: World) -> str:
    machine = await _feed(world)
    await machine.deliver(GOOD | {"id": "A-4", "reason": "asleep", "notes": "x" * 250_000})
    items = (await world.get("ada", "intake", f"/feeds/{machine.feed_id}/quarantine/items"))["items"]
    return f"/feeds/{machine.feed_id}/aside/{items[-1]['item_id']}"


async def _given_up(world: World) -> str:
    path = await _row(world)
    feed, item = path.split("/")[2], path.split("/")[4]
    body = {"item_ids": [item], "reason": "sent by mistake"}
    await world.post("ada", "intake", f"/feeds/{feed}/quarantine/discard", body)
    return path


async def _try(page: Page) -> None:
    await page.fill("#sample", SAMPLE)
    await page.click("button[value=try]")


async def _keep_badly(page: Page) -> None:
    await page.fill("#document", "brings: flags\nfields: {raised_at: {pth: a}}")
    await page.click("button[value=keep]")


async def _keep_no_yaml(page: Page) -> None:
    await page.fill("#document", "a: [")
    await page.click("button[value=keep]")


async def _mend_badly(page: Page) -> None:
    await page.fill("#raw", '{"id": "A-2"')
    await page.click("text=Mend and play it back")


async def _play_back(page: Page) -> None:
    await page.click("button[value=replay]")


async def _add_nothing(page: Page) -> None:
    await page.click("main button.govuk-button >> nth=-1")


async def _add(page: Page) -> None:
    await page.fill("#name", "Residence badge entry")
    await page.fill("#code", "badges-of-a-state")
    await page.check("#kind-http_push")
    await page.check("#brings")
    await page.select_option("#campus", "NORTH")
    await page.select_option("#owner_id", "sam")
    await page.click("main button.govuk-button >> nth=-1")


STATES = [
    State("feeds: none yet", "/feeds", "ada", first=True, says="No feeds yet"),
    State("feeds: some, with rows set aside", "/feeds", "ada", arrange=_some, says="no meaning for"),
    State("feeds: filtered to nothing", "/feeds?kind=topic", "ada", arrange=_some, says="Clear the filters"),
    State("feeds: owner away", "/feeds", "ada", around=without("intake"), says="Not everything is here"),
    State("feed: one, with all there is to it", arrange=_one, person="ada", says="What came"),
    State("feed: as its owner sees it", arrange=_one, person="sam", says="Versions"),
    State("feed: not in use yet", arrange=_draft, person="ada", says="It takes nothing in yet"),
    State("feed: not yours", arrange=_one, person="fay", status=404),
    State("feed: new", "/feeds/new", "ada", says="How does it come?"),
    State("feed: new, nothing typed", "/feeds/new", "ada", act=_add_nothing, says="There is a problem"),
    State("feed: new, with its token", "/feeds/new", "ada", act=_add, says="Shown this once"),
    State("feed change: as it is", arrange=_change, person="ada", says="Who looks after it?"),
    State("feed change: not fit", arrange=_change, person="ada", act=_change_badly, says="Write a number"),
    State("feed change: saved", arrange=_change, person="ada", act=_change_well, says="Mon by 6:30 am"),
    State("feed mapping: to read", arrange=_mapping, person="ada", says="What its rows mean"),
    State("feed mapping: tried", arrange=_mapping, person="ada", act=_try, says="What it makes of the sample"),
    State("feed mapping: not fit", arrange=_mapping, person="ada", act=_keep_badly, says="Is path meant?"),
    State("feed mapping: no YAML", arrange=_mapping, person="ada", act=_keep_no_yaml, says="This is no YAML"),
    State("rows set aside: of one reason", arrange=_aside, person="sam", says="Play them back"),
    State(
        "rows set aside: played back, and still waiting",
        arrange=_aside,
        person="sam",
        act=_play_back,
        says="still wait",
    ),
    State("row set aside: one", arrange=_row, person="sam", says="Mend it"),
    State(
        "row set aside: still not readable", arrange=_row, person="sam", act=_mend_badly, says="It still cannot be read"
    ),
    State("row set aside: too long to mend", arrange=_long_row, person="sam", says="It is too long to mend here"),
    State("row set aside: given up", arrange=_given_up, person="sam", says="sent by mistake"),
]
