"""The Title IX wall, through the HTTP of every service that holds something of the matter."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from shared.ids import new_id
from tests.journeys.world import World
from tests.support.eventually import eventually

ACCUSED, COMPLAINANT = "Marcus Vane", "Lena Ostrow"
NARRATIVE = (
    f"{COMPLAINANT} told me that {ACCUSED} raped her at a party on Friday. "
    "She says she is going to kill herself tonight. "
    f"{ACCUSED} sits two rows behind her in my class."
)
WORDS = ("Vane", "Ostrow", "raped", "party", "two rows", "misconduct_sex", "sexual_misconduct")

# Whoever has no business behind the wall, whatever their office; `dot` is director of the whole system.
OUTSIDERS = ("dee", "dot", "ada", "sam", "ana", "ben", "bea", "fay", "stu", "nobody-known")
NEWCOMER = {
    "staff_id": "dot", "name": "Dot Director", "email": "dot@staff.example.edu", "campus": "NORTH",
    "roles": [{"name": name, "campus": "*"} for name in ("director", "administrator", "privacy_officer", "supervisor")],
}  # fmt: skip


@dataclass(frozen=True)
class Matter:
    """The referral, the case opened on it, and the two pages it caused."""

    referral: dict[str, Any]
    case_id: str
    pages: dict[str, str]
    student_id: str

    @property
    def ids(self) -> tuple[str, ...]:
        return (self.referral["referral_id"], self.referral["reference"], self.case_id, self.student_id)


@pytest.fixture(scope="module")
async def matter(world: World) -> Matter:
    await world.post("ada", "program", "/program:apply", {"document": {"staff": [NEWCOMER]}, "dry_run": False})
    await world.quiet()  # every service knows the program
    (sis_id,) = await world.students("NORTH", 1)
    referral = await world.refer("fay", NARRATIVE, about={"student_id": sis_id}, concerns=["sexual_misconduct"])
    path = f"/referrals/{referral['referral_id']}"
    seen = await world.get("tia", "intake", path)
    assert seen["sensitivity"] == "titleix"
    pages = {
        "titleix": (await world.page_of("tia", referral, "titleix"))["page_id"],
        "danger": (await world.page_of("uma", referral, "danger"))["page_id"],
    }
    if seen["state"] != "triaged":
        await world.post("tia", "intake", f"{path}/triage", {"decision": "open_case", "reason_code": "named_concern"})
    case = await world.case_of("tia", referral)
    return Matter(referral, case["case_id"], pages, str(seen["student_id"]))


Asked = tuple[str, str, str, dict[str, Any] | None]


def paths(referral: str, case: str, page: str) -> list[Asked]:
    """Everything that can be asked of one matter: service, method, path, body."""
    contact = {"mode": "phone", "direction": "out", "outcome_code": "reached", "with": "student"}
    return [
        ("intake", "GET", f"/referrals/{referral}", None),
        ("intake", "GET", f"/referrals/{referral}/narrative", None),
        ("intake", "POST", f"/referrals/{referral}/triage", {"decision": "spam", "reason_code": "x"}),
        ("intake", "POST", f"/referrals/{referral}/match", {"student_id": str(new_id())}),
        ("cases", "GET", f"/cases/{case}", None),
        ("cases", "POST", f"/cases/{case}/accept", {}),
        ("cases", "POST", f"/cases/{case}/decline", {"reason_code": "conflict"}),
        ("cases", "POST", f"/cases/{case}/reassign", {"staff_id": "ana", "reason_code": "capacity"}),
        ("cases", "POST", f"/cases/{case}/contacts", contact),
        ("notifications", "GET", f"/pages/{page}", None),
        ("notifications", "GET", f"/pages/{page}/why", None),
        ("notifications", "POST", f"/pages/{page}/accept", {}),
        ("notifications", "POST", f"/pages/{page}/decline", {"reason_code": "off_duty"}),
    ]


async def ask(world: World, person: str, asked: Asked) -> httpx.Response:
    service, method, path, body = asked
    more = {} if body is None else {"json": body}
    return await world.call(person, method, service, path, **more)


def told(answer: httpx.Response) -> tuple[int, str]:
    """Return what an answer says, without the id of the request."""
    body = answer.json()
    body.pop("request_id", None)
    return answer.status_code, str(body)


async def test_a_title_ix_wall_holds_against_a_director_and_reveals_no_party(world: World, matter: Matter) -> None:
    there = paths(matter.referral["referral_id"], matter.case_id, matter.pages["titleix"])
    nowhere = paths(str(new_id()), str(new_id()), str(new_id()))
    for person in OUTSIDERS:
        for asked, unknown in zip(there, nowhere, strict=True):
            answer = await ask(world, person, asked)
            assert answer.status_code == 404, (person, asked, answer.text)
            # What is walled and what never was read the same, to the letter.
            assert told(answer) == told(await ask(world, person, unknown)), (person, asked)
            for word in (*WORDS, *matter.ids):
                assert word not in answer.text, (person, asked, word)


async def test_every_question_above_is_a_valid_one(world: World, matter: Matter) -> None:
    """The control: the coordinator is let in, so the refusals were about who asked and not about how."""
    there = paths(matter.referral["referral_id"], matter.case_id, matter.pages["titleix"])
    for asked in there:
        if asked[1] == "GET":
            answer = await ask(world, "tia", asked)
            assert answer.is_success, (asked, answer.text)
    narrative = await world.get("tia", "intake", f"/referrals/{matter.referral['referral_id']}/narrative")
    assert ACCUSED in str(narrative)
    for asked in there:
        if asked[1] == "POST":
            assert (await ask(world, "dee", asked)).status_code == 404, asked


async def test_no_listing_count_or_figure_gives_the_matter_away(world: World, matter: Matter) -> None:
    listings = [
        ("intake", "/referrals?campus=NORTH"),
        ("cases", "/cases"),
        ("cases", "/combinations"),
        ("notifications", "/pages"),
        ("notifications", "/late-reviews"),
    ]
    for person in OUTSIDERS:
        for service, path in listings:
            answer = await world.call(person, "GET", service, path)
            assert answer.status_code in (200, 403), (person, path, answer.text)
            # The page about the danger is no part of the matter behind the wall, and names the referral it is about.
            hidden = (matter.student_id, matter.pages["titleix"]) if path == "/pages" else matter.ids
            for word in (*WORDS, *hidden):
                assert word not in answer.text, (person, path, word)
    figures = await world.call("dee", "GET", "analytics", "/figures?campus=NORTH")
    assert figures.is_success
    assert "misconduct" not in figures.text


async def test_the_responder_learns_of_the_danger_and_of_no_party(world: World, matter: Matter) -> None:
    path = f"/referrals/{matter.referral['referral_id']}"
    await world.post("uma", "notifications", f"/pages/{matter.pages['danger']}/accept", {})

    async def opened(service: str, where: str) -> httpx.Response:
        async def ask() -> httpx.Response | None:
            answer = await world.call("uma", "GET", service, where)
            return answer if answer.is_success else None

        found: httpx.Response = await eventually(ask)
        return found

    narrative = await opened("intake", f"{path}/narrative")
    assert "kill herself tonight" in narrative.text
    await opened("cases", f"/cases/{matter.case_id}")
    # Also once everybody knows that the responder is on the case's team for a while.
    await world.quiet()
    later = [await opened("intake", path + part) for part in ("", "/narrative")]
    for answer in (narrative, *later, await opened("cases", f"/cases/{matter.case_id}")):
        for word in ("Vane", "raped", "two rows", "misconduct"):
            assert word not in answer.text, (word, answer.url)


async def test_the_mail_about_it_names_nobody_and_nothing(world: World, matter: Matter) -> None:
    reference = matter.referral["reference"]
    mails = [await world.mail_to(person, reference) for person in ("tia", "uma")]
    for mail in mails:
        for word in (*WORDS, "kill", matter.student_id, "Title IX complaint"):
            assert word not in mail.as_string(), word
