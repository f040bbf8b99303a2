"""Flags, rules and outreach in the console, without a script: what is typed reaches its owner, and is shown again."""

import csv
import io
import re
from collections.abc import Mapping

import pytest

from services.intake.trials import Trials
from tests.journeys.world import World
from tests.support.console import Browser, browser
from tests.support.eventually import eventually
from tests.support.flags import TRIED, flagged, propose, storm

_DONE = "These rules would have made"
_CHOSEN = re.compile(r'name="pick" value="([^"]+)"')


async def test_a_flag_is_raised_cleared_with_a_reason_and_reopened(world: World) -> None:
    (number,) = await world.students("NORTH", 1)
    async with browser(world, "ana") as ana:
        empty = await ana.send("/flags/raise", "/flags/raise", {"student_number": ""})
        assert (empty.status_code, "Choose what you noticed" in empty.text) == (422, True)
        typed = {"student_number": number, "reason": "ABSENCE", "severity": "2", "course": "BIO101", "comment": "Away."}
        assert (await ana.send("/flags/raise", "/flags/raise", typed)).status_code == 303

        page = (await ana.get("/flags?state=open")).text
        chosen = _CHOSEN.findall(page)
        assert "Absences" in page
        await ana.send("/flags", "/flags/clear", {"pick": chosen[0], "reason": "excused"})
        assert "It was excused" in (await ana.get("/flags?state=cleared")).text
        await ana.send("/flags", f"/flags/{chosen[0]}/reopen")
        assert chosen[0] in (await ana.get("/flags?state=open")).text
        without = await ana.send("/flags", "/flags/clear", {"reason": "excused"})
        assert without.status_code == 303


async def test_flags_leave_as_a_file_of_what_is_shown(world: World) -> None:
    await flagged(world, 2, each=1)
    async with browser(world, "ana") as ana:
        rows = list(csv.DictReader(io.StringIO((await ana.get("/flags?course=BIO101&as=csv")).text.lstrip("\ufeff"))))
        courses = (await ana.get("/flags/courses?as=csv")).text
    assert len(rows) >= 2
    assert {row["Course"] for row in rows} == {"BIO101"}
    assert "BIO101" in courses


async def test_a_draft_is_changed_tried_and_proposed_and_another_agrees(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await flagged(world, 3, each=2)
    async with browser(world, "ada") as ada, browser(world, "ida") as ida:
        draft = (await ada.get("/rules/draft")).text
        fields = dict(re.findall(r'name="([a-z_]+(?:-\d+)?)"[^>]* value="([^"]*)"', draft)) | dict(
            re.findall(r'<select[^>]* name="([a-z_]+-\d+)".*?<option value="([^"]*)" selected', draft)
        )
        fields |= {"flags-1": "2", "days-1": "14", "since": "2026-08-01", "until": "2026-10-01", "begins": "2026-09-14"}
        assert "instead of" in await _tried(ada, fields | {"do": "try"})

        # One that takes longer shows how far it is, and looks again by itself, with or without a script.
        with monkeypatch.context() as busy:
            busy.setattr(Trials, "look", _busy)
            slow = await ada.send("/rules/draft", "/rules/draft", fields | {"do": "try"})
            assert slow.status_code == 303
            here = slow.headers["Location"]
            page = (await ada.get(here)).text
            assert "0 flags looked at so far" in page
            assert 'http-equiv="refresh"' in page
            assert 'hx-trigger="every 2s"' in page
            assert 'value="14"' in page
        await _until_done(ada, here)
        assert "hx-trigger" not in (await ada.get(here)).text

        wrong = await ada.send("/rules/draft", "/rules/draft", fields | {"do": "try", "courses-1": "9"})
        assert (wrong.status_code, "There cannot be more courses than flags" in wrong.text) == (422, True)
        more = await ada.send("/rules/draft", "/rules/draft", fields | {"do": "add"})
        assert 'name="name-2"' in more.text
        less = await ada.send("/rules/draft", "/rules/draft", fields | {"do": "remove-1"})
        assert 'name="name-1"' not in less.text

        assert (await ada.send("/rules/draft", "/rules/draft", fields | {"do": "propose"})).status_code == 303
        waits = (await ada.get("/rules")).text
        proposal = re.search(r'action="(/rules/proposals/[0-9a-f-]+)"', waits)
        assert proposal is not None
        assert "You proposed this" in waits
        assert "two flags or more" in waits
        await ada.send("/rules", proposal[1], {"do": "approve"})
        assert "Waiting for a second person" in (await ada.get("/rules")).text
        await ida.send("/rules", proposal[1], {"do": "approve"})
        assert "Waiting for a second person" not in (await ida.get("/rules")).text


async def test_a_proposal_is_tried_by_whoever_is_to_agree_and_refused(world: World) -> None:
    proposal = await propose(world, TRIED)
    async with browser(world, "ida") as ida:
        looked = await ida.get(f"/rules/proposals/{proposal}")
        assert _DONE in (await _until_done(ida, looked.headers["Location"]) if looked.is_redirect else looked.text)
        await ida.send("/rules", f"/rules/proposals/{proposal}", {"do": "reject", "reason": "too_many"})
        gone = await ida.get(f"/rules/proposals/{proposal}")
        assert gone.status_code == 303
    said = await world.get("ida", "program", "/proposals?state=rejected")
    assert [(each["proposal_id"], each["reason_code"]) for each in said["items"]] == [(proposal, "too_many")]


async def test_a_list_is_written_to_and_its_students_have_outcomes(world: World) -> None:
    here = f"/outreach/{await storm(world)}"
    async with browser(world, "ana") as ana:
        chosen = _CHOSEN.findall((await ana.get(here)).text)
        assert len(chosen) == 3
        await ana.send(here, here, {"pick": chosen, "do": "write", "template": "check_in", "language": "es"})
        await ana.send(here, here, {"pick": chosen[:1], "do": "end", "outcome": "student_responded"})
        await ana.send(here, here, {"pick": chosen[1:2], "do": "end", "outcome": "unable_to_reach"})
        nothing = await ana.send(here, here, {"do": "end", "outcome": "student_responded"})
        assert nothing.status_code == 303
        page = (await ana.get(here)).text
        assert "Student responded" in page
        assert "Is a referral now" in page
        rows = list(csv.DictReader(io.StringIO((await ana.get(f"{here}?as=csv")).text.lstrip("\ufeff"))))
    assert sorted(row["State"] for row in rows) == ["ended", "referred", "waiting"]
    assert all(row["Written to"] for row in rows)


async def test_who_only_looks_changes_no_rule(world: World) -> None:
    async with browser(world, "sam") as sam:
        page = (await sam.get("/rules")).text
        assert "In force" in page
        assert "Change them and try" not in page
        refused = await sam.get("/outreach")
        assert refused.status_code == 200


async def _busy(_trials: Trials) -> bool:
    return False


async def _tried(person: Browser, fields: Mapping[str, str]) -> str:
    """Try a draft; return the page with what it would have made, at once or when the trial is done."""
    answer = await person.send("/rules/draft", "/rules/draft", dict(fields))
    if answer.status_code == 200:
        return answer.text
    assert answer.status_code == 303, answer.text
    return await _until_done(person, answer.headers["Location"])


async def _until_done(person: Browser, here: str) -> str:
    async def shown() -> str | None:
        page = (await person.get(here)).text
        return page if _DONE in page else None

    return str(await eventually(shown))
