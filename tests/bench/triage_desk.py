"""The triage desk with 5,000 waiting: how long its owner and its page take, one after another, as a triager works."""

import time
from typing import Any

from deploy.local.stack import Stack
from tests.bench import sample
from tests.bench.client import Client
from tests.bench.figures import Figure, figure, percentile, say
from tests.bench.installation import installed

WAITING, ASKED, GOAL_MS = 5_000, 200, 150
_TRIAGER = "desk"
_BATCH = 500
_CONCERNS = ("mood", "finances", "housing", "grades", "family")


async def measure(stack: Stack) -> list[Figure]:
    """Bring in 5,000 referrals that a person must decide, and look at the desk again and again."""
    async with installed(stack, "desk", ("program", "intake")) as installation:
        await installation.apply(_program())
        for first in range(0, WAITING, _BATCH):
            await installation.bring_in("/referrals/imports?source=bench", _file(first))
        await installation.analyze("intake")
        headers, here = installation.headers(_TRIAGER), f"/desk?campus={sample.campus(0)}"
        async with installation.client("intake") as client:
            _, shown = await client.get_json(here, headers)
            assert shown["waiting"] == WAITING, shown["waiting"]
            parts = {
                "first part": here,
                "next part": f"{here}&after={shown['after']}",
                "one concern": f"{here}&concern=housing",
                "with danger": f"{here}&screening=danger",
            }
            waits = {
                name: [await _timed(client, path, headers) for _ in range(ASKED // len(parts))]
                for name, path in parts.items()
            }
    for name, each in waits.items():
        say(f"triage_desk: {name}: p50 {percentile(each, 0.5):.0f} ms, p95 {percentile(each, 0.95):.0f} ms")
    slowest = percentile([wait for each in waits.values() for wait in each], 0.95)
    return [figure("triage_desk p95", slowest, "ms", goal=f"< {GOAL_MS}", ok=slowest < GOAL_MS)]


def _program() -> dict[str, Any]:
    program = sample.program(2, managers=1)
    program["staff"].append(sample.staff(_TRIAGER, sample.campus(0), "triager"))
    program["policies"].append(_NO_RULES)
    return program


_NO_RULES = {
    "campus": "*",
    "name": "triage",
    "editions": [{"edition": "bench", "effective_from": "2026-01-01T00:00:00Z", "values": {"rules": []}}],
}


def _file(first: int) -> bytes:
    rows = ["campus_code,source_event_id,narrative,concerns,happened_at"]
    for number in range(first, first + _BATCH):
        words = "She wants to die." if number % 50 == 0 else f"Has missed {number} sections and looks tired."
        concern = _CONCERNS[number % len(_CONCERNS)]
        rows.append(f"{sample.campus(0)},desk-{number},{words},{concern},2026-11-20T10:00:00Z")
    return "\n".join([*rows, ""]).encode()


async def _timed(client: Client, path: str, headers: dict[str, str]) -> float:
    begun = time.monotonic()
    status, answer = await client.get_json(path, headers)
    assert status == 200, answer
    return 1000 * (time.monotonic() - begun)
