"""Invented people that the pictures show. Every number stands for one student of the North Campus."""

from typing import Any

from tests.journeys.world import World

NAMES = {
    "N100001": "Tansy Brightwater",
    "N100002": "Bram Featherly",
    "N100003": "Odalys Fernsby",
    "N100004": "Juniper Vale",
    "N100005": "Teodor Lindmoss",
    "N100006": "Kofi Larkspur",
    "N100007": "Saffron Quince",
    "N100008": "Mei Thistlewood",
    "N100009": "Wren Halloway",
    "N100010": "Dariel Moonfield",
    "N100011": "Nadia Copperfield",
    "N100012": "Idris Pennywhistle",
}


async def bring_in_students(world: World) -> None:
    """Put them all on the roster, with an address each."""
    lines = ["student_id,campus_code,name,email"]
    lines += [
        f"{number},NORTH,{name},{name.lower().replace(' ', '.')}@students.example.edu" for number, name in NAMES.items()
    ]
    answer = await world.upload("ada", "/roster/imports", "\n".join([*lines, ""]))
    assert answer["rejected"] == 0, answer


async def opened(world: World, referral: dict[str, Any]) -> dict[str, Any]:
    """Return the case of a referral. Where another guide has put people before the rules, somebody decides it."""
    here = f"/referrals/{referral['referral_id']}"
    if (await world.get("ana", "intake", here))["state"] == "triage_due":
        decided = {"decision": "open_case", "reason_code": "named_concern", "rating": "moderate"}
        await world.post("ana", "intake", f"{here}/triage", decided)
    return await world.case_of("sam", referral)
