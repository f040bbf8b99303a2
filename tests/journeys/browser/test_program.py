"""An administrator changes the program in forms, sees what changes, and only then makes it so."""

import re

from tests.journeys.world import World
from tests.support.browser import Site, axe
from tests.support.console import browser


async def test_an_administrator_gives_a_role_and_sees_what_changes_before_it_does(world: World, site: Site) -> None:
    ada = await site.window("ada")
    await ada.open("/program")
    await ada.page.get_by_role("link", name="Ben Okafor").click()
    await ada.page.get_by_label("Roles 2").get_by_label("Role").select_option("triager")
    await ada.page.get_by_label("Roles 2").get_by_label("Where").select_option("NORTH")
    assert await axe(ada.page) == []
    await ada.page.get_by_role("button", name="See what changes").click()
    await ada.page.get_by_role("heading", name="Is this what should change?").wait_for()
    assert "Case manager, North Campus; Triager, North Campus" in await ada.text()
    assert await axe(ada.page) == []
    before = await world.get("ada", "program", "/program?key=staff:ben")
    assert [role["name"] for role in before["staff"][0]["roles"]] == ["case_manager"]

    await ada.page.get_by_role("button", name="Make this change").click()

    await ada.page.get_by_text("Saved.").wait_for()
    after = await world.get("ada", "program", "/program?key=staff:ben")
    assert [role["name"] for role in after["staff"][0]["roles"]] == ["case_manager", "triager"]
    assert ada.complaints() == []


async def test_what_the_program_finds_wrong_is_said_at_its_field(world: World) -> None:
    async with browser(world, "ada") as ada:
        shown = (await ada.get("/program/campuses/NORTH")).text
        answer = await ada.send(
            "/program/campuses/NORTH", "/program/campuses/NORTH",
            {"step": "preview", "version": version_in(shown), "name": "North Campus", "zone": "Mars/Olympus"},
        )  # fmt: skip
    assert answer.status_code == 422
    assert 'href="#zone"' in answer.text
    assert "Mars/Olympus" in answer.text


async def test_two_administrators_do_not_overwrite_each_other(world: World) -> None:
    async with browser(world, "ada") as ada:
        old = version_in((await ada.get("/program/staff/eve")).text)
        (eve,) = (await world.get("ada", "program", "/program?key=staff:eve"))["staff"]
        said = {name: value for name, value in eve.items() if name not in ("version", "status")}
        await world.post("ada", "program", "/program:apply", {"document": {"staff": [{**said, "fte": 0.5}]}})
        for step in ("preview", "make"):
            late = await ada.send(
                "/program/staff/eve", "/program/staff/eve",
                {"step": step, "version": old, "name": "Eve Other", "email": eve["email"], "campus": "EMPTY"},
            )  # fmt: skip
            assert late.status_code == 409
            assert "Somebody else has changed this in the meantime" in late.text


async def test_a_new_rota_says_when_nobody_is_on_duty(world: World) -> None:
    path = "/program/rotas/SOUTH:duty"
    fields = {
        "version": "0", "zone": "UTC", "weekly.0.staff_id": "stu", "weekly.0.weekday": "0", "weekly.0.starts": "08:00",
        "weekly.0.hours": "100",
    }  # fmt: skip
    async with browser(world, "ada") as ada:
        named = await ada.send("/program/rotas/new", "/program/rotas/new", {"campus": "SOUTH", "function": "duty"})
        assert named.headers["location"] == path
        preview = await ada.send(path, path, fields | {"step": "preview"})
        assert "Nobody is on duty from Fri Sep 18, 12:00 to Mon Sep 21, 08:00." in preview.text
        made = await ada.send(path, path, fields | {"step": "make"})
        assert made.headers["location"] == path
        assert "Stu South" in (await ada.get("/program/rotas")).text


async def test_a_policy_gets_a_new_edition_and_the_old_one_stays(world: World) -> None:
    path = "/program/policies/NORTH:late"
    async with browser(world, "ada") as ada:
        assert "<strong>as Caselight ships it</strong>" in (await ada.get(path)).text
        fields = {
            "version": "0", "edition": "north-1", "effective_from": "2026-09-14 09:00", "source": "made up",
            "values.hours": "4",
        }  # fmt: skip
        preview = await ada.send(path, path, fields | {"step": "preview"})
        assert "Make this change" in preview.text
        wrong = await ada.send(path, path, fields | {"step": "preview", "values.hours": "soon"})
        assert wrong.status_code == 422
        made = await ada.send(path, path, fields | {"step": "make"})
        assert made.status_code == 303, made.text
    (policy,) = (await world.get("ada", "program", "/program?key=policy:NORTH:late"))["policies"]
    assert [(each["edition"], each["values"]["hours"]) for each in policy["editions"]] == [("north-1", 4)]


async def test_who_does_not_run_the_program_looks_at_it_and_changes_nothing(world: World) -> None:
    async with browser(world, "dee") as dee:
        assert "Ben Okafor" in (await dee.get("/program")).text
        page = (await dee.get("/program/staff/ben")).text
        assert "See what changes" not in page
        version = str((await world.get("ada", "program", "/program?key=staff:ben"))["staff"][0]["version"])
        fields = {"step": "make", "version": version, "name": "Ben", "email": "b@x.edu", "campus": "NORTH", "fte": "1"}
        assert (await dee.send("/program/staff/ben", "/program/staff/ben", fields)).status_code == 403
    async with browser(world, "fay") as fay:
        assert (await fay.get("/program")).status_code == 403


def version_in(page: str) -> str:
    """Return the version that a form was filled in from."""
    return str(re.findall(r'name="version" value="(\d+)"', page)[0])
