"""Documents for the tests beside this file, and what is wrong with them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.program.domain.changes import Change, plan
from services.program.domain.document import DocumentInvalid, Entry
from services.program.http.models import Document
from shared.events import Snapshot
from tests.unit.program.samples import utc

NOW = utc("2026-03-02 12:00")

NORTH: dict[str, Any] = {"campus": "NORTH", "name": "North", "zone": "America/New_York"}
SOUTH: dict[str, Any] = {"campus": "SOUTH", "name": "South", "zone": "UTC"}


def member(staff_id: str, *roles: str, campus: str = "NORTH", **more: Any) -> dict[str, Any]:
    """A member of staff as a document says it; a role is `name` or `name@campus`."""
    held = [{"name": role.split("@")[0], "campus": role.partition("@")[2] or campus} for role in roles]
    address = f"{staff_id}@staff.example.edu"
    return {"staff_id": staff_id, "campus": campus, "name": staff_id.title(), "email": address, "roles": held, **more}


ADA = member("ada", "administrator@*")
MINIMAL: dict[str, Any] = {"campuses": [NORTH], "staff": [ADA]}


def entries(**sections: list[dict[str, Any]]) -> list[Entry]:
    return Document.model_validate(sections).entries()


def state(*changes: Change, start: Mapping[str, Snapshot] | None = None) -> dict[str, Snapshot]:
    """What is stored once these changes have been carried out."""
    return {**(start or {}), **{change.key: change.after for change in changes}}


def applied(
    start: Mapping[str, Snapshot] | None = None, at: datetime = NOW, **sections: list[dict[str, Any]]
) -> dict[str, Snapshot]:
    """Apply a document to a stored program."""
    return state(*plan(start or {}, entries(**sections), at), start=start)


def faults(
    start: Mapping[str, Snapshot] | None = None, at: datetime = NOW, **sections: list[dict[str, Any]]
) -> dict[str, str]:
    """Return what is wrong with a document: words by place, written `staff/0/roles/1/name`."""
    try:
        plan(start or {}, entries(**sections), at)
    except DocumentInvalid as invalid:
        return {"/".join(map(str, fault.place)): fault.detail for fault in invalid.faults}
    return {}
