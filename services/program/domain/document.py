"""A document: what somebody says the program is, or a part of it. Each entry is the whole of its thing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch

from shared.events import Snapshot
from shared.events.program import StaffSnapshot
from shared.refusal import Refused

SYSTEM = "*"
Place = tuple[str | int, ...]
State = Mapping[str, Snapshot]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a document: its place there, its key, and what it is to be; None where it is to be removed."""

    place: Place
    key: str
    snapshot: Snapshot | None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in fixed words, and where in the document."""

    place: Place
    detail: str


class DocumentInvalid(Refused):
    """The document cannot be applied. All of its faults at once, so that it is mended at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("invalid", "The document is not valid.", status=422)
        self.faults = tuple(faults)


def kind_of(key: str) -> str:
    """Return `campus`, `staff`, `rota` or `policy`."""
    return key.split(":", 1)[0]


def present(state: State) -> dict[str, Snapshot]:
    """Return what exists, without what was removed."""
    return {key: snapshot for key, snapshot in state.items() if not snapshot.removed}


@singledispatch
def campuses_of(snapshot: Snapshot) -> frozenset[str]:
    """Return the campuses whose administrator it takes to change this: whoever gives a role must hold its campus."""
    return frozenset({snapshot.campus})


@campuses_of.register
def _(snapshot: StaffSnapshot) -> frozenset[str]:
    return frozenset({snapshot.campus, *(role.campus for role in snapshot.roles)})


def campuses_of_all(snapshots: Iterable[Snapshot | None]) -> frozenset[str]:
    """Return all campuses it takes to change these."""
    return frozenset[str]().union(*(campuses_of(snapshot) for snapshot in snapshots if snapshot is not None))
