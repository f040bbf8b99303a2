"""Whom a step of a page means at this moment, and who of them may be told."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifications.domain.causes import behind_wall
from shared.access.actors import EVERYWHERE
from shared.events.codes import Family
from shared.events.teams import TeamSnapshot
from shared.program import Program

DUTY = "duty"

# Why somebody a step means is not told.
ABSENT = "absent"
OFF_DUTY = "off_duty"
KEPT_OUT = "kept_out"
NO_ADDRESS = "no_address"
NOBODY = "nobody"

RELATED = "related_on_duty"


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around a page when people are chosen: the program, and the teams of its student or case."""

    program: Program
    teams: tuple[TeamSnapshot, ...] = ()


@dataclass(frozen=True, slots=True)
class Matter:
    """What a choice of people depends on. `walled`: nobody is told for how they stand to the student."""

    campus: str
    student_id: UUID | None
    walled: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody a step means. `hindrance` is empty when they may be told."""

    person: str
    target: str
    hindrance: str = ""


def line_up(matter: Matter, targets: Sequence[str], around: Around, now: datetime) -> list[Candidate]:
    """Return everybody the targets mean, nobody twice, each with what keeps them from being told.

    A target this release does not know means nobody; the step is then empty and skipped, which the next one mends.
    """
    found: dict[str, Candidate] = {}
    for target in targets:
        choose = _TARGETS.get(target, _nobody)
        for person in choose(matter, around, now):
            hindrance = _hindrance(person, target, matter, around, now)
            known = found.get(person)
            if known is None or (known.hindrance and not hindrance):
                found[person] = Candidate(person, target, hindrance)
    return list(found.values())


def kept_out(person: str, matter: Matter, around: Around) -> bool:
    """Return whether somebody must hear nothing of a matter: recused from a case of it, or in conflict about it."""
    if any(person in team.recused for team in around.teams):
        return True
    staff = around.program.staff.get(person)
    if staff is None or matter.student_id is None:
        return False
    return any(conflict.student_id == str(matter.student_id) for conflict in staff.conflicts)


def _hindrance(person: str, target: str, matter: Matter, around: Around, now: datetime) -> str:
    """Return what keeps somebody from being told. The wall comes first: it holds whatever else is so."""
    if kept_out(person, matter, around):
        return KEPT_OUT
    staff = around.program.staff.get(person)
    if staff is None or not around.program.present(person, now):
        return ABSENT
    if not staff.email:
        return NO_ADDRESS
    if target == RELATED and not around.program.at_work(person, matter.campus, now):
        return OFF_DUTY
    return ""


_Choice = Callable[[Matter, Around, datetime], Iterator[str]]


def _rota(*, system: bool, backup: bool) -> _Choice:
    def choose(matter: Matter, around: Around, now: datetime) -> Iterator[str]:
        yield from around.program.on_duty(EVERYWHERE if system else matter.campus, DUTY, now, backup=backup)

    return choose


def _role(name: str) -> _Choice:
    def choose(matter: Matter, around: Around, now: datetime) -> Iterator[str]:
        holders = around.program.holders(name, matter.campus, now)
        yield from holders
        # Whoever covers for an absent holder stands in, if they hold the role too.
        yield from around.program.standing_in(holders, matter.campus, now, roles=(name,))

    return choose


def _related(matter: Matter, around: Around, _now: datetime) -> Iterator[str]:
    yield from (team.owner_id for team in _open_teams(matter, around) if team.owner_id)


def _team(matter: Matter, around: Around, now: datetime) -> Iterator[str]:
    for team in _open_teams(matter, around):
        for member in team.members:
            if member.since <= now and (member.until is None or now < member.until):
                yield member.staff_id


def _nobody(_matter: Matter, _around: Around, _now: datetime) -> Iterator[str]:
    yield from ()


def _open_teams(matter: Matter, around: Around) -> Iterator[TeamSnapshot]:
    """Yield the teams that may be told for how they stand to the student; never one behind a Title IX wall."""
    if matter.walled:
        return
    for team in around.teams:
        walled = behind_wall(team.sensitivity) or team.family == Family.MISCONDUCT_SEX
        if team.campus == matter.campus and not team.removed and not walled:
            yield team


_TARGETS: Mapping[str, _Choice] = {
    "duty": _rota(system=False, backup=False),
    "duty_backup": _rota(system=False, backup=True),
    "system": _rota(system=True, backup=False),
    "system_backup": _rota(system=True, backup=True),
    RELATED: _related,
    "team": _team,
    "director": _role("director"),
    "titleix_coordinator": _role("titleix_coordinator"),
    "titleix_deputy": _role("titleix_deputy"),
}
