"""What was said about a referral after it came, what was sent with it, and what people did with it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.lexicon import Hit
from services.intake.domain.referrals import Referral
from shared.ids import new_id
from shared.storage.tx import Tx

MESSAGE, FILE_NAME, FILE = "referral.message", "referral.file_name", "referral.file"
QUESTION, ANSWER, ADDITION = "question", "answer", "addition"

_SAY = text(
    """
    INSERT INTO referral_messages (message_id, referral_id, campus, sensitivity, kind, author_id, answers, body, level,
                                   screened_with, hits, written_at)
    VALUES (:message_id, :referral_id, :campus, :sensitivity, :kind, :author_id, :answers, :body, :level,
            :screened_with, :hits, :written_at)
    ON CONFLICT (message_id) DO NOTHING RETURNING message_id
    """
)
_MESSAGES = text(
    """
    SELECT message_id, kind, author_id, answers, body, level, screened_with, hits, written_at
    FROM referral_messages WHERE referral_id = :id ORDER BY written_at, message_id
    """
)
_ATTACH = text(
    """
    INSERT INTO attachments (attachment_id, referral_id, message_id, campus, sensitivity, kind, size, name, content,
                             added_at)
    VALUES (:attachment_id, :referral_id, :message_id, :campus, :sensitivity, :kind, :size, :name, :content, :now)
    """
)
_ATTACHMENTS = text(
    "SELECT attachment_id, message_id, kind, size, name, added_at FROM attachments WHERE referral_id = :id"
    " ORDER BY attachment_id"
)
_CONTENT = text(
    "SELECT kind, name, content FROM attachments WHERE referral_id = :id AND attachment_id = :attachment_id"
)
_COUNT = text("SELECT count(*), coalesce(sum(size), 0) FROM attachments WHERE referral_id = :id")
_TURN = text(
    """
    INSERT INTO referral_turns (turn_id, referral_id, campus, sensitivity, kind, code, other_id, done_by, done_at)
    VALUES (:turn_id, :referral_id, :campus, :sensitivity, :kind, :code, :other_id, :done_by, :now)
    """
)
_TURNS = text(
    "SELECT kind, code, other_id, done_by, done_at FROM referral_turns WHERE referral_id = :id ORDER BY turn_id"
)


@dataclass(frozen=True, slots=True)
class Message:
    """One thing somebody said, sealed. `author_id` is a staff id, and empty for the referrer."""

    message_id: UUID
    kind: str
    author_id: str
    answers: UUID | None
    body: bytes
    level: str
    screened_with: str
    hits: tuple[Hit, ...]
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came along, without its content. `name` is sealed; `kind` says what it is by its content."""

    attachment_id: UUID
    message_id: UUID | None
    kind: str
    size: int
    name: bytes
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody did with a referral, beside deciding it."""

    kind: str
    code: str
    other_id: UUID | None
    done_by: str
    done_at: datetime


async def say(tx: Tx, referral: Referral, message: Message) -> bool:
    """Store a message; return whether it is new, for the same form may be sent twice."""
    hits = [[hit.category, hit.start, hit.end, hit.concern, hit.negated, hit.edition] for hit in message.hits]
    asked = {
        **_whose(referral),
        "message_id": message.message_id,
        "kind": message.kind,
        "author_id": message.author_id,
        "answers": message.answers,
        "body": message.body,
        "level": message.level,
        "screened_with": message.screened_with,
        "hits": json.dumps(hits),
        "written_at": message.written_at,
    }
    return (await tx.connection.execute(_SAY, asked)).scalar_one_or_none() is not None


async def messages(connection: AsyncConnection, referral_id: UUID) -> list[Message]:
    """Return what was said about a referral, oldest first."""
    return [_message(row) for row in (await connection.execute(_MESSAGES, {"id": referral_id})).all()]


async def attach(
    tx: Tx, referral: Referral, files: Sequence[tuple[UUID, str, int, bytes, bytes]], message_id: UUID | None = None
) -> None:
    """Store files: (id, kind, number of bytes, sealed name, sealed content)."""
    if not files:
        return
    asked = [
        {
            **_whose(referral),
            "attachment_id": id_,
            "message_id": message_id,
            "kind": kind,
            "size": size,
            "name": name,
            "content": content,
            "now": tx.now,
        }
        for id_, kind, size, name, content in files
    ]
    await tx.connection.execute(_ATTACH, asked)


async def attachments(connection: AsyncConnection, referral_id: UUID) -> list[Attachment]:
    """Return the files of a referral without what is in them, oldest first."""
    return [Attachment(*row) for row in (await connection.execute(_ATTACHMENTS, {"id": referral_id})).all()]


async def content(
    connection: AsyncConnection, referral_id: UUID, attachment_id: UUID
) -> tuple[str, bytes, bytes] | None:
    """Return (kind, sealed name, sealed content) of a file, if the referral has it."""
    asked = {"id": referral_id, "attachment_id": attachment_id}
    row = (await connection.execute(_CONTENT, asked)).one_or_none()
    return None if row is None else (row.kind, bytes(row.name), bytes(row.content))


async def room_left(connection: AsyncConnection, referral_id: UUID) -> tuple[int, int]:
    """Return how many files a referral has, and how many bytes."""
    count, size = (await connection.execute(_COUNT, {"id": referral_id})).one()
    return int(count), int(size)


async def turn(tx: Tx, referral: Referral, kind: str, code: str, other_id: UUID | None = None) -> None:
    """Note what the actor did with a referral."""
    asked = {
        **_whose(referral),
        "turn_id": new_id(),
        "kind": kind,
        "code": code,
        "other_id": other_id,
        "done_by": tx.actor.id if tx.actor.kind == "person" else "referrer",
        "now": tx.now,
    }
    await tx.connection.execute(_TURN, asked)


async def turns(connection: AsyncConnection, referral_id: UUID) -> list[Turn]:
    """Return what people did with a referral, oldest first."""
    return [Turn(*row) for row in (await connection.execute(_TURNS, {"id": referral_id})).all()]


def _whose(referral: Referral) -> dict[str, Any]:
    return {
        "referral_id": referral.referral_id,
        "campus": referral.campus,
        "sensitivity": referral.sensitivity,
    }


def _message(row: Any) -> Message:  # noqa: ANN401 - a row of the statement above
    hits = tuple(Hit(*hit) for hit in json.loads(row.hits))
    return Message(
        row.message_id, row.kind, row.author_id, row.answers, bytes(row.body), row.level, row.screened_with, hits,
        row.written_at,
    )  # fmt: skip
