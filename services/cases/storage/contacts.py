"""Contacts as rows."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.cases.domain.case import Case
from services.cases.domain.contact import Contact

_COLUMNS = "contact_id, case_id, mode, direction, outcome_code, party, made_by, at, next_due, recorded_by, recorded_at"
_INSERT = text(
    f"""
    INSERT INTO contacts (campus, sensitivity, {_COLUMNS})
    VALUES (:campus, :sensitivity, :contact_id, :case_id, :mode, :direction, :outcome_code, :party, :made_by, :at,
            :next_due, :recorded_by, :recorded_at)
    """  # noqa: S608 - our own names
)
_OF_CASE = text(f"SELECT {_COLUMNS} FROM contacts WHERE case_id = :case_id ORDER BY at, contact_id")  # noqa: S608 - our names
_MOVE = text("UPDATE contacts SET case_id = :kept WHERE case_id = :gone")


async def insert(connection: AsyncConnection, case: Case, contact: Contact) -> None:
    """Store a contact of a case."""
    values: dict[str, Any] = {name: getattr(contact, name) for name in Contact.__slots__}
    values["made_by"] = values.pop("by")
    await connection.execute(_INSERT, values | {"campus": case.campus, "sensitivity": case.sensitivity})


async def of_case(connection: AsyncConnection, case_id: UUID) -> list[Contact]:
    """Return the contacts of a case in the order in which they happened."""
    rows = (await connection.execute(_OF_CASE, {"case_id": case_id})).mappings()
    return [Contact(**{"by" if name == "made_by" else name: value for name, value in row.items()}) for row in rows]


async def move(connection: AsyncConnection, *, gone: UUID, kept: UUID) -> None:
    """Let the contacts of one case belong to another."""
    await connection.execute(_MOVE, {"gone": gone, "kept": kept})
