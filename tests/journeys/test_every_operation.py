"""Every operation of every service answers, and none of them falls over whatever it is sent."""

import asyncio
import os
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.access.tokens import mint
from shared.ids import new_id
from shared.settings import OWNERS
from tests.journeys import every_feed, referring, rules, screening, who
from tests.journeys.world import World
from tests.support.eventually import eventually
from tests.support.listening import listening

IN_DANGER = "She wrote that she is going to kill herself tonight."
WORRY = "He has been crying in class."
OLD_REFERRALS = """campus_code,source_event_id,narrative,happened_at
NORTH,old-1,She wrote that she is going to kill herself tonight.,2026-03-01T10:00:00Z
NORTH,old-2,Came late.,not a date
"""
FLAG = """alert_id,campus_code,student_id,term_code,course_code,section,reason_code,severity,comment,raised_at
A-1,NORTH,N000000,2026F,BIO101,1,LATE_WORK,1,late,2026-09-01T10:00:00Z
"""
_LETTER = text(
    """
    INSERT INTO dead_letters (id, consumer, topic, partition, log_offset, key, headers, payload, event_type, event_id,
                              error_class, error_place, attempts, state, recorded_at)
    VALUES (:id, 'nobody', 'none', 0, :offset, 'k', '[]', 'x', 'unknown', '', 'ValueError', '', 3, 'dead', :at)
    """
)
HOW_MANY = "8"
# The same code in every service: one of them stands for all.
SHARED_BY_ALL = "/(health|status|dead-letters)"


async def test_every_operation_answers_somebody_who_may_ask(world: World) -> None:
    await _operators_look(world)
    taken, left = await _referrals(world)
    await _pages(world, taken, left)
    await _cases(world)
    await who.ask_everything(world)
    await every_feed.ask_everything(world)
    await rules.ask_everything(world)
    await referring.ask_everything(world)
    await screening.ask_everything(world)
    for path in ("/figures?campus=NORTH", "/figures/caseloads?campus=NORTH"):
        await world.get("dee", "analytics", path)

    unanswered = [
        f"{service} {method.upper()} {path}"
        for service in OWNERS
        for path, operations in world.services[service].api.openapi()["paths"].items()
        for method in operations
        if not _answered(world, service, method, path)
    ]
    assert unanswered == []


def _answered(world: World, service: str, method: str, template: str) -> bool:
    pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)) + r"(\?.*)?")
    return any(at == service and how == method.upper() and pattern.fullmatch(path) for at, how, path in world.answered)


async def _operators_look(world: World) -> None:
    await world.get("ada", "program", "/program")
    for service in OWNERS:
        first, second = await _two_dead_letters(world, service)
        for path in ("/health/live", "/health/ready", "/status", "/dead-letters", f"/dead-letters/{first}"):
            await world.get("ada", service, path)
        await world.post("ada", service, "/dead-letters:retry", {"ids": [first]})
        await world.post("ada", service, "/dead-letters:discard", {"ids": [second], "reason": "test"})


async def _two_dead_letters(world: World, service: str) -> tuple[str, str]:
    ids = str(new_id()), str(new_id())
    engine = create_async_engine(world.settings.database_url(service, "worker"), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text("SELECT set_config('caselight.actor', 'test', true)"))
        for offset, id_ in enumerate(ids):
            await connection.execute(_LETTER, {"id": id_, "offset": offset, "at": world.clock.now()})
    await engine.dispose()
    return ids


