"""An assignment as one sentence that a colleague would say."""

from collections.abc import Mapping
from datetime import datetime

from services.cases.domain.assignment import Assignment
from services.cases.domain.codes import Chosen

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip

_NOBODY = {
    Chosen.NO_STUDENT: "Nobody yet: the student is not identified, so no conflict can be ruled out",
    Chosen.NO_STAFF: "Nobody: the campus has no staff who may own such a case",
}
_FIXED = {
    Chosen.ADVISOR: "advises this student",
    Chosen.TITLEIX_COORDINATOR: "Title IX coordinator of the campus",
    Chosen.TITLEIX_DEPUTY: "Title IX deputy, as no coordinator is available",
}


def sentence(assignment: Assignment, names: Mapping[str, str], at: datetime) -> str:
    """Return why the case went where it went: "Ana Ruiz: worked with this student until March; present; ..."."""
    code = Chosen(assignment.code)
    if assignment.staff_id is None:
        return _NOBODY.get(code) or _none_available(assignment)
    parts = [_why(assignment, code, names, at), "present", _load(assignment)]
    if assignment.skills:
        parts.append("knows " + " and ".join(skill.replace("_", " ") for skill in assignment.skills))
    if assignment.over_ceiling:
        parts.append("at the ceiling")
    return f"{_name(assignment.staff_id, names)}: {'; '.join(part for part in parts if part)}"


def _name(staff_id: str | None, names: Mapping[str, str]) -> str:
    return names.get(staff_id or "", staff_id or "nobody")


def _why(assignment: Assignment, code: Chosen, names: Mapping[str, str], at: datetime) -> str:
    match code:
        case Chosen.LAST_OWNER:
            return _worked(assignment, at)
        case Chosen.COVER:
            return f"covers for {_name(assignment.for_staff_id, names)}"
        case Chosen.PERSON:
            why = assignment.reason_code.replace("_", " ")
            return f"chosen by {_name(assignment.by, names)}" + (f" ({why})" if why else "")
        case _:
            return _FIXED.get(code, "least open cases for the working time of those available")


def _worked(assignment: Assignment, at: datetime) -> str:
    ended = assignment.last_worked
    if ended is None:
        return "works with this student"
    year = "" if ended.year == at.year else f" {ended.year}"
    return f"worked with this student until {_MONTHS[ended.month - 1]}{year}"


def _load(assignment: Assignment) -> str:
    cases = "1 open case" if assignment.open_cases == 1 else f"{assignment.open_cases} open cases"
    return f"{cases} at {assignment.fte:.1f} FTE"


def _none_available(assignment: Assignment) -> str:
    counts = {
        "absent": assignment.absent,
        "unavailable": assignment.unavailable,
        "declined": assignment.declined,
    }
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"Nobody: of {assignment.asked} who could own it, {said}"
