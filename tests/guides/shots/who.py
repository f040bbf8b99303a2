"""Who is meant: the match desk and a student's page."""

from tests.guides.people import opened
from tests.guides.registry import Shot
from tests.journeys.world import World

ROSTER = """student_id,campus_code,name,email,name_in_use,pronouns,level,residence,sections,emergency_contacts
N200001,NORTH,Margaret Wren Halloway,w.halloway@students.example.edu,Wren,she/her,sophomore,Cedar Hall 312,\
2026F:CHEM110/4; 2026F:BIO101/1,Ada Halloway | mother | +1 555 0100
N200002,NORTH,Wrenna Holt,wholt2@students.example.edu,,she/her,first-year,Off campus,2026F:CHEM110/2,
"""
ABOUT = {
    "name": "Wren H.", "residence": "Cedar Hall, third floor", "course": "CHEM 110 with Dr. Osei-Finch",
    "level": "a sophomore", "pronouns": "she",
}  # fmt: skip
WORRY = "She has been crying in the lab and has not eaten for days."


async def _waits(world: World) -> str:
    await world.upload("ada", "/roster/imports", ROSTER)
    await world.refer("stu", WORRY, about={"description": "somebody in my hall"}, source_kind="peer")
    referral = await world.refer("stu", WORRY, about=ABOUT, source_kind="peer")
    return f"/match/{referral['referral_id']}"


async def _student(world: World) -> str:
    await world.upload("ada", "/roster/imports", ROSTER)
    wren, holt = [
        (await world.post("sam", "intake", "/people:find", {"q": number}))["people"][0]["student_id"]
        for number in ("N200001", "N200002")
    ]
    referral = await world.refer("fay", WORRY, about={"student_id": "N200001"}, concerns=["mood"])
    await opened(world, referral)
    merge = {"same_as": wren, "reason_code": "second_account"}
    made = await world.post("sam", "intake", f"/students/{holt}/merges", merge)
    await world.post("sam", "intake", f"/merges/{made['merge_id']}/undo", {"reason_code": "two_people"})
    return f"/students/{wren}"


SHOTS = [
    Shot("match", person="ana", arrange=_waits, height=900),
    Shot("student", person="sam", arrange=_student, height=1000),
]
