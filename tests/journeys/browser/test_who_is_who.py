"""Who is who, as people see it: proposals that attach nobody, a merge and its undoing, and what a director sees."""

import re
from typing import Any

from playwright.async_api import Request

from shared.ids import new_id
from tests.journeys.world import World
from tests.support.browser import Site, axe
from tests.support.eventually import eventually

WORRY = "She has been crying in class, and sleeps in her car by the boathouse."
DECIDED = {"decision": "open_case", "reason_code": "named_concern"}
HEAD = "student_id,campus_code,name,email,pronouns,residence,sections,emergency_contacts\n"
FLAGS = "alert_id,campus_code,student_id,term_code,course_code,section,reason_code,severity,comment,raised_at\n"


async def students(world: World, *names: str) -> tuple[str, list[str], list[str]]:
    """Put students on the roster; return a word that only they have, their numbers and our ids of them."""
    batch = new_id().hex[-6:].upper()
    numbers = [f"{batch}{place}" for place in range(len(names))]
    rows = [
        f"{number},NORTH,{name},{number.lower()}@students.example.edu,she/her,Cedar Hall 3{place},"
        f"2026F:CHEM110/{place}/fay,Ada {number} | mother | +1 555 0100\n"
        for place, (number, name) in enumerate(zip(numbers, names, strict=True))
    ]
    await world.upload("ada", "/roster/imports", HEAD + "".join(rows))
    found = [
        (await world.post("sam", "intake", "/people:find", {"q": number}))["people"][0]["student_id"]
        for number in numbers
    ]
    return batch, numbers, found


