"""A small program to page people of: one campus with a full rota, the system's rota, and helpers to make pages."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.notifications.domain.causes import DANGER, Cause, cause_id
from services.notifications.domain.page import Page
from services.notifications.domain.people import Around
from services.notifications.domain.record import Policy
from shared.events.pages import PageEvent
from shared.events.program import (
    Absence,
    CampusSnapshot,
    Conflict,
    PolicyEdition,
    PolicySnapshot,
    RoleHeld,
    RotaSnapshot,
    Shift,
    StaffSnapshot,
)
from shared.events.teams import Member, TeamSnapshot
from shared.program import Line, Paging, Program

NOW = datetime(2026, 9, 14, 14, 0, tzinfo=UTC)  # a Monday, 10 am in New York
LONG_AGO, FAR_OFF = NOW - timedelta(days=400), NOW + timedelta(days=400)
STUDENT, CASE, REFERRAL, PAGE = (UUID(int=number) for number in (1, 2, 3, 4))
CONTACT = "emergency@example.edu"


def person(staff_id: str, name: str, *roles: str, **more: Any) -> StaffSnapshot:
    held = tuple(RoleHeld(name, campus or "NORTH") for name, _, campus in (role.partition("@") for role in roles))
    email = more.pop("email", f"{staff_id}@staff.example.edu")
    return StaffSnapshot(campus="NORTH", staff_id=staff_id, name=name, email=email, roles=held, **more)


def rota(campus: str, *staff: str, backup: str = "") -> RotaSnapshot:
    shifts = [Shift(staff_id, LONG_AGO, FAR_OFF) for staff_id in staff]
    shifts += [Shift(backup, LONG_AGO, FAR_OFF, backup=True)] if backup else []
    return RotaSnapshot(campus=campus, function="duty", overrides=tuple(shifts))


def away(staff_id: str, name: str, *roles: str, **more: Any) -> StaffSnapshot:
    return person(staff_id, name, *roles, absences=(Absence(LONG_AGO, FAR_OFF),), **more)


def in_conflict(staff_id: str, name: str, *roles: str) -> StaffSnapshot:
    return person(staff_id, name, *roles, conflicts=(Conflict(str(STUDENT)),))


STAFF = (
    person("uma", "Uma Duty", "duty_officer"),
    person("bea", "Bea Backup", "duty_officer"),
    person("dee", "Dee Director", "director"),
    person("sys", "Sy Stem", "duty_officer@*"),
    person("ana", "Ana Ruiz", "case_manager"),
    person("ben", "Ben Okafor", "case_manager"),
    person("tia", "Tia Coordinator", "titleix_coordinator"),
    person("tod", "Tod Deputy", "titleix_deputy"),
)
ROTAS = (rota("NORTH", "uma", backup="bea"), rota("*", "sys"))
CAMPUS = CampusSnapshot(campus="NORTH", name="North Campus", zone="America/New_York", hours=())


def program(*changes: Any, staff: tuple[StaffSnapshot, ...] = STAFF, contacts: tuple[str, ...] = (CONTACT,)) -> Program:
    """Return the program with some snapshots in place of those with their keys."""
    edition = PolicyEdition("1", LONG_AGO, {"email": list(contacts)})
    policy = PolicySnapshot(campus="*", name="emergency_contacts", editions=(edition,))
    return Program({snapshot.key: snapshot for snapshot in (CAMPUS, *staff, *ROTAS, policy, *changes)}.values())


def team(owner: str | None = "ana", *members: str, **more: Any) -> TeamSnapshot:
    fields: dict[str, Any] = {
        "campus": "NORTH",
        "case_id": CASE,
        "student_id": STUDENT,
        "family": "health",
        "owner_id": owner,
        "members": tuple(Member(member, "member", LONG_AGO) for member in members),
        "referrals": (),
    }
    return TeamSnapshot(**fields | more)


def around(*teams: TeamSnapshot, among: Program | None = None) -> Around:
    return Around(among or program(), teams)


def cause(**more: Any) -> Cause:
    function = more.pop("function", DANGER)
    fields: dict[str, Any] = {
        "id": cause_id(REFERRAL, function),
        "function": function,
        "campus": "NORTH",
        "level": "critical",
        "reference": "K7Q-2M4X-9RTD",
        "referral_id": REFERRAL,
        "student_id": None,
        "walled": False,
        "live": True,
        "happened_at": NOW,
    }
    return Cause(**fields | more)


def line(name: str) -> Line:
    paging = program().paging("NORTH", NOW)
    assert isinstance(paging, Paging)
    found: Line = getattr(paging, name)
    return found


def policy(name: str = "critical") -> Policy:
    return Policy("shipped", line(name), 72)


def raised(known: Around, name: str = "critical", **more: Any) -> tuple[Page, list[PageEvent]]:
    asked = cause(**more)
    return Page.raise_for(PAGE, asked, policy(name), known, student_id=asked.student_id, now=NOW)


def told(page: Page, turn: int | None = None) -> list[str]:
    """Return who was told in a turn, or ever."""
    return [t.person for t in page.tellings if t.told and turn in (None, t.turn)]


def why_not(page: Page) -> dict[str, str]:
    """Return why people were not told."""
    return {t.person: t.why for t in page.tellings if not t.told}


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
