"""Students as OneRoster's files describe them together: users, their roles and orgs, and the classes they are in."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.intake.domain.decoders.oneroster import Object
from services.intake.domain.decoders.parts import Part, bytes_of

IdFrom = Literal["identifier", "sourcedId", "username"]
STUDENT, TEACHER = "student", "teacher"
# What separates the parts of that column, so no part may hold it.
_BETWEEN = re.compile(r"[:;/]")
Fields = Mapping[str, str]
ById = Mapping[str, Fields]


@dataclass(frozen=True)
class Catalog:
    """What users refer to, by sourcedId; `teachers` are the user ids of a class, the primary one first."""

    orgs: ById
    sessions: ById
    courses: ById
    classes: ById
    teachers: Mapping[str, Sequence[str]]
    staff: ById


@dataclass(frozen=True)
class Person:
    """A user with their roles and enrollments."""

    sourced_id: str
    fields: Fields
    roles: Sequence[Fields]
    enrollments: Sequence[Fields]

    @property
    def is_student(self) -> bool:
        """Whether any file says so: 1.1 in users, 1.2 in roles, both in enrollments."""
        said = (self.fields, *self.roles, *self.enrollments)
        return any(each.get("role", "").lower() == STUDENT for each in said)


@dataclass(frozen=True)
class Composer:
    """Puts students together. `student_id` and `staff_id` say which of a user's ids the campus knows them by."""

    catalog: Catalog
    today: str  # as OneRoster writes dates, 2026-09-01
    student_id: IdFrom = "identifier"
    staff_id: IdFrom = "identifier"

    def parts(self, people: Iterable[Person]) -> Iterator[Part]:
        """Yield a part for each student among them."""
        for person in people:
            if person.is_student:
                value = self.said_of(person)
                yield Part(f"user {person.sourced_id}", "", "student", value, bytes_of(value))

    def said_of(self, person: Person) -> dict[str, Any]:
        """Return what is said of somebody, as mappings read it."""
        user = person.fields
        orgs = [self._org(sourced_id) for sourced_id in self._orgs_of(person)]
        enrollments = sorted(person.enrollments, key=lambda each: each.get("classSourcedId", ""))
        sections = [section for each in enrollments if (section := self._section(each)) is not None]
        return {
            "student_id": _id(person.sourced_id, user, self.student_id),
            "sourced_id": person.sourced_id,
            "name": _joined(user.get("givenName"), user.get("middleName"), user.get("familyName")),
            "name_in_use": _joined(user.get("preferredGivenName"), user.get("preferredFamilyName")),
            "pronouns": user.get("pronouns", ""),
            "email": user.get("email", ""),
            "org": orgs[0] if orgs else None,
            "orgs": orgs,
            "sections": sections,
            "classes": "; ".join(map(_cell, sections)),
        }

    def _orgs_of(self, person: Person) -> list[str]:
        """Return the orgs somebody belongs to, the primary first, each once."""
        user = person.fields
        said = [
            user.get("primaryOrgSourcedId", ""),
            *(role["orgSourcedId"] for role in person.roles if role.get("roleType", "").lower() == "primary"),
            *listed(user.get("orgSourcedIds", "")),
            *(role["orgSourcedId"] for role in person.roles),
        ]
        return list(dict.fromkeys(sourced_id for sourced_id in said if sourced_id))

    def _org(self, sourced_id: str) -> dict[str, str]:
        org = self.catalog.orgs.get(sourced_id, {})
        code = org.get("identifier") or sourced_id
        return {"sourced_id": sourced_id, "identifier": code, "name": org.get("name", ""), "type": org.get("type", "")}

    def _section(self, enrollment: Fields) -> dict[str, str] | None:
        """Return a class that somebody is in as a student now; None for one they teach, have left, or nobody knows."""
        class_id = enrollment.get("classSourcedId", "")
        known = self.catalog.classes.get(class_id)
        ended = enrollment.get("endDate", "")
        if enrollment.get("role", "").lower() != STUDENT or known is None or (ended and ended < self.today):
            return None
        course = self.catalog.courses.get(known.get("courseSourcedId", ""), {})
        term = next(iter(listed(known.get("termSourcedIds", ""))), "")
        session = self.catalog.sessions.get(term, {})
        teachers = self.catalog.teachers.get(class_id, ())
        return {
            "term": session.get("title") or term,
            "course": course.get("courseCode") or known.get("courseSourcedId", ""),
            "section": known.get("classCode") or class_id,
            "title": known.get("title", ""),
            "instructor": self._staff(teachers[0]) if teachers else "",
        }

    def _staff(self, sourced_id: str) -> str:
        return _id(sourced_id, self.catalog.staff.get(sourced_id, {}), self.staff_id)


def teachers_of(enrollments: Iterable[Object]) -> dict[str, list[str]]:
    """Return who teaches each class, the primary teacher first."""
    found: dict[str, list[tuple[bool, str]]] = {}
    for each in enrollments:
        if each.fields.get("role", "").lower() == TEACHER and not each.gone:
            primary = each.fields.get("primary", "").lower() == "true"
            found.setdefault(each.fields["classSourcedId"], []).append((not primary, each.fields["userSourcedId"]))
    return {class_id: [user for _, user in sorted(teachers)] for class_id, teachers in found.items()}


def listed(cell: str) -> list[str]:
    """Return the items of a cell that holds several."""
    return [item.strip() for item in cell.split(",") if item.strip()]


def _cell(section: Fields) -> str:
    """Return a class as the column `sections` of a roster file has it."""
    term, course, number, instructor = (
        _BETWEEN.sub("-", section[name]) for name in ("term", "course", "section", "instructor")
    )
    return f"{term}:{course}/{number}/{instructor}"


def _id(sourced_id: str, user: Fields, which: IdFrom) -> str:
    return (sourced_id if which == "sourcedId" else user.get(which, "")) or sourced_id


def _joined(*names: str | None) -> str:
    return " ".join(name for name in names if name)