async def open_case(world: World, number: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Refer somebody by their number and have a case of it."""
    referral = await world.refer("fay", WORRY, about={"student_id": number}, concerns=["mood"])
    return referral, await world.case_of("sam", referral)


async def about(world: World, student: str) -> set[str]:
    """Return the referrals that a student's page shows to the supervisor."""
    found = await world.get("sam", "intake", f"/students/{student}/referrals")
    return {each["referral_id"] for each in found["items"]}


async def cases_of(world: World, student: str) -> set[str]:
    """Return the cases that a student's page shows to the supervisor."""
    return {each["case_id"] for each in (await world.get("sam", "cases", f"/cases?student_id={student}"))["items"]}


async def test_a_name_alone_never_attaches(world: World, site: Site) -> None:
    """The only student of that name, spelled right: proposed to a person, and nobody's until the person has said so."""
    _, _, (wren,) = await students(world, "Wren Quillhalloway")
    sent = [
        await world.refer("stu", WORRY, about={"name": "Wren Quillhalloway"}),
        await world.refer("stu", WORRY, about={"description": "Wren Quillhalloway, lives in Cedar Hall"}),
    ]
    rows = f'source_event_id,campus_code,description,narrative,happened_at\nx,NORTH,Wren Quillhalloway,"{WORRY}",'
    await world.upload("ada", "/referrals/imports?source=old", f"{rows}{world.clock.now().isoformat()}\n")
    everything = await world.listing("ana", "intake", "/referrals?campus=NORTH")
    assert {each["state"] for each in everything} == {"matching"}
    assert {each["student_id"] for each in everything} == {None}
    assert len(everything) == 3

    ana = await site.window("ana")
    await ana.open(f"/match/{sent[0]['referral_id']}")
    assert await ana.page.get_by_role("columnheader", name="Wren Quillhalloway").count() == 1
    assert await ana.page.locator("input[name=who]:checked").count() == 0, "nothing is chosen beforehand"
    assert (await world.get("ana", "intake", f"/referrals/{sent[0]['referral_id']}"))["student_id"] is None
    await ana.page.locator("[data-row]").first.focus()
    await ana.page.keyboard.press("1")
    await ana.page.keyboard.press("Enter")
    await ana.page.locator("#said").wait_for()
    matched = await world.get("ana", "intake", f"/referrals/{sent[0]['referral_id']}")
    assert (matched["student_id"], matched["match_basis"], matched["matched_by"]) == (wren, "person", "ana")
    others = await world.listing("ana", "intake", "/referrals?campus=NORTH&matched=false")
    assert len(others) == 2, "the same name in the others decides nothing either"
    assert ana.complaints() == []


async def test_a_merge_is_undone_with_everything_that_hung_on_it(world: World, site: Site) -> None:  # noqa: PLR0915
    """Two records become one person and two again: flags, referrals, names, contacts and cases are where they were."""
    _, (one, two), (first, second) = await students(world, "Marigold Ashgrove", "Mari Ashgrove")
    hers, her_case = await open_case(world, one)
    its, its_case = await open_case(world, two)
    now = world.clock.now().isoformat()
    flags = f"{one}f,NORTH,{one},2026F,BIO1,1,LATE_WORK,1,,{now}\n{two}f,NORTH,{two},2026F,ART1,1,LATE_WORK,1,,{now}\n"
    await world.upload("ada", "/flags/imports?source=lms", FLAGS + flags)
    await world.post("sam", "intake", f"/students/{second}/names", {"kind": "alias", "value": "Goldie"})
    await world.quiet()
    asked_before = {each["combination_id"] for each in await world.listing("sam", "cases", "/combinations")}

    sam = await site.window("sam")
    await sam.open(f"/students/{second}")
    await sam.page.click("text=This record is somebody else’s too")
    await sam.page.fill("#same-q", one)
    await sam.page.click("form[action$='/same'] button")
    await sam.page.get_by_label("Marigold Ashgrove, ends in").check()
    await sam.page.select_option("#why", "second_account")
    await sam.page.get_by_role("button", name="They are one person").click()
    await sam.page.locator("#said").wait_for()

    shown = await sam.text()
    assert "Marigold Ashgrove" in shown
    assert "Goldie" in shown
    assert await about(world, first) == await about(world, second) == {hers["referral_id"], its["referral_id"]}
    kept = await world.get("sam", "intake", f"/flags?campus=NORTH&student_id={first}")
    assert {each["course"] for each in kept["items"]} == {"BIO1", "ART1"}
    call = await world.get("sam", "intake", f"/students/{first}/emergency-contacts")
    assert [each["name"] for each in call["contacts"]] == [f"Ada {one}", f"Ada {two}"]

    async def asked() -> list[dict[str, Any]]:
        return [
            e for e in await world.listing("sam", "cases", "/combinations") if e["combination_id"] not in asked_before
        ]

    (question,) = await eventually(asked)
    assert {question["case_id"], question["other_case_id"]} == {her_case["case_id"], its_case["case_id"]}
    both = await eventually(lambda: _both(world, first))
    assert both == {her_case["case_id"], its_case["case_id"]}, "asked, not told: both are open still"

    # Between: what comes for the record that was merged, and what a person says of the one they go by.
    later = await world.refer("fay", WORRY, about={"student_id": two}, concerns=["housing"])
    unknown = await world.refer("stu", WORRY, about={"name": "Marigold"})
    await world.post("ana", "intake", f"/referrals/{unknown['referral_id']}/match", {"student_id": first})
    await world.quiet()

    await sam.open(f"/students/{first}")
    await sam.page.select_option("select[id^=undo-]", "two_people")
    await sam.page.get_by_role("button", name="Undo: they are two people").click()
    await sam.page.locator("#said").wait_for()
    assert "Sam Supervisor undid it: they are two people" in await sam.text()
    assert await axe(sam.page) == []
    await world.quiet()

    assert await about(world, second) == {its["referral_id"], later["referral_id"]}
    assert await about(world, first) == {hers["referral_id"], unknown["referral_id"]}
    for student, course, number in ((first, "BIO1", one), (second, "ART1", two)):
        flags_of = (await world.get("sam", "intake", f"/flags?campus=NORTH&student_id={student}"))["items"]
        assert [each["course"] for each in flags_of] == [course]
        contacts = await world.get("sam", "intake", f"/students/{student}/emergency-contacts")
        assert [each["name"] for each in contacts["contacts"]] == [f"Ada {number}"]
    assert "Goldie" in {e["value"] for e in (await world.get("sam", "intake", f"/students/{second}"))["names"]}
    assert await asked() == [], "nobody is asked any more about two people's cases"
    assert her_case["case_id"] in await cases_of(world, first)
    assert her_case["case_id"] not in await cases_of(world, second)
    assert its_case["case_id"] in await cases_of(world, second)
    for case, referral in ((her_case, hers), (its_case, its)):
        now_is = await world.get("sam", "cases", f"/cases/{case['case_id']}")
        assert (now_is["student_id"], now_is["state"]) == (case["student_id"], case["state"])
        assert referral["referral_id"] in now_is["referrals"]
    told = (await world.get("sam", "intake", f"/students/{second}"))["merges"]
    assert [(each["merged_by"], each["reason_code"], each["undone_by"]) for each in told] == [
        ("sam", "second_account", "sam")
    ]
    assert sam.complaints() == []


async def _both(world: World, student: str) -> set[str] | None:
    found = await cases_of(world, student)
    return found if len(found) > 1 else None


async def test_a_director_sees_no_narrative_and_no_name_leaks_by_search_count_or_autocomplete(
    world: World, site: Site
) -> None:
    _, (number,), (student,) = await students(world, "Zephyrine Oakhollow")
    referral, case = await open_case(world, number)
    unsure = await world.refer("stu", WORRY, about={"name": "Zephyrine Oakhollow"})
    secrets = ("zephyrine", "oakhollow", number.lower(), "boathouse", "crying")
    dee = await site.window("dee")
    asked: list[str] = []

    async def shows_nothing() -> str:
        shown = (await dee.page.content()).lower()
        assert [word for word in secrets if word in shown] == [], dee.page.url
        return shown

    for path in ("/", "/pages", "/cases", "/match", "/triage", "/flags", f"/cases/{case['case_id']}"):
        await dee.open(path)
        await shows_nothing()
    # What is there and what never was are answered alike.
    for path in (f"/students/{student}", f"/referrals/{referral['referral_id']}", f"/match/{unsure['referral_id']}"):
        assert await dee.open(path) == 404, path
        there = re.sub(r"[0-9a-f-]{36}|value=\"[^\"]*\"", "", await shows_nothing())
        assert await dee.open(re.sub(r"[^/]+$", str(new_id()), path)) == 404
        assert re.sub(r"[0-9a-f-]{36}|value=\"[^\"]*\"", "", await shows_nothing()) == there
    for path in (f"/referrals/{referral['referral_id']}/narrative", f"/referrals/{unsure['referral_id']}/candidates"):
        assert (await world.call("dee", "GET", "intake", path)).status_code == 404

    # Typing asks nobody anything; the answer to a name that is there is the answer to one that is not.
    def note(request: Request) -> None:
        asked.append(request.url)

    found = []
    for name in ("Zephyrine Oakhollow", "Nobody Anywhere", number, unsure["reference"]):
        await dee.open("/find")
        field = dee.page.locator("#find")
        assert await field.get_attribute("autocomplete") == "off"
        assert await field.get_attribute("list") is None
        dee.page.on("request", note)
        await field.press_sequentially(name, delay=5)
        dee.page.remove_listener("request", note)
        await field.press("Enter")
        await dee.page.locator("main").get_by_text("Nothing found that you may see").wait_for()
        assert "?" not in dee.page.url, "what is typed stands in no address"
        shown = await dee.page.inner_text("main")
        found.append(shown.replace(name, ""))
        assert await dee.page.locator("#q").input_value() == name
    assert asked == []
    assert len(set(found)) == 1, "no count, no hint, no other sentence"

    # The same search, by somebody who may: the control.
    ana = await site.window("ana")
    await ana.open("/find")
    await ana.page.locator("#find").fill("zefyrine oakholow")
    await ana.page.locator("#find").press("Enter")
    await ana.page.get_by_role("link", name="Zephyrine Oakhollow").wait_for()
    assert "?" not in ana.page.url
    assert "oakh" not in ana.page.url.lower()
