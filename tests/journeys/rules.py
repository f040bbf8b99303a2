"""Every operation on flags, rules and outreach, asked by somebody who may."""

from datetime import timedelta
from typing import Any

from tests.journeys.world import World
from tests.support.flags import TRIED, flagged, propose, storm


async def ask_everything(world: World) -> None:
    """Raise, clear and reopen flags; try, propose, agree on and take back rules; end a list."""
    await _flags(world)
    await _rules(world)
    await _outreach(world)


async def _flags(world: World) -> None:
    body = {"campus": "NORTH", "student_number": "N000000", "reason_code": "ABSENCE", "course": "BIO101"}
    await world.post("fay", "intake", "/flags", body)
    flags = await world.listing("ana", "intake", "/flags?campus=NORTH&state=open")
    await world.get("ana", "intake", "/flags/courses?campus=NORTH")
    one = flags[0]["flag_id"]
    await world.post("ana", "intake", "/flags:clear", {"flag_ids": [one], "reason": "excused"})
    answer = await world.call("ana", "POST", "intake", f"/flags/{one}/reopen")
    assert answer.is_success, answer.text


async def _rules(world: World) -> None:
    await flagged(world)
    since, until = (world.clock.now() - timedelta(days=30)).isoformat(), world.clock.now().isoformat()
    tried: dict[str, Any] = {"campuses": ["NORTH"], "since": since, "until": until, "rules": [TRIED]}
    await world.post("sam", "intake", "/rules:simulate", tried)
    asked = await world.post("sam", "intake", "/rules/trials", tried | {"kept": {"source": "the senate"}})
    await world.get("sam", "intake", f"/rules/trials/{asked['trial_id']}")
    await world.get("sam", "intake", "/rules/firings?campus=NORTH")
    await world.get("sam", "intake", "/rules/tally?campus=NORTH")
    first = await propose(world, TRIED)
    await world.post("ida", "program", f"/proposals/{first}/reject", {"reason_code": "too_many"})
    await world.post("ida", "program", f"/proposals/{await propose(world, TRIED)}/approve", {})
    await world.get("sam", "program", "/proposals?state=approved")
    await world.pass_time(minutes=1)
    back = {"campus": "NORTH", "name": "threshold", "edition": "shipped"}
    await world.post("ada", "program", "/policies:roll-back", back)


async def _outreach(world: World) -> None:
    here = f"/outreach/{await storm(world)}"
    entries = [each["referral_id"] for each in (await world.get("ana", "intake", here))["entries"]]
    await world.get("service:notifications", "intake", f"/outreach/entries/{entries[0]}/contact?campus=NORTH")
    await world.post("ana", "intake", f"{here}/messages", {"entries": entries, "template": "check_in"})
    await world.post("ana", "intake", f"{here}/outcomes", {"entries": entries, "outcome_code": "student_responded"})
