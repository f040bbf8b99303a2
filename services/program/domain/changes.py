"""What a document changes of the program as it is. Pure: the same document on the same program gives the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import fields, replace

from services.program.domain.checks import faults_of
from services.program.domain.document import (
    DocumentInvalid,
    Entry,
    Fault,
    State,
    campuses_of_all,
    kind_of,
    present,
)
from services.program.domain.policies import as_approved
from shared.events import Snapshot
from shared.events.program import CampusSnapshot, PolicySnapshot, RotaSnapshot

# What a change is not about: the version, and the calendar's, which follow from the rest.
_DERIVED = ("sequence", "calendar_version")
_CALENDAR = ("zone", "hours", "closed_days")


@dataclass(frozen=True, slots=True)
class Change:
    """One key that becomes something else. `after` is what will be published, with the next version."""

    key: str
    change: Literal["add", "change", "remove"]
    fields: tuple[str, ...]
    before: Snapshot | None
    after: Snapshot

    @property
    def kind(self) -> str:
        """`campus`, `staff`, `rota` or `policy`."""
        return kind_of(self.key)


def campuses_touched(changes: Sequence[Change]) -> frozenset[str]:
    """Return the campuses whose administrator it takes, by what is now and by what will be."""
    return campuses_of_all(snapshot for change in changes for snapshot in (change.before, change.after))


def plan(stored: State, entries: Sequence[Entry], now: datetime) -> list[Change]:
    """Return what applying the entries would change, in the document's order; nothing when all is so already.

    `stored` is every snapshot by key, removed ones too, because versions go on where they ended. Things the document
    does not name stay. Raises DocumentInvalid with everything that is wrong with the program as it would then be.
    """
    _refuse([*_repeated(entries), *_unknown_removals(stored, entries)])
    completed = _completed(stored, entries)
    changes = [change for entry in completed if (change := _change(stored, entry))]
    after = present({**stored, **{change.key: change.after for change in changes}})
    _refuse(faults_of(stored, after, completed, now))
    return changes


def _refuse(faults: Sequence[Fault]) -> None:
    if faults:
        raise DocumentInvalid(faults)


def _repeated(entries: Sequence[Entry]) -> Iterator[Fault]:
    seen: set[str] = set()
    for entry in entries:
        if entry.key in seen:
            yield Fault(entry.place, "The document says this twice.")
        seen.add(entry.key)


def _unknown_removals(stored: State, entries: Sequence[Entry]) -> Iterator[Fault]:
    for entry in entries:
        if entry.snapshot is None and entry.key not in stored:
            yield Fault((*entry.place, "status"), "What is to be removed does not exist.")


def _completed(stored: State, entries: Sequence[Entry]) -> list[Entry]:
    """Fill what an entry leaves to us: a rota's zone, a calendar's version, when editions were approved."""
    said = [entry.snapshot for entry in entries if entry.snapshot is not None]
    campuses = {s.campus: s for s in (*present(stored).values(), *said) if isinstance(s, CampusSnapshot)}

    def complete(snapshot: Snapshot) -> Snapshot:
        if isinstance(snapshot, RotaSnapshot) and not snapshot.zone:
            campus = campuses.get(snapshot.campus)
            return replace(snapshot, zone=campus.zone if campus else "UTC")
        if isinstance(snapshot, CampusSnapshot):
            return replace(snapshot, calendar_version=_calendar_version(stored.get(snapshot.key), snapshot))
        before = stored.get(snapshot.key)
        if isinstance(snapshot, PolicySnapshot) and isinstance(before, PolicySnapshot):
            return as_approved(snapshot, before)
        return snapshot

    return [Entry(e.place, e.key, complete(e.snapshot) if e.snapshot is not None else None) for e in entries]


def _calendar_version(before: Snapshot | None, campus: CampusSnapshot) -> str:
    if not isinstance(before, CampusSnapshot):
        return "1"
    same = all(getattr(before, name) == getattr(campus, name) for name in _CALENDAR)
    return before.calendar_version if same else str(int(before.calendar_version) + 1)


def _change(stored: State, entry: Entry) -> Change | None:
    before = stored.get(entry.key)
    if entry.snapshot is None:
        if before is None or before.removed:
            return None
        gone = replace(before, status="removed", sequence=before.sequence + 1)
        return Change(entry.key, "remove", (), before, gone)
    if before is None:
        return Change(entry.key, "add", _fields(None, entry.snapshot), None, entry.snapshot)
    after = replace(entry.snapshot, sequence=before.sequence + 1)
    if before.removed:
        return Change(entry.key, "add", _fields(None, after), before, after)
    changed = _fields(before, after)
    return Change(entry.key, "change", changed, before, after) if changed else None


def _fields(before: Snapshot | None, after: Snapshot) -> tuple[str, ...]:
    """Return the names of the fields that differ; of something new, those that say more than their default does."""
    names = [field for field in fields(after) if field.name not in _DERIVED]
    if before is None:
        return tuple(f.name for f in names if f.default is msgspec.NODEFAULT or getattr(after, f.name) != f.default)
    return tuple(field.name for field in names if getattr(before, field.name) != getattr(after, field.name))
