"""The program at an instant: people present, rotas, roles, policies, deadlines. Pure; nothing here reads a clock."""

import copy
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar, cast

from shared.access.actors import EVERYWHERE, Role
from shared.events import Snapshot
from shared.events.program import CampusSnapshot, PolicyEdition, PolicySnapshot, RoleHeld, RotaSnapshot, StaffSnapshot
from shared.program import rota
from shared.program.calendar import Calendar
from shared.program.defaults import DEFAULTS
from shared.program.policies import Policy, in_force, policy_of, shipped
from shared.program.rules import (
    Assignment,
    Capacity,
    Clocks,
    Closing,
    EmergencyContacts,
    FlagLife,
    FlagRule,
    Grants,
    Late,
    Paging,
    ReferralForm,
    Rules,
    Term,
    Terms,
    Threshold,
    Triage,
)

R = TypeVar("R", bound=Rules)

TITLEIX_ROLES = ("titleix_coordinator", "titleix_deputy")

_SHIPPED = {name: shipped(name) for name in DEFAULTS}

# Who may stand in a rota's line at all: behind the Title IX wall no cover without the role is told anything.
_ROLES_OF_FUNCTION: dict[str, tuple[str, ...]] = {"titleix": TITLEIX_ROLES}


class Program:
    """Campuses, staff, rotas and policies as their latest snapshots say, without the removed ones.

    Staff ids are subject ids. Where a campus, person, rota or policy is unknown the answer is empty or the shipped
    one, never an error: a replica may be behind, and a student still needs somebody.
    """

    def __init__(self, snapshots: Iterable[Snapshot] = ()) -> None:
        active = [snapshot for snapshot in snapshots if not snapshot.removed]
        self.campuses = {s.campus: s for s in active if isinstance(s, CampusSnapshot)}
        self.staff = {s.staff_id: s for s in sorted(active, key=lambda s: s.key) if isinstance(s, StaffSnapshot)}
        self._rotas = {(s.campus, s.function): s for s in active if isinstance(s, RotaSnapshot)}
        self._editions = {(s.name, s.campus): s.editions for s in active if isinstance(s, PolicySnapshot)}
        self._roles = {id_: tuple(_role(held) for held in person.roles) for id_, person in self.staff.items()}
        self._holders: dict[str, list[tuple[str, Role]]] = {}
        for id_, roles in self._roles.items():
            for role in roles:
                self._holders.setdefault(role.name, []).append((id_, role))
        self._calendars: dict[str, Calendar] = {}
        self._policies: dict[tuple[str, str, str], Policy | None] = {}

    # ------------------------------------------------------------------------------------------------- people

    def present(self, staff_id: str, at: datetime) -> bool:
        """Return whether a person is known and not absent."""
        person = self.staff.get(staff_id)
        return person is not None and not any(away.since <= at < away.until for away in person.absences)

    def roles(self, staff_id: str, at: datetime) -> tuple[Role, ...]:
        """Return the roles a person holds at an instant, present or not. Removed and unknown people hold none."""
        return tuple(role for role in self._roles.get(staff_id, ()) if role.holds(at))

    def holders(self, role: str, campus: str, at: datetime) -> tuple[str, ...]:
        """Return who holds a role for a campus, present or not: those of the campus first, then of the system."""
        found = [
            (held.campus == EVERYWHERE, staff_id)
            for staff_id, held in self._holders.get(role, ())
            if held.campus in (campus, EVERYWHERE) and held.holds(at)
        ]
        return tuple(dict.fromkeys(staff_id for _, staff_id in sorted(found)))

    def standing_in(
        self, staff_ids: Sequence[str], campus: str, at: datetime, *, roles: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Return who is there for these people: themselves, else their cover, else nobody. Order kept, nobody twice.

        A cover who is absent too is covered in turn. With `roles`, only holders of one of them on the campus count.
        """
        found = [self._stand_in(staff_id, at) for staff_id in staff_ids]
        allowed = {id_ for role in roles for id_ in self.holders(role, campus, at)}
        return tuple(dict.fromkeys(id_ for id_ in found if id_ is not None and (not roles or id_ in allowed)))

    def _stand_in(self, staff_id: str | None, at: datetime) -> str | None:
        asked: set[str] = set()
        while staff_id is not None and staff_id not in asked:
            if self.present(staff_id, at):
                return staff_id
            asked.add(staff_id)
            staff_id = self._cover(staff_id, at)
        return None

    def _cover(self, staff_id: str, at: datetime) -> str | None:
        person = self.staff.get(staff_id)
        away = [absence for absence in person.absences if absence.since <= at < absence.until] if person else []
        return next((absence.cover_id for absence in away if absence.cover_id), None)

    # -------------------------------------------------------------------------------------------------- rotas

    def on_duty(self, campus: str, function: str, at: datetime, *, backup: bool = False) -> tuple[str, ...]:
        """Return who is on duty and there, by the rota of a campus (`*`: the system) and a function.

        Absent people are replaced by their cover or left out. In the Title IX line only holders of its roles stand.
        """
        line = self._rotas.get((campus, function))
        if line is None:
            return ()
        roles = _ROLES_OF_FUNCTION.get(function, ())
        return self.standing_in(rota.named(line, at, backup=backup), campus, at, roles=roles)

    def with_rota(self, line: RotaSnapshot) -> "Program":
        """Return the program as it would be with this rota in place of the one it has: for a look ahead."""
        other = copy.copy(self)
        other._rotas = self._rotas | {(line.campus, line.function): line}  # noqa: SLF001 - its own copy
        return other

    def at_work(self, staff_id: str, campus: str, at: datetime) -> bool:
        """Return whether a person can be told now as part of their work: present, in opening hours or on the rota."""
        if not self.present(staff_id, at):
            return False
        return self.calendar(campus).is_open(at) or any(
            staff_id in self.on_duty(campus, "duty", at, backup=backup) for backup in (False, True)
        )

    # ----------------------------------------------------------------------------------------------- policies

    def policy(self, name: str, campus: str, at: datetime) -> Policy:
        """Return the policy in force: the campus's, else the system's (`*`), else the shipped one.

        Raises KeyError for a name no policy has.
        """
        for whose in (campus, EVERYWHERE):
            edition = in_force(self._editions.get((name, whose), ()), at)
            found = self._policy(name, whose, edition) if edition else None
            if found is not None:
                return found
        return _SHIPPED[name]

    def editions(self, name: str, campus: str) -> tuple[Policy, ...]:
        """Return every edition that is, was or will be in force for a campus, whenever; one of them is `policy`'s."""
        known = (self._policy(name, whose, each) for whose in (campus, EVERYWHERE) for each in self._all(name, whose))
        return (*(policy for policy in known if policy is not None), _SHIPPED[name])

    def _all(self, name: str, campus: str) -> tuple[PolicyEdition, ...]:
        return self._editions.get((name, campus), ())

    def _policy(self, name: str, campus: str, edition: PolicyEdition) -> Policy | None:
        key = (name, campus, edition.edition)
        if key not in self._policies:
            self._policies[key] = policy_of(name, campus, edition)
        return self._policies[key]

    def _rules(self, kind: type[R], campus: str, at: datetime) -> R:
        return cast("R", self.policy(kind.NAME, campus, at).rules)

    def paging(self, campus: str, at: datetime) -> Paging:
        """Return who is paged, typed; `policy("paging", ...)` has the edition and the values to freeze."""
        return self._rules(Paging, campus, at)

    def clocks(self, campus: str, at: datetime) -> Clocks:
        """Return by when work is due."""
        return self._rules(Clocks, campus, at)

    def flag_rules(self, campus: str, at: datetime) -> tuple[FlagRule, ...]:
        """Return the rules over flags."""
        return self._rules(Threshold, campus, at).rules

    def terms(self, campus: str, at: datetime) -> tuple[Term, ...]:
        """Return when terms begin and end."""
        return self._rules(Terms, campus, at).terms

    def capacity(self, campus: str, at: datetime) -> Capacity:
        """Return what a campus can take of what rules make."""
        return self._rules(Capacity, campus, at)

    def flag_days(self, campus: str, at: datetime) -> float | None:
        """Return after how many days a flag expires, None for never."""
        return self._rules(FlagLife, campus, at).expire_after_days

    def triage(self, campus: str, at: datetime) -> Triage:
        """Return the rules for the easy referrals."""
        return self._rules(Triage, campus, at)

    def late_hours(self, campus: str, at: datetime) -> float:
        """Return how old an imported danger may be and still page."""
        return self._rules(Late, campus, at).hours

    def grant_hours(self, campus: str, at: datetime) -> float:
        """Return how long accepting a page opens its matter."""
        return self._rules(Grants, campus, at).hours

    def emergency_contacts(self, campus: str, at: datetime) -> tuple[str, ...]:
        """Return the addresses to mail when danger cannot be published."""
        return self._rules(EmergencyContacts, campus, at).email

    def assignment(self, campus: str, at: datetime) -> Assignment:
        """Return whom a case may go to."""
        return self._rules(Assignment, campus, at)

    def closing(self, campus: str, at: datetime) -> Closing:
        """Return when a case may close without an answer, and be opened again."""
        return self._rules(Closing, campus, at)

    def referral_form(self, campus: str, at: datetime) -> ReferralForm:
        """Return what the public form of a campus takes and says."""
        return self._rules(ReferralForm, campus, at)

    # ----------------------------------------------------------------------------------------------- calendar

    def calendar(self, campus: str) -> Calendar:
        """Return the business calendar of a campus; its `version` is kept beside deadlines."""
        if campus not in self._calendars:
            self._calendars[campus] = Calendar(self.campuses.get(campus))
        return self._calendars[campus]

    def deadline(self, campus: str, start: datetime, business_hours: float) -> datetime:
        """Return when the campus will have been open for so many hours since `start`."""
        return self.calendar(campus).after_hours(start, business_hours)

    def deadline_in_days(self, campus: str, start: datetime, business_days: int) -> datetime:
        """Return closing time of the n-th open day after the day of `start`."""
        return self.calendar(campus).after_days(start, business_days)


def _role(held: RoleHeld) -> Role:
    return Role(name=held.name, campus=held.campus, since=held.since, until=held.until)
