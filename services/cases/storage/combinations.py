"""Questions whether two cases are one, and their answers."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.cases.domain.combination import Combination

_COLUMNS = (
    "combination_id, campus, sensitivity, case_id, other_case_id, student_id, asked_at, decision, reason, decided_by,"
    " decided_at"
)
_ASK = text(
    """
    INSERT INTO combinations
        (combination_id, campus, sensitivity, case_id, other_case_id, student_id, asked_at, reason)
    SELECT combination_id, campus, sensitivity, case_id, other_case_id, student_id, :at, ''
    FROM unnest(CAST(:ids AS uuid[]), CAST(:campuses AS text[]), CAST(:sensitivities AS text[]),
                CAST(:cases AS uuid[]), CAST(:others AS uuid[]), CAST(:students AS uuid[]))
         AS row(combination_id, campus, sensitivity, case_id, other_case_id, student_id)
    ORDER BY combination_id
    ON CONFLICT DO NOTHING
    RETURNING combination_id
    """
)
_LOCK = text(f"SELECT {_COLUMNS} FROM combinations WHERE combination_id = :id FOR UPDATE")  # noqa: S608 - our names
_DECIDE = text(
    """
    UPDATE combinations SET decision = :decision, reason = :reason, decided_by = :by, decided_at = :at
    WHERE combination_id = :id
    """
)
# An open question about a case that was merged meanwhile is one about the case that took it in; whether to combine the
# merged case itself with yet another is no question any more.
_FOLLOW = text(
    "UPDATE combinations SET case_id = :kept WHERE case_id = :gone AND other_case_id <> :kept AND decision IS NULL"
)
_DROP = text("DELETE FROM combinations WHERE other_case_id = :gone AND case_id <> :kept AND decision IS NULL")
_FORGET_STRANGERS = text(
    """
    DELETE FROM combinations
    USING unnest(CAST(:cases AS uuid[]), CAST(:students AS uuid[])) AS one(case_id, student_id),
          unnest(CAST(:cases AS uuid[]), CAST(:students AS uuid[])) AS other(case_id, student_id)
    WHERE combinations.decision IS NULL AND combinations.case_id = one.case_id
      AND combinations.other_case_id = other.case_id AND one.student_id <> other.student_id
    """
)
OPEN = text(
    f"""
    SELECT {_COLUMNS} FROM combinations
    WHERE decision IS NULL AND combination_id > :after
      AND (CAST(:campus AS text) IS NULL OR campus = :campus)
    ORDER BY combination_id LIMIT :count
    """  # noqa: S608 - our own names
)


async def ask(connection: AsyncConnection, questions: Sequence[Combination]) -> list[Combination]:
    """Store questions and return those that had not been asked yet."""
    if not questions:
        return []
    found = await connection.execute(
        _ASK,
        {
            "ids": [question.combination_id for question in questions],
            "campuses": [question.campus for question in questions],
            "sensitivities": [question.sensitivity for question in questions],
            "cases": [question.case_id for question in questions],
            "others": [question.other_case_id for question in questions],
            "students": [question.student_id for question in questions],
            "at": questions[0].asked_at,
        },
    )
    new = set(found.scalars())
    return [
        question
        for question in {each.combination_id: each for each in questions}.values()
        if question.combination_id in new
    ]


async def lock(connection: AsyncConnection, combination_id: UUID) -> Combination | None:
    """Return a question, waiting for whoever is answering it."""
    row = (await connection.execute(_LOCK, {"id": combination_id})).one_or_none()
    return combination_of(row._mapping) if row is not None else None  # noqa: SLF001 - SQLAlchemy's documented way


async def decide(connection: AsyncConnection, answered: Combination) -> None:
    """Store an answer."""
    await connection.execute(
        _DECIDE,
        {
            "id": answered.combination_id,
            "decision": answered.decision,
            "reason": answered.reason,
            "by": answered.decided_by,
            "at": answered.decided_at,
        },
    )


async def follow(connection: AsyncConnection, *, gone: UUID, kept: UUID) -> None:
    """Let open questions about a merged case be about the one that took it in, and forget those nobody can answer."""
    await connection.execute(_FOLLOW, {"gone": gone, "kept": kept})
    await connection.execute(_DROP, {"gone": gone, "kept": kept})


async def forget_strangers(connection: AsyncConnection, whose: Mapping[UUID, UUID]) -> None:
    """Forget open questions about cases of two students who are not, or are no longer, one: (case, student)."""
    cases = sorted(whose)
    await connection.execute(_FORGET_STRANGERS, {"cases": cases, "students": [whose[case] for case in cases]})


def combination_of(values: Any) -> Combination:  # noqa: ANN401 - a row's mapping
    """Return a combination from a row."""
    return Combination(**values)
