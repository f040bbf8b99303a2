"""What is asked on the forms of the program: staff, rotas, campuses, policies."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.console.program_forms import Field, Option, Part, Rows, parts_of
from services.console.reading import FAMILIES
from services.console.visit import Visit
from shared.access.actors import EVERYWHERE
from shared.access.rules import ROLES
from shared.program.defaults import DEFAULTS

WEEKDAYS: tuple[Option, ...] = tuple(
    (str(number), name)
    for number, name in enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"))
)
FUNCTIONS: tuple[Option, ...] = (("duty", "Duty"), ("titleix", "Title IX"))
# Rules over flags are decided by two, on a page of their own.
ELSEWHERE = {"threshold": "/rules"}
_WHEN = "Such as 2026-09-14 08:00."
_FAMILIES = f"Codes with commas between them: {', '.join(FAMILIES)}."
_CODE = re.compile(r"^[A-Za-z0-9._:|@*-]{1,128}$")


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of entry. `keys` are the fields that name one, in the order of its key."""

    kind: str
    path: str
    title: str
    one: str
    keys: tuple[str, ...]
    parts: Callable[[Visit, Mapping[str, Any]], Sequence[Part]]

    @property
    def document(self) -> str:
        """What it is called in a document."""
        return "policies" if self.kind == "policy" else self.path

    def key(self, tail: str) -> str:
        """Return the key of an entry by the end of its address."""
        return f"{self.kind}:{tail}"

    def named(self, tail: str) -> dict[str, str] | None:
        """Return what the end of an address says, by field; None where it can be nobody's."""
        values = tail.split(":", len(self.keys) - 1)
        good = len(values) == len(self.keys) and all(map(_CODE.match, values))
        return dict(zip(self.keys, values, strict=True)) if good else None


def campuses(visit: Visit, *, everywhere: str = "All campuses") -> list[Option]:
    """Return the campuses as options."""
    known = sorted((campus.name, code) for code, campus in visit.program.campuses.items())
    return [*([(EVERYWHERE, everywhere)] if everywhere else []), *((code, name) for name, code in known)]


def people(visit: Visit) -> list[Option]:
    """Return the members of staff as options, by name, beginning with nobody."""
    known = sorted((person.name, id_) for id_, person in visit.program.staff.items())
    return [("", "Nobody"), *((id_, f"{name} ({id_})") for name, id_ in known)]


def role_name(code: str) -> str:
    """Return a role in words."""
    return code.replace("titleix", "title ix").replace("_", " ").capitalize().replace("Title ix", "Title IX")


def _staff(visit: Visit, _entry: Mapping[str, Any]) -> Sequence[Part]:
    roles = [("", "No role"), *((code, role_name(code)) for code in sorted(ROLES))]
    return (
        Field("name", "Name", wide=True),
        Field("email", "Work e-mail address", "email", hint="Pages and notices go here.", wide=True),
        Field("campus", "Home campus", "select", campuses(visit, everywhere="The office of the system")),
        Field("fte", "Full time equivalent", "number", hint="1 is full time, 0.5 half."),
        Rows(
            "roles",
            "Roles",
            (
                Field("name", "Role", "select", roles),
                Field("campus", "Where", "select", campuses(visit)),
                Field("since", "From", "instant"),
                Field("until", "Until", "instant"),
            ),
            hint="Opens its work on that campus, between times such as 2026-09-14 08:00. “No role” takes it away.",
        ),
        Rows(
            "absences",
            "Absences",
            (
                Field("since", "From", "instant"),
                Field("until", "Until", "instant"),
                Field("cover_id", "Who covers", "select", people(visit)),
            ),
            hint="Times such as 2026-09-14 08:00. Whoever covers is paged instead. Clear the first to take one away.",
        ),
        Field("skills", "Families of concern they work on", "words", hint=_FAMILIES, wide=True),
        Field("clinical", "Clinical staff: may read clinical matters of their teams", "check"),
        Field("mandated_reporter", "Mandated reporter", "check"),
        Field("titleix_confidential", "Confidential resource under Title IX", "check"),
    )


