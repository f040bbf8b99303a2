"""Referrals. What people wrote in them is sealed under a key of each referral's own."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.lexicon import Hit
from services.intake.domain.referrals import Referral
from services.intake.storage.batch import CODE, LIST, arrays, insert, joined
from shared.storage.tx import Tx

NARRATIVE, ABOUT, REFERRER = "referral.narrative", "referral.about", "referral.referrer"

_TYPES = {
    "referral_id": "uuid",
    "student_id": "uuid",
    "matched_at": "timestamptz",
    "triaged_at": "timestamptz",
    "concerns": LIST,
    "live": "code boolean",
    "happened_at": "timestamptz",
    "received_at": "timestamptz",
    "case_id": "code uuid",
    "version": "code bigint",
    "import_id": "code uuid",
    "relationship": "text",
    "referrer_id": "text",
    "marks": LIST,
    "due_at": "timestamptz",
}
# Everything else is a code, but for what the referrer may have put in words.
_OWN = {field.name: _TYPES.get(field.name, CODE) for field in fields(Referral)}
_LISTS = tuple(list(_OWN).index(name) for name in ("concerns", "marks"))
_COLUMNS = {
    **_OWN,
    "screened_with": CODE,
    "hits": CODE,
    "narrative": "bytea",
    "about": "bytea",
    "referrer": "bytea",
}
FIELDS = ", ".join(_OWN)
_values = attrgetter(*_OWN)
_INSERT = insert("referrals", _COLUMNS, order="referral_id")
_LOCK_SOURCE = text("SELECT pg_advisory_xact_lock(hashtext('referrals:' || :source))")
_KNOWN = text(
    """
    SELECT source, source_event_id, referral_id, reference, state FROM referrals
    WHERE (source, source_event_id) IN (
        SELECT source, source_event_id FROM unnest(CAST(:sources AS text[]), CAST(:events AS text[]))
             AS asked(source, source_event_id))
    """
)
_LOAD = text(f"SELECT {FIELDS} FROM referrals WHERE referral_id = ANY (CAST(:ids AS uuid[]))")  # noqa: S608
_BY_REFERENCE = text(f"SELECT {FIELDS} FROM referrals WHERE reference = :reference")  # noqa: S608
# Those of danger first: nobody waits to be told, but who is meant is wanted soonest there.
_WAITING = f"""
    SELECT {FIELDS} FROM referrals
    WHERE student_id IS NULL AND match_basis <> 'not_on_roster'
      AND (state = 'matching' OR decision IN ('open_case', 'attach', 'watch_no_case'))
      AND (CAST(:campus AS text) IS NULL OR campus = :campus)
      AND (CAST(:source_kind AS text) IS NULL OR source_kind = :source_kind)
      AND (CAST(:left_open AS boolean) IS NULL OR :left_open = EXISTS (
           SELECT 1 FROM match_decisions AS said
           WHERE said.referral_id = referrals.referral_id AND said.decision = 'left_open'))
      AND (CAST(:after AS uuid) IS NULL OR {{after}})
    ORDER BY {{order}} LIMIT :count
"""  # noqa: S608
_PLACE = "(SELECT {key}, received_at, referral_id FROM referrals WHERE referral_id = :after)"
_QUIET, _LOUD = "found_by = ''", "found_by <> ''"
_WAITING_BY = {
    "oldest": text(
        _WAITING.format(
            after=f"(({_QUIET}), received_at, referral_id) > {_PLACE.format(key=_QUIET)}",
            order=f"({_QUIET}), received_at, referral_id",
        )
    ),
    "newest": text(
        _WAITING.format(
            after=f"(({_LOUD}), received_at, referral_id) < {_PLACE.format(key=_LOUD)}",
            order=f"({_LOUD}) DESC, received_at DESC, referral_id DESC",
        )
    ),
}
_OF_STUDENTS = text(
    f"""
    SELECT {FIELDS} FROM referrals WHERE student_id = ANY (CAST(:students AS uuid[]))
    ORDER BY received_at DESC, referral_id LIMIT :count
    """  # noqa: S608
)
_LOCK = text(f"SELECT {FIELDS} FROM referrals WHERE referral_id = :id FOR UPDATE")  # noqa: S608
_TEXTS = text("SELECT narrative, about, referrer, hits, screened_with FROM referrals WHERE referral_id = :id")
_ABOUTS = text(
    "SELECT referral_id, about FROM referrals WHERE referral_id = ANY (CAST(:ids AS uuid[])) AND about IS NOT NULL"
)
_PAGE = text(
    f"""
    SELECT {FIELDS} FROM referrals
    WHERE campus = :campus AND (CAST(:state AS text) IS NULL OR state = :state)
      AND (CAST(:matched AS boolean) IS NULL OR (student_id IS NOT NULL) = :matched)
      AND referral_id > CAST(:after AS uuid)
    ORDER BY referral_id LIMIT :count
    """  # noqa: S608
)
_SAVE = text(
    """
    UPDATE referrals SET student_id = :student_id, match_basis = :match_basis, matched_by = :matched_by,
        matched_at = :matched_at, state = :state, decision = :decision, reason_code = :reason_code,
        decided_by = :decided_by, triaged_at = :triaged_at, status = :status, version = :version,
        sensitivity = :sensitivity, family = :family, concerns = :concerns, level = :level, found_by = :found_by,
        marks = :marks, rating = :rating
    WHERE referral_id = :referral_id
    """
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A referral to store: what rules see, what screening found, and what people wrote, sealed."""

    referral: Referral
    screened_with: str
    hits: tuple[Hit, ...]
    narrative: bytes | None
    about: bytes | None
    referrer: bytes | None


