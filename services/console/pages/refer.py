"""Refer someone: for staff and faculty, about a student, a group, a place or oneself; and for a caller on the phone."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.console.forms import Fields, Form
from services.console.owners import Answer
from services.console.visit import Visit, Visiting
from shared.access.actors import EVERYWHERE
from shared.events.codes import Channel, SourceKind, Urgency

router = APIRouter(include_in_schema=False)

ABOUT = {"student": "A student", "unknown": "Somebody, I don’t know who", "group": "Several people", "place": "A place"}
MYSELF = "myself"
URGENCIES = {
    Urgency.EMERGENCY.value: "Now: someone may get hurt",
    Urgency.URGENT.value: "Today",
    Urgency.SOON.value: "In the next few days",
    Urgency.ROUTINE.value: "There is no rush",
}
CONCERNS = {
    "suicide": "Suicide or self-harm",
    "threat": "Threat, violence or a weapon",
    "sexual_misconduct": "Sexual misconduct, stalking or a violent partner",
    "mood": "Low, anxious or overwhelmed",
    "substance": "Alcohol or drugs",
    "physical_health": "Health or eating",
    "bereavement": "A loss, or trouble in the family",
    "finances": "Money, food or housing",
    "missing_work": "Absent or falling behind",
    "roommate": "Trouble between people",
    "other": "Something else",
}
CALLERS = {
    SourceKind.PARENT.value: "Parent or family",
    SourceKind.PEER.value: "Friend or fellow student",
    SourceKind.FACULTY.value: "Faculty",
    SourceKind.STAFF.value: "Staff",
    SourceKind.POLICE.value: "Police",
    SourceKind.SELF.value: "The student",
    SourceKind.OTHER.value: "Somebody else",
}
# Which field a place in what was sent belongs to.
_FIELDS = {
    "/body/narrative": "words",
    "/body/campus": "campus",
    "/body/about/name": "name",
    "/body/about/student_id": "known_as",
    "/body/about/email": "known_as",
    "/body/about/description": "where",
    "/body/caller/email": "caller_email",
    "/body/caller/name": "caller_name",
    "/body/caller/phone": "caller_phone",
}
_LONGEST = {"words": 20_000, "where": 1_000, "name": 200, "known_as": 200, "caller_name": 200, "caller_phone": 50}


@router.get("/refer")
async def show(visit: Visiting, phone: str = "", about: str = "") -> Response:
    """Show the form: for oneself at the desk, or, with `phone`, with somebody on the line."""
    typed = {
        "phone": "1" if phone else "",
        "about": about if about in (*ABOUT, MYSELF) else "",
        "campus": _campus(visit),
    }
    return _form(visit, typed, {})


@router.post("/refer")
async def send(visit: Visiting, form: Form) -> Response:
    """Send it; what cannot be taken, and what nobody took, comes back with everything typed."""
    typed = {name: form.get(name, "") for name in form}
    wrong = _wrong(typed)
    if wrong:
        return _form(visit, typed, wrong, form.all("concerns"))
    answer = await visit.tell("intake", "POST", "/referrals", _body(visit, typed, form), key=form.key)
    if not answer.ok:
        return _form(visit, typed, _told(answer), form.all("concerns"), away=answer.missing)
    reference = answer.need()["reference"]
    said = f"Sent. The reference is {reference}. A person on the care team reads it by the next working day."
    if typed.get("urgency") == Urgency.EMERGENCY.value:
        said = f"Sent, and somebody on duty is told now. The reference is {reference}. Call 911 too, if you have not."
    return visit.go("/refer", said)


def _body(visit: Visit, typed: Mapping[str, str], form: Fields) -> dict[str, Any]:
    about, phone = typed.get("about", ""), bool(typed.get("phone"))
    known_as = typed.get("known_as", "")
    key = "email" if "@" in known_as else "student_id"
    said: dict[str, Any] = {"name": typed.get("name", "") or None, "description": typed.get("where", "") or None}
    if known_as:
        said[key] = known_as
    if about == MYSELF:
        said = {"name": visit.person.name, "email": _address(visit)}
    return {
        "campus": typed.get("campus", ""),
        "about": {name: value for name, value in said.items() if value},
        "regards": about if about in ("group", "place") else "person",
        "narrative": typed["words"],
        "urgency": typed.get("urgency") or Urgency.ROUTINE.value,
        "concerns": [code for code in form.all("concerns") if code in CONCERNS],
        "source_kind": _source(visit, typed),
        "channel": Channel.PHONE.value if phone else Channel.FORM.value,
        "caller": {name: typed.get(f"caller_{name}", "") for name in ("name", "email", "phone")} if phone else {},
        "visibility": "open" if typed.get("share") == "yes" else "shielded",
        "notices": bool(typed.get("notices")) and (not phone or bool(typed.get("caller_email"))),
    }


def _source(visit: Visit, typed: Mapping[str, str]) -> str:
    if typed.get("phone"):
        return typed["caller_kind"] if typed.get("caller_kind") in CALLERS else SourceKind.OTHER.value
    if typed.get("about") == MYSELF:
        return SourceKind.SELF.value
    return SourceKind.STAFF.value if visit.person.is_staff else SourceKind.FACULTY.value


def _address(visit: Visit) -> str:
    known = visit.program.staff.get(visit.person.id)
    return known.email if known else ""


def _wrong(typed: Mapping[str, str]) -> dict[str, str]:
    """Return what has to be answered again, by field, in the order of the page."""
    wrong: dict[str, str] = {}
    if typed.get("about", "") not in (*ABOUT, MYSELF):
        wrong["about"] = "Say whom it is about"
    if not typed.get("words"):
        wrong["words"] = "Write what was seen or heard, in a few words"
    for name, longest in _LONGEST.items():
        if len(typed.get(name, "")) > longest:
            wrong[name] = f"Keep this to {longest:,} characters"
    if not typed.get("campus"):
        wrong["campus"] = "Choose the campus"
    return wrong


def _told(answer: Answer) -> dict[str, str]:
    """Return what intake says against it, at the fields where it belongs."""
    if answer.missing:
        return {}
    told = {_FIELDS.get(each["pointer"], "words"): each["detail"] for each in answer.errors}
    return told or {"words": answer.detail or "This could not be taken in"}


def _campus(visit: Visit) -> str:
    if visit.campus != EVERYWHERE:
        return visit.campus
    known = visit.program.staff.get(visit.person.id)
    return known.campus if known and known.campus != EVERYWHERE else ""


def _form(
    visit: Visit,
    typed: Mapping[str, str],
    wrong: Mapping[str, str],
    concerns: list[str] | None = None,
    *,
    away: bool = False,
) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE if away else HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    campus = visit.program.campuses.get(typed.get("campus", ""))
    rules = visit.program.referral_form(typed.get("campus", ""), visit.now)
    police = f"campus police {campus.police}" if campus and campus.police else ""
    return visit.page(
        "refer.html",
        status,
        live=False,
        typed=typed,
        wrong=wrong,
        chosen=concerns or [],
        away=away,
        phone=bool(typed.get("phone")),
        about=ABOUT if typed.get("phone") else {**ABOUT, MYSELF: "Myself"},
        urgencies=URGENCIES,
        concerns=CONCERNS,
        callers=CALLERS,
        campuses=[
            (code, name) for name, code in sorted((each.name, code) for code, each in visit.program.campuses.items())
        ],
        numbers=", ".join(filter(None, (rules.emergency, rules.crisis, police))),
    )