def _rota(visit: Visit, _entry: Mapping[str, Any]) -> Sequence[Part]:
    staff = people(visit)
    return (
        Field(
            "zone", "Time zone of the weekly shifts", hint="Left empty, it is the campus’s, such as America/New_York."
        ),
        Rows(
            "weekly",
            "Every week",
            (
                Field("staff_id", "Who", "select", staff),
                Field("weekday", "From", "select", WEEKDAYS),
                Field("starts", "At", "time"),
                Field("hours", "For hours", "number"),
                Field("backup", "Backup", "check"),
            ),
            hint="Times such as 08:00; a week has 168 hours. Choose “Nobody” to take a shift away.",
        ),
        Rows(
            "overrides",
            "Instead of the week",
            (
                Field("staff_id", "Who", "select", staff),
                Field("since", "From", "instant"),
                Field("until", "Until", "instant"),
                Field("backup", "Backup", "check"),
            ),
            hint="Holidays, swaps: for times such as 2026-12-24 08:00 these people are on duty, and nobody else.",
        ),
    )


def _campus(_visit: Visit, _entry: Mapping[str, Any]) -> Sequence[Part]:
    return (
        Field("name", "Name", wide=True),
        Field("zone", "Time zone", hint="Such as America/New_York."),
        Field("color", "Color", hint="Such as #0f4c5c; left empty, one is chosen. Red is kept for danger."),
        Field("police", "Campus police", "tel"),
        Field("after_hours", "After hours", "tel"),
        Rows(
            "hours",
            "Opening hours",
            (
                Field("opens", "Opens", "time"),
                Field("closes", "Closes", "time"),
                Field("weekday", "On", "select", WEEKDAYS),
            ),
            hint="Times such as 08:00, up to 24:00. Clocks run while it is open. Clear the first to take one away.",
        ),
        Field("closed_days", "Days closed", "lines", hint="One a line, such as 2026-11-26."),
    )


def _policy(_visit: Visit, entry: Mapping[str, Any]) -> Sequence[Part]:
    values = entry.get("values") or DEFAULTS.get(str(entry.get("name", "")), {})
    return (
        Field("edition", "Edition", hint="A short name for these values, such as 2027-spring."),
        Field("effective_from", "In force from", "instant", hint=_WHEN),
        Field("source", "Where this was decided", hint="Such as: provost’s letter of May 4.", wide=True),
        *(_explained(str(entry.get("name", "")), part) for part in parts_of(values)),
    )


def _explained(policy: str, part: Part) -> Part:
    """Return a part of a policy's form with what its codes mean, where it has any."""
    if policy == "paging" and part.name.endswith(("steps", "targets")):
        return replace(part, hint=_TARGETS)
    return _SHAPES.get(f"{policy} {part.name}", part)


_TARGETS = (
    "Codes with commas between them: duty (the duty officer), duty_backup, related_on_duty (the student’s case manager,"
    " if at work), team (the care team), director, system (on duty for the whole system), system_backup,"
    " titleix_coordinator, titleix_deputy."
)

# Lists that are empty as shipped, and so say nothing of what is in them.
_SHAPES: dict[str, Part] = {
    "terms values.terms": Rows(
        "values.terms",
        "Terms",
        (
            Field("term", "Term"),
            Field("starts", "First day", "date"),
            Field("ends", "Last day", "date"),
        ),
        hint="Days such as 2027-01-11. Clear the name to take a term away.",
    )
}

SECTIONS = (
    Section("staff", "staff", "Staff", "member of staff", ("staff_id",), _staff),
    Section("rota", "rotas", "Rotas", "rota", ("campus", "function"), _rota),
    Section("policy", "policies", "Policies", "policy", ("campus", "name"), _policy),
    Section("campus", "campuses", "Campuses", "campus", ("campus",), _campus),
)
BY_PATH = {section.path: section for section in SECTIONS}