async def _referrals(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    await world.import_students("NORTH", ["N000000"])
    await world.upload("ada", "/flags/imports?source=lms", FLAG)
    late = await world.upload("ada", "/referrals/imports?source=old", OLD_REFERRALS)
    await world.get("ada", "intake", f"/imports/{late['import_id']}/rejects")
    student = (await world.get("ana", "intake", "/flags?campus=NORTH"))["items"][0]["student_id"]
    await world.post("ana", "intake", "/people:resolve", {"student_ids": [student]})
    taken, left, plain = [await world.refer("fay", words) for words in (IN_DANGER, IN_DANGER, WORRY)]
    await world.get("ana", "intake", "/referrals?campus=NORTH")
    for path in ("", "/narrative"):
        await world.get("ana", "intake", f"/referrals/{plain['referral_id']}{path}")
    decided = {"decision": "open_case", "reason_code": "named_concern"}
    await world.post("ana", "intake", f"/referrals/{plain['referral_id']}/triage", decided)
    await world.post("ana", "intake", f"/referrals/{plain['referral_id']}/match", {"student_id": student})
    return taken, left


async def _pages(world: World, taken: dict[str, Any], left: dict[str, Any]) -> None:
    page = await world.page_of("uma", taken)
    for path in ("", "/why"):
        await world.get("uma", "notifications", f"/pages/{page['page_id']}{path}")
    await world.post("uma", "notifications", f"/pages/{page['page_id']}/accept", {})
    await world.post("uma", "notifications", f"/pages/{page['page_id']}/outcome", {"outcome_code": "no_answer"})
    other = await world.page_of("uma", left)
    await world.post("uma", "notifications", f"/pages/{other['page_id']}/decline", {"reason_code": "off_duty"})

    async def reviews() -> list[dict[str, Any]]:
        return await world.listing("uma", "notifications", "/late-reviews")

    review = (await eventually(reviews))[0]
    await world.post(
        "uma", "notifications", f"/late-reviews/{review['review_id']}/finish", {"outcome_code": "followed_up"}
    )


async def _cases(world: World) -> None:
    (student,) = await world.students("NORTH", 1)
    about: dict[str, Any] = {"about": {"student_id": student}, "concerns": ["mood"]}
    case = await world.case_of("sam", await world.refer("fay", WORRY, **about))
    here = f"/cases/{case['case_id']}"
    found = await world.get("sam", "cases", here)
    owner = found["owner_id"]
    await world.post(owner, "cases", f"{here}/decline", {"reason_code": "capacity"})
    await world.post("sam", "cases", f"{here}/reassign", {"staff_id": owner, "reason_code": "capacity"})
    again = {"cases": [{"case_id": case["case_id"]}], "staff_id": owner, "reason_code": "capacity"}
    await world.post("sam", "cases", "/cases:reassign", again)
    await world.post(owner, "cases", f"{here}/accept", {})
    await world.post(owner, "cases", f"{here}/contacts", {"mode": "phone", "outcome_code": "reached"})
    await _notes(world, owner, here)
    review = (world.clock.now() + timedelta(days=7)).isoformat()
    await world.post(owner, "cases", f"{here}/hold", {"reason_code": "leave", "review_at": review})
    await world.post(owner, "cases", f"{here}/resume", {})
    await world.get(owner, "cases", f"{here}/closing")
    ending = {"close_code": "resolved", "contact_outcome": "reached", "level": "mild", "student_told": True}
    await world.post(owner, "cases", f"{here}/close", ending)
    await world.post(owner, "cases", f"{here}/reopen", {"reason_code": "student_back"})

    unknown = await world.refer("fay", WORRY, concerns=["mood"])
    decided = {"decision": "open_case", "reason_code": "named_concern"}
    await world.post("ana", "intake", f"/referrals/{unknown['referral_id']}/triage", decided)
    await world.case_of("sam", unknown)
    match = {"student_id": found["student_id"]}
    await world.post("ana", "intake", f"/referrals/{unknown['referral_id']}/match", match)

    async def questions() -> list[dict[str, Any]]:
        return await world.listing("sam", "cases", "/combinations")

    question = (await eventually(questions))[0]["combination_id"]
    await world.post("sam", "cases", f"/combinations/{question}", {"decision": "combine", "reason": "same_student"})


async def _notes(world: World, owner: str, here: str) -> None:
    note = await world.post(owner, "cases", f"{here}/notes", {"kind": "progress", "text": "Spoke on the telephone."})
    there = f"{here}/notes/{note['note_id']}"
    assert (await world.call(owner, "PUT", "cases", there, json={"text": "Spoke.", "sign": True})).is_success
    await world.post(owner, "cases", f"{there}/amend", {"text": "Spoke at noon.", "reason_code": "addition"})
    draft = await world.post(owner, "cases", f"{here}/notes", {"kind": "plan", "text": "Ask again."})
    assert (await world.call(owner, "DELETE", "cases", f"{here}/notes/{draft['note_id']}")).is_success
    await world.get(owner, "cases", f"{here}/notes")


@pytest.mark.no_cover  # thousands of made-up requests; the test above takes the ways through that count
@pytest.mark.parametrize("service", OWNERS)
async def test_no_operation_falls_over_whatever_it_is_sent(world: World, service: str, tmp_path: Path) -> None:
    """Schemathesis, signed in, a bounded number of made-up requests for every operation: none answers 5xx."""
    skipped = "/health/ready" if service == "program" else SHARED_BY_ALL
    async with listening(world.services[service].api) as port:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).parent / "schemathesis", "--no-color",
            "run", f"http://127.0.0.1:{port}/openapi.json",
            "--header", f"Authorization: Bearer {mint(world.settings, 'ada', now=world.clock.now())}",
            "--checks", "not_a_server_error,response_schema_conformance,content_type_conformance",
            "--phases", "examples,fuzzing", "--max-examples", HOW_MANY, "--seed", "7",
            "--exclude-path-regex", skipped, "--request-timeout", "30", "--suppress-health-check", "all",
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        )  # fmt: skip
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-6000:]