@dataclass(frozen=True, slots=True)
class Known:
    """A referral that its source has sent before."""

    referral_id: UUID
    reference: str
    state: str


@dataclass(frozen=True, slots=True)
class Texts:
    """What is sealed in a referral, and the places where screening found something."""

    narrative: bytes | None
    about: bytes | None
    referrer: bytes | None
    hits: tuple[Hit, ...]
    screened_with: str


async def lock_source(connection: AsyncConnection, source: str) -> None:
    """Let one transaction at a time take in what a source sends."""
    await connection.execute(_LOCK_SOURCE, {"source": source})


async def known(connection: AsyncConnection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Known]:
    """Return which of these (source, source event id) are there already."""
    asked = {"sources": [source for source, _ in keys], "events": [event for _, event in keys]}
    rows = (await connection.execute(_KNOWN, asked)).all()
    return {(row.source, row.source_event_id): Known(row.referral_id, row.reference, row.state) for row in rows}


async def store(connection: AsyncConnection, kept: Sequence[Kept]) -> None:
    """Store new referrals."""
    rows = [
        (*_row(each.referral), each.screened_with, _hits(each.hits), each.narrative, each.about, each.referrer)
        for each in kept
    ]
    await connection.execute(_INSERT, arrays(_COLUMNS, rows))


async def load(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Referral]:
    """Return referrals, as far as row security shows them."""
    rows = (await connection.execute(_LOAD, {"ids": sorted(set(ids))})).all()
    return {row.referral_id: referral_of(row) for row in rows}


async def by_reference(connection: AsyncConnection, reference: str) -> Referral | None:
    """Return the referral of a reference, if row security shows it."""
    row = (await connection.execute(_BY_REFERENCE, {"reference": reference})).one_or_none()
    return None if row is None else referral_of(row)


async def waiting(
    connection: AsyncConnection,
    campus: str | None,
    count: int,
    *,
    source_kind: str | None = None,
    left_open: bool | None = None,
    order: Literal["oldest", "newest"] = "oldest",
    after: UUID | None = None,
) -> list[Referral]:
    """Return referrals of which nobody knows whom they are about: danger first, then the oldest or the newest."""
    asked = {"campus": campus, "source_kind": source_kind, "left_open": left_open, "after": after, "count": count}
    return [referral_of(row) for row in (await connection.execute(_WAITING_BY[order], asked)).all()]


async def of_students(connection: AsyncConnection, students: Sequence[UUID], count: int) -> list[Referral]:
    """Return referrals about any of these students, the newest first."""
    asked = {"students": sorted(students), "count": count}
    return [referral_of(row) for row in (await connection.execute(_OF_STUDENTS, asked)).all()]


async def lock(connection: AsyncConnection, id_: UUID) -> Referral | None:
    """Return a referral and hold it until the transaction ends."""
    row = (await connection.execute(_LOCK, {"id": id_})).one_or_none()
    return None if row is None else referral_of(row)


async def texts(connection: AsyncConnection, id_: UUID) -> Texts:
    """Return what is sealed in a referral that is known to be there."""
    row = (await connection.execute(_TEXTS, {"id": id_})).one()
    return Texts(
        row.narrative, row.about, row.referrer, tuple(Hit(*hit) for hit in json.loads(row.hits)), row.screened_with
    )


async def abouts(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """Return, sealed, whom referrals say they are about; those that say nothing are left out."""
    rows = (await connection.execute(_ABOUTS, {"ids": list(ids)})).all()
    return {row.referral_id: bytes(row.about) for row in rows}


async def page(
    connection: AsyncConnection, campus: str, *, state: str | None, matched: bool | None, after: UUID, count: int
) -> list[Referral]:
    """Return referrals of a campus, oldest first."""
    asked: dict[str, Any] = {"campus": campus, "state": state, "matched": matched, "after": after, "count": count}
    return [referral_of(row) for row in (await connection.execute(_PAGE, asked)).all()]


async def save(tx: Tx, referral: Referral) -> None:
    """Store what was decided about a referral."""
    names = (
        "referral_id", "student_id", "match_basis", "matched_by", "matched_at", "state", "decision", "reason_code",
        "decided_by", "triaged_at", "status", "version", "sensitivity", "family", "level", "found_by", "rating",
    )  # fmt: skip
    lists = {"concerns": list(referral.concerns), "marks": list(referral.marks)}
    await tx.connection.execute(_SAVE, {name: getattr(referral, name) for name in names} | lists)


def _row(referral: Referral) -> list[Any]:
    values: list[Any] = list(_values(referral))
    for place in _LISTS:
        values[place] = joined(values[place])
    return values


def _hits(hits: Sequence[Hit]) -> str:
    rows = [[hit.category, hit.start, hit.end, hit.concern, hit.negated, hit.edition] for hit in hits]
    return json.dumps(rows) if rows else "[]"


def referral_of(row: Any) -> Referral:  # noqa: ANN401 - a row of one of the statements above
    values = list(row)
    for place in _LISTS:
        values[place] = tuple(values[place])
    return Referral(*values)
