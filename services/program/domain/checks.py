"""Whether the program, as it would be, can be: every name in it is of something that exists, and nothing overlaps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, singledispatch
from itertools import pairwise
from zoneinfo import available_timezones

from services.program.domain.document import SYSTEM, Entry, Fault, Place, State
from services.program.domain.policies import policy_faults
from shared.access.rules import ROLES, TITLEIX_ROLES
from shared.events import Snapshot
from shared.events.program import CampusSnapshot, PolicySnapshot, RotaSnapshot, Shift, StaffSnapshot
from shared.program.calendar import clock_time

FUNCTIONS = ("duty", "titleix")


@dataclass(frozen=True, slots=True)
class Reference:
    """That a thing names another: where in its entry, the other's key, and what it is called."""

    place: Place
    key: str
    called: str


def faults_of(stored: State, after: State, entries: Sequence[Entry], now: datetime) -> list[Fault]:
    """Return everything wrong with the program `after` applying the entries, with its place in the document."""
    found = [
        Fault((*entry.place, *fault.place), fault.detail)
        for entry in entries
        if entry.snapshot is not None
        for fault in (*own_faults(entry.snapshot, stored, after, now), *_dangling(entry.snapshot, after, now))
    ]
    return [*found, *_left_behind(after, entries, now), *_nobody_left(stored, after, now)]


# ------------------------------------------------------------------------------------------------ names of others


def _dangling(snapshot: Snapshot, after: State, now: datetime) -> Iterator[Fault]:
    for reference in references(snapshot, now):
        if reference.key not in after:
            yield Fault(reference.place, f"There is no such {reference.called} in the program.")


def _left_behind(after: State, entries: Sequence[Entry], now: datetime) -> Iterator[Fault]:
    """Find what the document does not name but what names something it removes."""
    removed = {entry.key: entry for entry in entries if entry.snapshot is None}
    named = {entry.key for entry in entries}
    if not removed:
        return
    for key, snapshot in sorted(after.items()):
        for lost in sorted({reference.key for reference in references(snapshot, now)} & removed.keys()):
            if key not in named:
                yield Fault((*removed[lost].place, "status"), f"This is still needed by {key}.")


def _nobody_left(stored: State, after: State, now: datetime) -> Iterator[Fault]:
    """Find out whether the program locks everybody out: once there was staff, somebody has to be able to change it."""
    staffed = any(isinstance(snapshot, StaffSnapshot) for snapshot in (*stored.values(), *after.values()))
    staff = [snapshot for snapshot in after.values() if isinstance(snapshot, StaffSnapshot)]
    able = any(
        role.name == "administrator" and role.campus == SYSTEM and (role.until is None or role.until > now)
        for person in staff
        for role in person.roles
    )
    if staffed and not able:
        yield Fault(("staff",), 'Nobody would be left who may change the program: an administrator on campus "*".')


@singledispatch
def references(snapshot: Snapshot, now: datetime) -> list[Reference]:  # noqa: ARG001 - others need it
    """Return what a thing names, leaving out what has passed: nobody mends last year's absences."""
    return _campus(("campus",), snapshot.campus)


@references.register
def _(snapshot: CampusSnapshot, now: datetime) -> list[Reference]:  # noqa: ARG001
    return []


@references.register
def _(snapshot: StaffSnapshot, now: datetime) -> list[Reference]:
    found = _campus(("campus",), snapshot.campus)
    for place, role in enumerate(snapshot.roles):
        if role.until is None or role.until > now:
            found += _campus(("roles", place, "campus"), role.campus)
    for place, absence in enumerate(snapshot.absences):
        if absence.cover_id is not None and absence.until > now:
            found.append(_staff(("absences", place, "cover_id"), absence.cover_id))
    return found


@references.register
def _(snapshot: RotaSnapshot, now: datetime) -> list[Reference]:
    found = _campus(("campus",), snapshot.campus)
    found += [_staff(("weekly", place, "staff_id"), shift.staff_id) for place, shift in enumerate(snapshot.weekly)]
    return found + [
        _staff(("overrides", place, "staff_id"), shift.staff_id)
        for place, shift in enumerate(snapshot.overrides)
        if shift.until > now
    ]


def _campus(place: Place, campus: str) -> list[Reference]:
    return [] if campus == SYSTEM else [Reference(place, f"campus:{campus}", "campus")]


def _staff(place: Place, staff_id: str) -> Reference:
    return Reference(place, f"staff:{staff_id}", "member of staff")


