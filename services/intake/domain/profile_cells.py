"""Reads the cells of a roster file that tell more of a student: profile, classes, other names, contacts.

Lists stand in one cell with `;` between their items:

    sections                  2026F:BIO101/1/osei; CHEM110/4      term, course, section, staff id of the instructor
    aliases                   Wren Holt; Wrenna
    emergency_contacts        Ada Holt | mother | +1 555 0100 | ada@example.org; ...
    missing_person_contacts   the same form, and a list of its own (34 CFR 668.46(h))
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from services.intake.domain import cells as read
from services.intake.domain.people import Contact, Section
from services.intake.domain.rejects import BadCell

T = TypeVar("T")

VISA = "visa_class"
LONGEST_LIST = 40
_LONGEST = 200
_EARLIEST_BIRTH = date(1900, 1, 1)
_YES = {"yes": True, "y": True, "true": True, "t": True, "1": True, "no": False, "n": False, "false": False,
        "f": False, "0": False}  # fmt: skip
_PHONE = re.compile(r"\+?[0-9 ().x/-]{3,40}")


def _birth_date(cell: str, column: str) -> date | None:
    if not cell.strip():
        return None
    try:
        born = date.fromisoformat(cell.strip())
    except ValueError:
        raise BadCell(column, "not a date that exists", "a date such as 2005-03-31") from None
    if born < _EARLIEST_BIRTH:
        raise BadCell(column, "a date that cannot be", "a date since 1900-01-01")
    return born


def yes_or_no(cell: str, column: str) -> bool | None:
    """Read yes or no; None if empty."""
    said = cell.strip().lower()
    if not said:
        return None
    if said not in _YES:
        raise BadCell(column, "not yes or no", "yes, no")
    return _YES[said]


def _opted_out(cell: str, column: str) -> bool:
    return yes_or_no(cell, column) or False


def _short(cell: str, column: str) -> str:
    return read.words(cell, column, _LONGEST)


def _several(cell: str, column: str, one: Callable[[str, str], T]) -> tuple[T, ...]:
    parts = [part.strip() for part in cell.split(";") if part.strip()]
    if len(parts) > LONGEST_LIST:
        raise BadCell(column, "too many in one cell", f"at most {LONGEST_LIST}")
    return tuple(dict.fromkeys(one(part, column) for part in parts))


def _section(said: str, column: str) -> Section:
    term, colon, rest = said.rpartition(":")
    parts = [part.strip() for part in (rest if colon else said).split("/")]
    if len(parts) > 3 or not parts[0]:  # noqa: PLR2004 - course, section, instructor
        raise BadCell(column, "not a class", "TERM:COURSE/SECTION/INSTRUCTOR, the last two and the term if known")
    course, section, instructor = [*parts, "", ""][:3]
    return Section(
        read.code(term, column), read.code(course, column), read.code(section, column),
        read.identifier(instructor, column),
    )  # fmt: skip


def _contact(said: str, column: str) -> Contact:
    name, relationship, phone, email, *more = [*(part.strip() for part in said.split("|")), "", "", ""]
    if any(more) or not name:
        raise BadCell(column, "not a contact", "NAME | RELATIONSHIP | TELEPHONE | E-MAIL, the last three if known")
    if phone and not _PHONE.fullmatch(phone):
        raise BadCell(column, "not a telephone number", "digits with + ( ) - . / x and spaces")
    return Contact(
        read.words(name, column, _LONGEST), read.words(relationship, column, _LONGEST), phone, read.email(email, column)
    )


def _aliases(cell: str, column: str) -> tuple[str, ...]:
    return _several(cell, column, _short)


def _sections(cell: str, column: str) -> tuple[Section, ...]:
    return _several(cell, column, _section)


def _contacts(cell: str, column: str) -> tuple[Contact, ...]:
    return _several(cell, column, _contact)


# The columns of the profile, each with what reads it.
PROFILE: Mapping[str, Callable[[str, str], object]] = {
    "name_in_use": _short,
    "pronouns": _short,
    "birth_date": _birth_date,
    "study_program": _short,
    "level": _short,
    "residence": _short,
    "athlete": yes_or_no,
    "veteran": yes_or_no,
    "minor": yes_or_no,
    "directory_opt_out": _opted_out,
}
# The lists that stand beside a student: column, field, what reads it.
BESIDE: Mapping[str, tuple[str, Callable[[str, str], Any]]] = {
    "aliases": ("aliases", _aliases),
    "sections": ("sections", _sections),
    "emergency_contacts": ("emergency", _contacts),
    "missing_person_contacts": ("missing_person", _contacts),
}
ALSO: Mapping[str, str] = {
    "preferred_name": "name_in_use",
    "chosen_name": "name_in_use",
    "dob": "birth_date",
    "date_of_birth": "birth_date",
    "program": "study_program",
    "major": "study_program",
    "class_level": "level",
    "class_standing": "level",
    "residence_hall": "residence",
    "hall": "residence",
    "student_athlete": "athlete",
    "ferpa_block": "directory_opt_out",
    "directory_hold": "directory_opt_out",
    "former_names": "aliases",
    "also_known_as": "aliases",
    "nicknames": "aliases",
    "classes": "sections",
    "enrollments": "sections",
    "emergency_contact": "emergency_contacts",
    "missing_person_contact": "missing_person_contacts",
    "visa": VISA,
    "visa_type": VISA,
    "visa_status": VISA,
}
