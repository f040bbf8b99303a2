"""Invented people that the pictures show. Every number stands for one student of the North Campus."""

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