# --------------------------------------------------------------------------------------------- each thing by itself


@singledispatch
def own_faults(snapshot: Snapshot, stored: State, after: State, now: datetime) -> Iterator[Fault]:
    """Return what is wrong with a thing, places within its entry."""
    raise NotImplementedError(type(snapshot).__name__)


@own_faults.register
def _(snapshot: CampusSnapshot, stored: State, after: State, now: datetime) -> Iterator[Fault]:  # noqa: ARG001
    if snapshot.campus == SYSTEM:
        yield Fault(("campus",), 'The system "*" is no campus.')
    yield from _zone(snapshot.zone)
    slots = [
        (slot.weekday, clock_time(slot.opens), clock_time(slot.closes), n) for n, slot in enumerate(snapshot.hours)
    ]
    for _, opens, closes, place in slots:
        if opens >= closes:
            yield Fault(("hours", place, "closes"), "This is not after it opens; a day ends at 24:00.")
    for (day, _, closes, _), (next_day, opens, _, place) in pairwise(sorted(slots)):
        if day == next_day and opens < closes:
            yield Fault(("hours", place, "opens"), "This overlaps with other hours of the same day.")


@own_faults.register
def _(snapshot: StaffSnapshot, stored: State, after: State, now: datetime) -> Iterator[Fault]:  # noqa: ARG001
    for place, role in enumerate(snapshot.roles):
        if role.name not in ROLES:
            yield Fault(("roles", place, "name"), f"There is no such role. Roles: {', '.join(sorted(ROLES))}.")
        if role.since is not None and role.until is not None and role.since >= role.until:
            yield Fault(("roles", place, "until"), "This is not after its start.")
    for place, absence in enumerate(snapshot.absences):
        if absence.since >= absence.until:
            yield Fault(("absences", place, "until"), "This is not after its start.")
        if absence.cover_id == snapshot.staff_id:
            yield Fault(("absences", place, "cover_id"), "Nobody covers their own absence.")


@own_faults.register
def _(snapshot: RotaSnapshot, stored: State, after: State, now: datetime) -> Iterator[Fault]:  # noqa: ARG001
    if snapshot.function not in FUNCTIONS:
        yield Fault(("function",), f"There is no such function. Functions: {', '.join(FUNCTIONS)}.")
    yield from _zone(snapshot.zone)
    yield from _overlapping(snapshot.overrides)
    if snapshot.function == "titleix":
        yield from _outside_the_wall(snapshot, after)


@own_faults.register
def _(snapshot: PolicySnapshot, stored: State, after: State, now: datetime) -> Iterator[Fault]:  # noqa: ARG001
    before = stored.get(snapshot.key)
    current = before if isinstance(before, PolicySnapshot) and not before.removed else None
    for place, detail in policy_faults(snapshot, current, now):
        yield Fault(place, detail)


def _zone(zone: str) -> Iterator[Fault]:
    if zone not in _zones():
        yield Fault(("zone",), "There is no such time zone. Zones are named like America/New_York.")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _overlapping(overrides: Sequence[Shift]) -> Iterator[Fault]:
    for place, shift in enumerate(overrides):
        if shift.since >= shift.until:
            yield Fault(("overrides", place, "until"), "This is not after its start.")
    order = sorted(range(len(overrides)), key=lambda n: (overrides[n].backup, overrides[n].since, n))
    ends: Mapping[bool, datetime] = {}
    for place in order:
        shift = overrides[place]
        last = ends.get(shift.backup)
        if last is not None and shift.since < last:
            yield Fault(("overrides", place, "since"), "This overlaps with another override of the same place in line.")
        ends = {**ends, shift.backup: max(shift.until, last or shift.until)}


def _outside_the_wall(rota: RotaSnapshot, after: State) -> Iterator[Fault]:
    shifts = [*(("weekly", n, s.staff_id) for n, s in enumerate(rota.weekly))]
    shifts += [("overrides", n, s.staff_id) for n, s in enumerate(rota.overrides)]
    for kind, place, staff_id in shifts:
        person = after.get(f"staff:{staff_id}")
        if isinstance(person, StaffSnapshot) and not _behind_the_wall(person, rota.campus):
            yield Fault((kind, place, "staff_id"), "This person holds no Title IX role on the campus.")


def _behind_the_wall(person: StaffSnapshot, campus: str) -> bool:
    return any(role.name in TITLEIX_ROLES and role.campus in (campus, SYSTEM) for role in person.roles)
