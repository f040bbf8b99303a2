"""Who is who: the match desk, a student, and finding somebody."""

from playwright.async_api import Page

from shared.ids import new_id
from tests.accessibility.registry import State, without
from tests.journeys.world import World

WORRY = "He has been crying in class."
IN_DANGER = "She wrote that she is going to kill herself tonight."
ROSTER = """student_id,campus_code,name,email,name_in_use,pronouns,birth_date,level,residence,sections,\
emergency_contacts,directory_opt_out
{0}1,NORTH,Margaret Wren Halloway,w.halloway{0}@students.example.edu,Wren,she/her,2006-02-03,sophomore,Cedar Hall 312,\
2026F:CHEM110/4/fay,Ada Halloway | mother | +1 555 0100,yes
{0}2,NORTH,Wrenna Holt,wholt{0}@students.example.edu,,she/her,2008-05-09,first-year,Off campus,2026F:CHEM110/2,,
"""
ABOUT = {"name": "Wren H.", "course": "CHEM 110", "residence": "Cedar Hall, third floor", "pronouns": "she"}


async def roster(world: World) -> tuple[str, str]:
    """Put two students with like names on the roster; return our ids of them."""
    batch = new_id().hex[-8:]
    await world.upload("ada", "/roster/imports", ROSTER.format(batch))
    found = [
        (await world.post("sam", "intake", "/people:find", {"q": f"{batch}{n}"}))["people"][0]["student_id"]
        for n in (1, 2)
    ]
    return found[0], found[1]


async def _waits(world: World) -> str:
    await roster(world)
    await world.refer("fay", IN_DANGER)
    referral = await world.refer("stu", WORRY, about=ABOUT)
    await world.post("ana", "intake", f"/referrals/{referral['referral_id']}/match:leave", {"reason_code": "need_more"})
    return f"/match/{referral['referral_id']}"


async def _nobody_fits(world: World) -> str:
    referral = await world.refer("fay", WORRY, about={"name": "Zzyzx Qwortlebury"})
    return f"/match/{referral['referral_id']}"


async def _matched(world: World) -> str:
    one, _ = await roster(world)
    referral = await world.refer("fay", WORRY, about=ABOUT)
    await world.post("ana", "intake", f"/referrals/{referral['referral_id']}/match", {"student_id": one})
    return f"/match/{referral['referral_id']}"


async def _somebody_was_faster(page: Page) -> None:
    """Send the form of a referral that a person has matched since it was opened."""
    world = page_world[0]
    one, _ = await roster(world)
    await world.post("sam", "intake", f"{page.url[page.url.index('/match/') :].replace('/match', '/referrals')}/match",
                     {"student_id": one})  # fmt: skip
    await page.check("input[name=who] >> nth=0")
    await page.click("button:has-text('Save and next')")


page_world: list[World] = []


async def _waits_for_two(world: World) -> str:
    page_world[:] = [world]
    return await _waits(world)


async def _student(world: World) -> str:
    one, _ = await roster(world)
    for narrative in (WORRY, "She sleeps in her car."):
        referral = await world.refer("fay", narrative)
        path = f"/referrals/{referral['referral_id']}"
        await world.post("ana", "intake", f"{path}/match", {"student_id": one})
    return f"/students/{one}"


async def _merged(world: World) -> str:
    one, other = await roster(world)
    made = {"same_as": one, "reason_code": "second_account"}
    await world.post("sam", "intake", f"/students/{other}/merges", made)
    return f"/students/{other}"


async def _nobody(_: World) -> str:
    return f"/students/{new_id()}"


async def _emergency(page: Page) -> None:
    await page.click("text=Show emergency contacts")


async def _missing_without_reason(page: Page) -> None:
    await page.click("text=If they are missing")
    await page.click("text=Show whom they named")


async def _same(page: Page) -> None:
    await page.click("text=This record is somebody else’s too")
    await page.fill("#same-q", "Wrenna Holt")
    await page.click("form[action$='/same'] button")


async def _look(page: Page) -> None:
    await page.fill("#q", "Wren Halloway")
    await page.click("main button:has-text('Find')")


async def _look_for_nobody(page: Page) -> None:
    await page.fill("#q", "Zzyzx Qwortlebury")
    await page.click("main button:has-text('Find')")


async def _looking(world: World) -> str:
    await roster(world)
    referral = await world.refer("fay", WORRY, about=ABOUT)
    return f"/find?for={referral['referral_id']}"


async def _known(world: World) -> None:
    await roster(world)


STATES = [
    State("match: nothing waits", "/match", "stu", first=True, says="Nobody has to be found"),
    State("match: two fit, one left open", arrange=_waits, person="ana", says="Wren Halloway"),
    State("match: no one fits", arrange=_nobody_fits, person="ana", says="No one fits"),
    State("match: nothing chosen", arrange=_waits, person="ana", says="Choose who it is",
          act=lambda page: page.click("button:has-text('Save and next')")),
    State("match: somebody was faster", arrange=_waits_for_two, person="ana", act=_somebody_was_faster,
          says="This is how it stands now"),
    State("match: taken back without a reason", arrange=_matched, person="ana", says="Choose why it is not them",
          act=lambda page: page.click("text=Take it back")),
    State("match: owner away", "/match", "ana", around=without("intake"), says="Intake does not answer"),
    State("student: with referrals", arrange=_student, person="ana", says="opted out of the directory"),
    State("student: merged", arrange=_merged, person="sam", says="Undo: they are two people"),
    State("student: emergency contacts", arrange=_student, person="ana", act=_emergency, says="Ada Halloway"),
    State("student: missing person without a reason", arrange=_student, person="sam", act=_missing_without_reason,
          says="Choose why you look at it"),
    State("student: the same as whom", arrange=_student, person="sam", act=_same, says="They are one person"),
    State("student: not there, or not theirs", arrange=_nobody, person="dee", status=404),
    State("find: nothing typed yet", "/find", "ana", says="A student, a case or a referral"),
    State("find: some", "/find", "ana", arrange=_known, act=_look, says="Wren Halloway"),
    State("find: nobody", "/find", "ana", act=_look_for_nobody, says="Nothing found that you may see"),
    State("find: for a referral", arrange=_looking, person="ana", act=_look, says="It is Wren Halloway"),
    State("find: not by name", "/find", "dee", says="don’t look students up by name"),
    State("find: intake away", "/find", "ana", around=without("intake"), act=_look, says="can’t be looked up"),
]  # fmt: skip
