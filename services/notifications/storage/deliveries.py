"""Messages to be sent, each claimed, sent and marked in separate transactions: none of them spans a send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifications.domain.why import Receipt

Kind = Literal["page", "emergency", "taken", "notice", "referrer", "feed", "student"]

PRIORITY: Mapping[Kind, int] = {
    "page": 0,
    "emergency": 0,
    "taken": 1,
    "notice": 9,
    "referrer": 9,
    "feed": 9,
    "student": 9,
}

_encoder = msgspec.json.Encoder()

# A message that still waits is replaced by its successor instead of being joined by it; notices add up.
_QUEUE = text(
    """
    INSERT INTO deliveries (id, kind, subject, page_id, turn, campus, person, address, priority, facts, bundled, state,
                            queued_at, due_at)
    SELECT id, kind, subject, page_id, turn, campus, person, address, priority, CAST(facts AS jsonb), bundled,
           'waiting', :now, due_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:subjects AS text[]), CAST(:page_ids AS uuid[]),
                CAST(:turns AS int[]), CAST(:campuses AS text[]), CAST(:persons AS text[]), CAST(:addresses AS text[]),
                CAST(:priorities AS smallint[]), CAST(:facts AS text[]), CAST(:bundled AS int[]),
                CAST(:due_ats AS timestamptz[]))
         AS row(id, kind, subject, page_id, turn, campus, person, address, priority, facts, bundled, due_at)
    ORDER BY kind, subject, person
    ON CONFLICT (kind, subject, person) WHERE state = 'waiting' DO UPDATE
    SET turn = excluded.turn, address = excluded.address, facts = excluded.facts,
        bundled = deliveries.bundled + excluded.bundled, due_at = least(deliveries.due_at, excluded.due_at),
        queued_at = least(deliveries.queued_at, excluded.queued_at)
    """
)
_CANCEL = text(
    "UPDATE deliveries SET state = 'cancelled'"
    " WHERE page_id = ANY (CAST(:page_ids AS uuid[])) AND kind IN ('page', 'emergency') AND state = 'waiting'"
)
_CANCEL_NOTICES = text(
    "UPDATE deliveries SET state = 'cancelled'"
    " WHERE kind = :kind AND subject = ANY (CAST(:subjects AS text[])) AND state = 'waiting'"
)
_CLAIM = text(
    """
    WITH due AS (
        SELECT id FROM deliveries
        WHERE state IN ('waiting', 'claimed') AND due_at <= :now AND id <> ALL (CAST(:in_hand AS uuid[]))
        ORDER BY priority, due_at, id LIMIT :count
        FOR UPDATE SKIP LOCKED
    )
    UPDATE deliveries SET state = 'claimed', attempts = attempts + 1, due_at = :until
    FROM due WHERE deliveries.id = due.id
    RETURNING deliveries.id, kind, page_id, turn, campus, person, address, priority, CAST(facts AS text), bundled,
              attempts, queued_at
    """
)
_MARK = text(
    """
    UPDATE deliveries AS delivery
    SET state = row.state, due_at = row.due_at, sent_at = row.sent_at, reply_code = row.reply_code,
        error_class = row.error_class
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:due_ats AS timestamptz[]),
                CAST(:sent_ats AS timestamptz[]), CAST(:reply_codes AS int[]), CAST(:error_classes AS text[]))
         AS row(id, state, due_at, sent_at, reply_code, error_class)
    WHERE delivery.id = row.id AND delivery.state = 'claimed'
    RETURNING delivery.page_id, delivery.turn, delivery.state
    """
)
# A message to try again gives way to its successor, if it has one by now (one waiting per person and subject), and is
# not wanted any more when somebody took its page meanwhile.
_GIVE_WAY = text(
    """
    UPDATE deliveries AS delivery SET state = 'cancelled'
    WHERE delivery.id = ANY (CAST(:ids AS uuid[])) AND delivery.state = 'claimed' AND (EXISTS (
        SELECT 1 FROM deliveries AS later WHERE later.kind = delivery.kind AND later.subject = delivery.subject
          AND later.person = delivery.person
          AND (later.state = 'waiting' OR (later.state = 'claimed' AND later.id > delivery.id)))
      OR delivery.kind IN ('page', 'emergency') AND EXISTS (
        SELECT 1 FROM pages WHERE pages.id = delivery.page_id AND pages.state = 'accepted'))
    """
)
_WHOLLY_FAILED = text(
    """
    SELECT page_id, turn FROM deliveries
    WHERE (page_id, turn) IN (SELECT * FROM unnest(CAST(:page_ids AS uuid[]), CAST(:turns AS int[])))
      AND kind IN ('page', 'emergency')
    GROUP BY page_id, turn HAVING bool_and(state = 'failed')
    ORDER BY page_id
    """
)
_RECEIPTS = text(
    "SELECT turn, person, queued_at, sent_at, state = 'failed' AS failed FROM deliveries"
    " WHERE page_id = :page_id AND kind IN ('page', 'emergency') ORDER BY id"
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to queue. `facts` are codes, times and names of staff and campuses; never anything of a student."""

    id: UUID
    kind: Kind
    subject: str
    page_id: UUID | None
    turn: int
    campus: str
    person: str
    address: str
    facts: Mapping[str, Any]
    due_at: datetime
    bundled: int = 1


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this courier has in hand."""

    id: UUID
    kind: Kind
    page_id: UUID | None
    turn: int
    campus: str
    person: str
    address: str
    priority: int
    facts: Mapping[str, Any]
    bundled: int
    attempts: int
    queued_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claimed message: `sent`, `failed` for good, `waiting` again until `due_at`, or not wanted."""

    id: UUID
    state: Literal["sent", "failed", "waiting", "cancelled"]
    at: datetime
    due_at: datetime
    reply_code: int | None = None
    error_class: str = ""


