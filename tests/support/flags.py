"""Flags, rules and storms in a world, for whoever looks at them afterwards."""

from datetime import timedelta
from typing import Any

from tests.journeys.world import World
from tests.support.eventually import eventually

TRIED = {"name": "threshold", "family": "academic", "level": "mild", "flags": 2, "days": 21.0}


async def flagged(world: World, students: int = 3, *, reason: str = "LATE_WORK", each: int = 3) -> list[str]:
    """Let new students of NORTH have flags over two courses in the last days; return their numbers."""
    numbers = await world.students("NORTH", students)
    head = "alert_id,campus_code,student_id,term_code,course_code,section,reason_code,severity,comment,raised_at"
    rows = [
        f"{number}-{turn},NORTH,{number},2026F,{('BIO101', 'MAT110')[turn % 2]},1,{reason},{1 + turn % 3},Not there.,"
        f"{(world.clock.now() - timedelta(days=3 - turn, minutes=turn)).isoformat()}"
        for number in numbers
        for turn in range(each)
    ]
    await world.upload("ada", "/flags/imports?source=lms", "\n".join([head, *rows, ""]))
    return numbers


async def propose(world: World, *rules: dict[str, Any], by: str = "ada", edition: str = "") -> str:
    """Let somebody propose rules for NORTH from now on; return the proposal."""
    found = (await world.get(by, "program", "/program?kind=policy"))["policies"]
    own = next((each for each in found if (each["campus"], each["name"]) == ("NORTH", "threshold")), None)
    editions = [dict(each) for each in own["editions"]] if own else []
    await world.pass_time(minutes=1)
    now = world.clock.now().isoformat()
    new = {"edition": edition or f"e-{len(editions) + 1}", "effective_from": now, "values": {"rules": list(rules)}}
    policies = [{"campus": "NORTH", "name": "threshold", "editions": [*editions, new]}]
    answer = await world.post(by, "program", "/program:apply", {"document": {"policies": policies}})
    return str(answer["changes"][0]["proposal_id"])


async def storm(world: World) -> str:
    """Let rules find more than NORTH can take; return the list that comes of it."""
    await world.pass_time(minutes=1)
    now = world.clock.now().isoformat()
    few = {"edition": f"few-{now}"[:60].replace(":", ".").replace("+", "."), "effective_from": now,
           "values": {"referrals_per_week": 0}}  # fmt: skip
    found = (await world.get("ada", "program", "/program?kind=policy"))["policies"]
    own = next((each for each in found if (each["campus"], each["name"]) == ("NORTH", "capacity")), None)
    editions = [dict(each) for each in own["editions"]] if own else []
    capacity = {"campus": "NORTH", "name": "capacity", "editions": [*editions, few]}
    await world.post("ada", "program", "/program:apply", {"document": {"policies": [capacity]}})
    await _known(world)
    await flagged(world, 3)
    lists = await world.listing("ana", "intake", "/outreach?campus=NORTH&open=true")
    return str(lists[-1]["list_id"])


async def _known(world: World) -> None:
    async def so() -> bool:
        body = {"campuses": ["NORTH"], "since": "2026-09-01T00:00:00Z", "until": "2026-09-02T00:00:00Z"}
        said = await world.post("sam", "intake", "/rules:simulate", body)
        return bool(said["capacities"][0]["referrals_per_week"] == 0)

    await eventually(so)
