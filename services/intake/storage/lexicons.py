"""Editions of word lists that people made. Those that ship are files; see `usecases/screening.py`."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.lexicon import Edition, Lexicon
from shared.storage.tx import Tx

DRAFT, ACTIVE, WITHDRAWN, DISCARDED = "draft", "active", "withdrawn", "discarded"

_FIELDS = (
    "edition, language, based_on, state, note, authors, made_at, changed_at, version, effective_from, activated_by,"
    " activated_at, lower_recall_reason, withdrawn_by, withdrawn_at, withdrawn_reason"
)
_NAMES = tuple(name.strip() for name in _FIELDS.split(","))
_IN_USE = text(
    "SELECT edition, effective_from, document FROM lexicon_editions WHERE state = 'active' ORDER BY activated_at"
)
_LIST = text(f"SELECT {_FIELDS} FROM lexicon_editions ORDER BY changed_at DESC")  # noqa: S608 - our own names
_READ = text(f"SELECT {_FIELDS}, document FROM lexicon_editions WHERE edition = :edition")  # noqa: S608
_LOCK = text(f"SELECT {_FIELDS}, document FROM lexicon_editions WHERE edition = :edition FOR UPDATE")  # noqa: S608
_ADD = text(
    """
    INSERT INTO lexicon_editions
        (edition, campus, language, based_on, document, state, note, authors, made_at, changed_at, version)
    VALUES (:edition, '*', :language, :based_on, :document, 'draft', :note, :authors, :now, :now, 1)
    ON CONFLICT (edition) DO NOTHING RETURNING edition
    """
)
_SAVE = text(
    """
    UPDATE lexicon_editions SET document = :document, state = :state, note = :note, authors = :authors,
        changed_at = :now, version = version + 1, effective_from = :effective_from, activated_by = :activated_by,
        activated_at = :activated_at, lower_recall_reason = :lower_recall_reason, withdrawn_by = :withdrawn_by,
        withdrawn_at = :withdrawn_at, withdrawn_reason = :withdrawn_reason
    WHERE edition = :edition
    """
)
# Compiled once, however often it is looked for: an edition in force never changes.
_compiled: dict[tuple[str, str], Lexicon] = {}


@dataclass(frozen=True, slots=True)
class Made:
    """An edition that people made; `document` is empty where only the list of editions is asked for."""

    edition: str
    language: str
    based_on: str
    state: str
    note: str
    authors: tuple[str, ...]
    made_at: datetime
    changed_at: datetime
    version: int
    effective_from: datetime | None = None
    activated_by: str = ""
    activated_at: datetime | None = None
    lower_recall_reason: str = ""
    withdrawn_by: str = ""
    withdrawn_at: datetime | None = None
    withdrawn_reason: str = ""
    document: dict[str, Any] = field(default_factory=dict)


async def in_use(connection: AsyncConnection) -> tuple[Edition, ...]:
    """Return the editions that people put in force, those that are still to begin too."""
    rows = (await connection.execute(_IN_USE)).all()
    return tuple(Edition(_lexicon(row.edition, row.document), row.effective_from, by_people=True) for row in rows)


async def every(connection: AsyncConnection) -> list[Made]:
    """Return all editions that people made, the last changed first, without their documents."""
    return [_made(row) for row in (await connection.execute(_LIST)).all()]


async def load(connection: AsyncConnection, edition: str, *, lock: bool = False) -> Made | None:
    """Return an edition that people made; with `lock` it is held until the transaction ends."""
    row = (await connection.execute(_LOCK if lock else _READ, {"edition": edition})).one_or_none()
    return None if row is None else _made(row, json.loads(row.document))


async def add(tx: Tx, made: Made) -> bool:
    """Store a new draft; False when the name is taken."""
    given = {
        "edition": made.edition,
        "language": made.language,
        "based_on": made.based_on,
        "document": json.dumps(made.document, ensure_ascii=False),
        "note": made.note,
        "authors": list(made.authors),
        "now": tx.now,
    }
    return (await tx.connection.execute(_ADD, given)).scalar_one_or_none() is not None


async def save(tx: Tx, made: Made) -> None:
    """Store what became of an edition."""
    names = (
        "edition", "state", "note", "effective_from", "activated_by", "activated_at", "lower_recall_reason",
        "withdrawn_by", "withdrawn_at", "withdrawn_reason",
    )  # fmt: skip
    given = {name: getattr(made, name) for name in names}
    more = {"authors": list(made.authors), "document": json.dumps(made.document, ensure_ascii=False), "now": tx.now}
    await tx.connection.execute(_SAVE, given | more)


def _lexicon(edition: str, document: str) -> Lexicon:
    if (edition, document) not in _compiled:
        _compiled[edition, document] = Lexicon.of(json.loads(document))
    return _compiled[edition, document]


def _made(row: Any, document: dict[str, Any] | None = None) -> Made:  # noqa: ANN401 - a row of one of the statements
    said = {name: getattr(row, name) for name in _NAMES}
    return Made(**said | {"authors": tuple(row.authors)}, document=document or {})
