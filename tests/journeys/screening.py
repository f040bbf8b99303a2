"""Every operation about screening and the triage desk, asked once by somebody who may."""

from tests.journeys.world import World

WORRY = "He has been crying in class."
BASE = "en-2026-11.2"


async def ask_everything(world: World) -> None:
    """Look at the desk, correct screening, draft two editions, put one in force and take it back."""
    referral = await world.refer("fay", WORRY, source_kind="peer")
    await world.get("ana", "intake", "/desk?campus=NORTH")
    await world.get("ana", "intake", "/desk/news?since=2026-01-01T00:00:00Z")
    here = f"/referrals/{referral['referral_id']}/corrections"
    await world.post("ana", "intake", here, {"verdict": "danger_missed", "level": "elevated"})
    await world.get("ana", "intake", here)

    await world.get("ana", "intake", "/lexicons")
    first, second = [await world.post("ada", "intake", "/lexicons", {"based_on": BASE}) for _ in range(2)]
    path = f"/lexicons/{first['edition']}"
    await world.get("ana", "intake", path)
    changed = await world.post("ada", "intake", f"{path}/words", {"version": 1, "words": {"door": ["door", "gate"]}})
    await world.get("ida", "intake", f"{path}/comparison")
    await world.post("ana", "intake", f"{path}/try", {"text": WORRY})
    await world.post("ida", "intake", f"{path}/activate", {"version": changed["version"]})
    await world.post("ada", "intake", f"{path}/roll-back", {"reason": "Only to see."})
    await world.post("ada", "intake", f"/lexicons/{second['edition']}/discard", {})
