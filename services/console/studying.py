"""A student's page in words: what the roster says, what is about them, who said that records are one person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.matching import LEVELS
from services.console.owners import Answer
from services.console.people import Names
from services.console.visit import Visit
from shared.access.actions import Action
from shared.access.actors import EVERYWHERE
from shared.access.rules import rule_for
from shared.web.ui.times import calendar_day

WHY_MISSING = (
    ("missing_person_report", "The student is reported missing"),
    ("police_request", "The police ask in a missing-person investigation"),
    ("welfare_check", "A welfare check found nobody"),
    ("keeping_up_to_date", "Keeping the list up to date with the student"),
)
WHY_SAME = (
    ("second_account", "A second account of one person"),
    ("name_change", "The name was changed"),
    ("campus_transfer", "They came from another campus"),
    ("records_office", "The records office said so"),
    ("same_person", "I know them both, and they are one"),
    ("other", "Another reason"),
)
WHY_TWO = (
    ("two_people", "They are two people"),
    ("wrong_student", "It was the wrong record"),
    ("records_office", "The records office said so"),
    ("other", "Another reason"),
)
KINDS = (
    ("alias", "Another name"),
    ("former", "A former name"),
    ("email", "A former e-mail"),
    ("number", "A former ID"),
)
KIND_WORDS = {
    "name": "name on the roster", "in_use": "name in use", "alias": "another name", "former": "a former name",
    "email": "a former e-mail", "number": "a former ID",
}  # fmt: skip
_SAID_SAME, _SAID_TWO = dict(WHY_SAME), dict(WHY_TWO)
_MAY = {
    "merge": Action.STUDENT_MERGE,
    "name": Action.STUDENT_NAME,
    "emergency": Action.STUDENT_READ_EMERGENCY,
    "missing_person": Action.STUDENT_READ_MISSING_PERSON,
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Part of the page that an owner answers for. `away`: it does not; `theirs`: this person may not see it."""

    items: Sequence[Mapping[str, Any]] = ()
    away: bool = False
    theirs: bool = True


@dataclass(frozen=True, slots=True)
class Said:
    """A merge, in words."""

    merge_id: str
    words: str
    undone: str
    in_force: bool


def rows(answer: Answer) -> Rows:
    """Return what an owner gave, or that it did not answer, or not to this person."""
    return Rows(answer.items(), away=answer.missing, theirs=answer.ok or answer.missing)


def several(answers: Sequence[Answer], most: int = 100) -> Rows:
    """Return what several questions gave, together."""
    found = [rows(answer) for answer in answers]
    items = [item for each in found for item in each.items][:most]
    return Rows(items, away=any(each.away for each in found), theirs=any(each.theirs for each in found))


def may(visit: Visit, campuses: Sequence[str]) -> Mapping[str, bool]:
    """Return what the person's roles offer here, to show or leave out buttons; the owner decides."""
    held = {role.name for role in visit.person.roles if role.campus in (EVERYWHERE, *campuses)}
    return {name: bool(held & rule_for(action, attached=False).campus) for name, action in _MAY.items()}


def facts(visit: Visit, student: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the roster says, without what it does not say."""
    level = LEVELS.get(student["level"], student["level"])
    told = [
        ("Name on the roster", student["roster_name"] if student["roster_name"] != student["name"] else ""),
        ("Pronouns", student["pronouns"]),
        ("Student ID", student["number"]),
        ("E-mail", student["email"]),
        ("Campus", ", ".join(visit.campus_name(campus) for campus in student["campuses"])),
        ("Studies", ", ".join(part for part in (level, student["study_program"]) if part)),
        ("Lives at", student["residence"]),
        ("Born", calendar_day(student["birth_date"] or "")),
        ("Advisor", visit.staff_name(student["advisor_id"]) if student["advisor_id"] else ""),
        ("Also", ", ".join(_marks(student))),
    ]
    return [(name, value) for name, value in told if value]


def _marks(student: Mapping[str, Any]) -> list[str]:
    marks = {"athlete": "athlete", "veteran": "veteran", "is_minor": "under 18"}
    return [words for name, words in marks.items() if student[name]]


def merges(visit: Visit, student: Mapping[str, Any], names: Names) -> list[Said]:
    """Return who said that this is one person with somebody, and who took that back; the newest first."""
    told = []
    for each in reversed(student["merges"]):
        reason = _SAID_SAME.get(each["reason_code"], "Another reason").lower()
        told.append(
            Said(
                merge_id=each["merge_id"],
                words=f"{visit.staff_name(each['merged_by'])}: the record …{each['student_id'][-4:]} is the same person"
                f" as {names[each['same_as']]} ({reason})",
                undone=f"{visit.staff_name(each['undone_by'])} undid it:"
                f" {_SAID_TWO.get(each['undo_reason_code'], 'another reason').lower()}"
                if each["undone"]
                else "",
                in_force=not each["undone"],
            )
        )
    return told


def contacts(visit: Visit, answer: Answer) -> Mapping[str, Any]:
    """Return whom to call, who said so; or that it cannot be shown."""
    if not answer.ok:
        return {"people": [], "by": "", "refused": answer.detail or "It is not available just now."}
    return {"people": answer.json["contacts"], "by": visit.staff_name(answer.json["changed_by"]), "refused": ""}