async def queue(connection: AsyncConnection, deliveries: Sequence[Delivery], now: datetime) -> None:
    """Store messages for the courier. At most one per kind, subject and person."""
    if not deliveries:
        return
    await connection.execute(
        _QUEUE,
        {
            "now": now,
            "ids": [each.id for each in deliveries],
            "kinds": [each.kind for each in deliveries],
            "subjects": [each.subject for each in deliveries],
            "page_ids": [each.page_id for each in deliveries],
            "turns": [each.turn for each in deliveries],
            "campuses": [each.campus for each in deliveries],
            "persons": [each.person for each in deliveries],
            "addresses": [each.address for each in deliveries],
            "priorities": [PRIORITY[each.kind] for each in deliveries],
            "facts": [_encoder.encode(each.facts).decode() for each in deliveries],
            "bundled": [each.bundled for each in deliveries],
            "due_ats": [each.due_at for each in deliveries],
        },
    )


async def cancel(connection: AsyncConnection, page_ids: Sequence[UUID]) -> None:
    """Take back what has not left yet of pages that need nobody any more."""
    if page_ids:
        await connection.execute(_CANCEL, {"page_ids": sorted(page_ids)})


async def cancel_notices(connection: AsyncConnection, kind: Kind, subjects: Sequence[str]) -> None:
    """Take back notices that have not left yet and are no news any more."""
    if subjects:
        await connection.execute(_CANCEL_NOTICES, {"kind": kind, "subjects": sorted(subjects)})


async def claim(
    connection: AsyncConnection, count: int, now: datetime, until: datetime, in_hand: Sequence[UUID]
) -> list[Claimed]:
    """Take up to `count` due messages, pages first; whoever dies with them loses them at `until`."""
    found = await connection.execute(_CLAIM, {"count": count, "now": now, "until": until, "in_hand": list(in_hand)})
    claimed = [_claimed(row) for row in found]
    return sorted(claimed, key=lambda each: (each.priority, each.queued_at, each.id))


async def mark(connection: AsyncConnection, outcomes: Sequence[Outcome]) -> list[tuple[UUID, int]]:
    """Store what became of claimed messages; return the (page, turn) of which no message can arrive any more."""
    again = [each.id for each in outcomes if each.state == "waiting"]
    if again:
        await connection.execute(_GIVE_WAY, {"ids": again})
    marked = await connection.execute(
        _MARK,
        {
            "ids": [each.id for each in outcomes],
            "states": [each.state for each in outcomes],
            "due_ats": [each.due_at for each in outcomes],
            "sent_ats": [each.at if each.state == "sent" else None for each in outcomes],
            "reply_codes": [each.reply_code for each in outcomes],
            "error_classes": [each.error_class for each in outcomes],
        },
    )
    failed = sorted({(row.page_id, row.turn) for row in marked if row.state == "failed" and row.page_id is not None})
    if not failed:
        return []
    pages, turns = zip(*failed, strict=True)
    lost = await connection.execute(_WHOLLY_FAILED, {"page_ids": list(pages), "turns": list(turns)})
    return [(row.page_id, row.turn) for row in lost]


async def receipts(connection: AsyncConnection, page_id: UUID) -> dict[tuple[int, str], Receipt]:
    """Return what became of the messages of a page, by turn and person."""
    found = await connection.execute(_RECEIPTS, {"page_id": page_id})
    return {(row.turn, row.person): Receipt(row.queued_at, row.sent_at, row.failed) for row in found}


def _claimed(row: Sequence[Any]) -> Claimed:
    id_, kind, page_id, turn, campus, person, address, priority, facts, bundled, attempts, queued_at = row
    return Claimed(
        id_, kind, page_id, turn, campus, person, address, priority, msgspec.json.decode(facts), bundled, attempts,
        queued_at,
    )  # fmt: skip
