"""What is open around a case, and what people changed about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.cases.domain.case import Case
from services.cases.domain.lifecycle import Around
from shared.ids import new_ids
from shared.storage.tx import Tx

# Told in any order: what was said last holds.
_SAY = text(
    """
    INSERT INTO open_pages (page_id, campus, sensitivity, referral_id, case_id, is_open, said_at)
    SELECT page_id, campus, sensitivity, referral_id, case_id, is_open, said_at
    FROM unnest(CAST(:pages AS uuid[]), CAST(:campuses AS text[]), CAST(:sensitivities AS text[]),
                CAST(:referrals AS uuid[]), CAST(:cases AS uuid[]), CAST(:open AS boolean[]),
                CAST(:said AS timestamptz[]))
         AS row(page_id, campus, sensitivity, referral_id, case_id, is_open, said_at)
    ORDER BY page_id
    ON CONFLICT (page_id) DO UPDATE SET is_open = excluded.is_open, said_at = excluded.said_at,
        case_id = coalesce(excluded.case_id, open_pages.case_id)
    WHERE open_pages.said_at < excluded.said_at
    """
)
_OPEN_PAGES = text(
    """
    SELECT count(*) FROM open_pages
    WHERE is_open AND (referral_id = ANY (CAST(:referrals AS uuid[])) OR case_id = :case_id)
    """
)
_QUESTIONS = text(
    "SELECT count(*) FROM combinations WHERE decision IS NULL AND (case_id = :case_id OR other_case_id = :case_id)"
)
_LOG = text(
    """
    INSERT INTO case_changes (change_id, campus, sensitivity, case_id, how, code, changed_by, changed_at)
    SELECT change_id, campus, sensitivity, case_id, how, code, changed_by, changed_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:campuses AS text[]), CAST(:sensitivities AS text[]),
                CAST(:cases AS uuid[]), CAST(:hows AS text[]), CAST(:codes AS text[]), CAST(:bys AS text[]),
                CAST(:times AS timestamptz[]))
         AS row(change_id, campus, sensitivity, case_id, how, code, changed_by, changed_at)
    """
)
_CHANGES = text(
    "SELECT how, code, changed_by, changed_at FROM case_changes WHERE case_id = :case_id ORDER BY change_id"
)


@dataclass(frozen=True, slots=True)
class PageSaid:
    """What was last said of a page: whether it still waits for its end."""

    page_id: UUID
    campus: str
    sensitivity: str
    referral_id: UUID | None
    case_id: UUID | None
    is_open: bool
    said_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody changed about a case."""

    how: str
    code: str
    changed_by: str
    changed_at: datetime


async def note_pages(connection: AsyncConnection, said: Sequence[PageSaid]) -> None:
    """Note which pages are open. Of what is said of one page the latest holds, whatever comes first."""
    newest = {each.page_id: each for each in sorted(said, key=lambda each: each.said_at)}
    those = list(newest.values())
    await connection.execute(
        _SAY,
        {
            "pages": [each.page_id for each in those],
            "campuses": [each.campus for each in those],
            "sensitivities": [each.sensitivity for each in those],
            "referrals": [each.referral_id for each in those],
            "cases": [each.case_id for each in those],
            "open": [each.is_open for each in those],
            "said": [each.said_at for each in those],
        },
    )


async def look(connection: AsyncConnection, case: Case) -> Around:
    """Return what is open around a case."""
    pages = await connection.execute(_OPEN_PAGES, {"referrals": list(case.referrals), "case_id": case.case_id})
    questions = await connection.execute(_QUESTIONS, {"case_id": case.case_id})
    return Around(open_pages=pages.scalar_one(), open_questions=questions.scalar_one())


async def log(tx: Tx, cases: Sequence[Case], code: str = "") -> None:
    """Keep the latest change of each case, for its time line. One statement whatever their number."""
    if not cases:
        return
    await tx.connection.execute(
        _LOG,
        {
            "ids": new_ids(len(cases)),
            "campuses": [case.campus for case in cases],
            "sensitivities": [case.sensitivity for case in cases],
            "cases": [case.case_id for case in cases],
            "hows": [case.changed_how for case in cases],
            "codes": [code] * len(cases),
            "bys": [case.changed_by for case in cases],
            "times": [case.changed_at for case in cases],
        },
    )


async def changes(connection: AsyncConnection, case_id: UUID) -> Sequence[Change]:
    """Return what people changed about a case, in order."""
    return [Change(*row) for row in (await connection.execute(_CHANGES, {"case_id": case_id})).all()]
