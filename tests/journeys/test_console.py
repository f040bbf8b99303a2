"""People sign in to the console, and see what their job is."""

import msgspec
from sqlalchemy import text

from shared.access.actors import service_actor
from shared.events.access import AccessDecided
from shared.storage.engines import connect
from tests.journeys.machines import add_feed
from tests.journeys.world import World
from tests.support.console import Browser, browser

# Who works with a list, its address with a filter, an order it has besides the usual one, and what its file is audited
# as: everywhere by the owner of what is in it.
LISTS = (
    ("sam", "/triage?source=staff", "newest", "referral.list"),
    ("sam", "/match?left_open=false", "newest", "referral.match"),
    ("sam", "/cases?whose=all", "due", "case.list"),
    ("uma", "/pages?mine=true", "waiting", "page.list"),
    ("ana", "/flags?state=open", "oldest", "flags.list"),
    ("ana", "/outreach?open=true", "due", "outreach.list"),
    ("ada", "/feeds?kind=http_push", "name", "feed.list"),
    ("ada", "/feeds/{feed}/aside?state=replayed", "newest", "quarantine.list"),
    ("sam", "/program?role=case_manager", "cases", "program.read"),
    ("ada", "/lexicons?language=es", "", "lexicon.read"),
    ("ada", "/lexicons/en-2026-11", "", "lexicon.read"),
    ("sam", "/rules", "", "rules.firings"),
)
FEED = {
    "mapping": "one", "brings": "flags", "reads": "json",
    "fields": {"alert_id": "id", "student_id": "student", "reason_code": "reason", "raised_at": "at"},
}  # fmt: skip
_AUDITS = text("SELECT payload FROM history WHERE type = 'caselight.access.decided.v1'")


async def test_whoever_signs_in_sees_who_they_are_and_the_jobs_of_their_roles(world: World) -> None:
    async with browser(world, "uma") as uma:
        page = await uma.get("/me")
    assert page.status_code == 200
    assert "Uma Duty" in page.text
    assert "Duty officer, North Campus" in page.text


async def test_every_list_sorts_keeps_its_filters_under_a_name_and_leaves_as_a_file_on_record(world: World) -> None:
    feed = await add_feed(world, "one", FEED)
    await feed.deliver({"id": "A-1", "student": "X1", "reason": "=1+1", "at": "yesterday"})
    await world.refer("fay", "He has been crying in class.", about={"description": "sits at the window"})
    for who, address, order, _ in LISTS:
        path, _, query = address.format(feed=feed.feed_id).partition("?")
        async with browser(world, who) as person:
            await _looks_after(person, path, query, order)
    await world.quiet()
    database = connect(world.settings, "analytics", "worker", world.clock, pool=1)
    async with database.transaction(service_actor("test")) as tx:
        kept = (await tx.connection.execute(_AUDITS)).scalars().all()
    await database.close()
    rows = [msgspec.json.decode(row, type=AccessDecided) for row in kept]
    taken = {(row.actor_id, row.action) for row in rows if row.filter.endswith("use=export")}
    assert taken >= {(who, action) for who, _, _, action in LISTS}


async def _looks_after(person: Browser, path: str, query: str, order: str) -> None:
    asked = "&".join(filter(None, (query, f"sort={order}" if order else "")))
    page = await person.get(f"{path}?{asked}")
    assert page.status_code == 200, path
    assert not order or f'<option value="{order}" selected>' in page.text, path
    file = await person.get(f"{path}?{asked}&as=csv")
    assert file.headers["content-type"].startswith("text/csv"), path
    assert "\n=" not in file.text, path
    if query:
        assert "Save these filters" in page.text, path
        await person.send(f"{path}?{asked}", "/filters", {"path": path, "query": asked, "name": "Mornings"})
        assert 'aria-current="true">Mornings</a>' in (await person.get(f"{path}?{asked}")).text, path
