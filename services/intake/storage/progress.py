"""Where the matter of a referral is and how far it has come, as the cases say it.

What two cases say may be read in any order: their keys are two. So a case that gave way is remembered, and what is
read of it afterwards counts for the one that took it over.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.storage import combined_cases

_FAR = "ARRAY['received', 'reviewed', 'acted', 'closed']"
# How far a referral is whose case is another one now: as far as its own had come, or as what it joins. Only the case
# it joins says that the matter has ended.
_AS_THERE = f"""
    ({_FAR})[greatest(
        CASE referrals.status WHEN 'closed' THEN 2 ELSE greatest(2, array_position({_FAR}, referrals.status)) END,
        (SELECT max(array_position({_FAR}, other.status)) FROM referrals AS other
         WHERE other.case_id = combined.into_case AND other.referral_id <> referrals.referral_id))]"""  # noqa: S608
# Otherwise the coarse status only ever moves on, until a case is opened again.
_ATTACH = text(
    f"""
    UPDATE referrals SET case_id = coalesce(combined.into_case, opened.case_id),
        status = CASE WHEN combined.into_case IS NOT NULL THEN {_AS_THERE}
                      WHEN status = 'received' THEN 'reviewed' ELSE status END
    FROM unnest(CAST(:referrals AS uuid[]), CAST(:cases AS uuid[])) AS opened(referral_id, case_id)
    LEFT JOIN (SELECT case_id, into_case FROM combined_cases
               WHERE case_id = ANY (CAST(:cases AS uuid[])) FOR KEY SHARE) AS combined
        ON combined.case_id = opened.case_id
    WHERE referrals.referral_id = opened.referral_id
    """  # noqa: S608
)
_ACT = text(
    """
    UPDATE referrals SET status = 'acted'
    WHERE status IN ('received', 'reviewed') AND case_id = ANY (
        CAST(:cases AS uuid[])
        || ARRAY(SELECT into_case FROM combined_cases WHERE case_id = ANY (CAST(:cases AS uuid[])) FOR KEY SHARE))
    RETURNING referral_id
    """
)
# Work ends and begins again in a case that stands, so what is read of one that gave way is over.
_END = text(
    """
    UPDATE referrals SET status = 'closed' WHERE case_id = ANY (CAST(:cases AS uuid[])) AND status <> 'closed'
    RETURNING referral_id
    """
)
_RESUME = text(
    """
    UPDATE referrals SET status = 'acted' WHERE case_id = ANY (CAST(:cases AS uuid[])) AND status = 'closed'
    RETURNING referral_id
    """
)
_BESIDE = text("LOCK TABLE combined_cases IN ROW SHARE MODE")
_REMEMBER = text(
    """
    INSERT INTO combined_cases (case_id, into_case, campus)
    SELECT case_id, into_case, campus
    FROM unnest(CAST(:cases AS uuid[]), CAST(:intos AS uuid[]), CAST(:campuses AS text[]))
         AS row(case_id, into_case, campus)
    ORDER BY case_id
    ON CONFLICT (case_id) DO NOTHING
    """
)
_MOVE = text(
    f"""
    UPDATE referrals SET case_id = combined.into_case, status = {_AS_THERE}
    FROM combined_cases AS combined
    WHERE referrals.case_id = combined.case_id AND combined.case_id = ANY (CAST(:cases AS uuid[]))
    RETURNING referral_id
    """  # noqa: S608
)


async def hold(connection: AsyncConnection, *, combines: bool) -> None:
    """Take what a batch needs of the combined cases, before it holds anything that another batch may wait for.

    Two that had read the table, and then both wanted it alone, would wait for each other.
    """
    if combines:
        await combined_cases.lock(connection)
    else:
        await connection.execute(_BESIDE)


async def attach(connection: AsyncConnection, cases: Sequence[tuple[UUID, UUID]]) -> None:
    """Note to which case each referral belongs: (referral, case)."""
    asked = {"referrals": [referral for referral, _ in cases], "cases": [case for _, case in cases]}
    await connection.execute(_ATTACH, asked)


async def act(connection: AsyncConnection, cases: Sequence[UUID]) -> list[UUID]:
    """Note that somebody works on these cases. Returns the referrals that have moved on."""
    return await _moved(connection, _ACT, cases)


async def end(connection: AsyncConnection, cases: Sequence[UUID]) -> list[UUID]:
    """Note that work on these cases has ended. Returns the referrals that have moved on."""
    return await _moved(connection, _END, cases)


async def resume(connection: AsyncConnection, cases: Sequence[UUID]) -> list[UUID]:
    """Note that work on these cases goes on after it had ended. Returns the referrals that are open again."""
    return await _moved(connection, _RESUME, cases)


async def combine(connection: AsyncConnection, combined: Sequence[tuple[UUID, UUID, str]]) -> list[UUID]:
    """Note that the matter of a case is another's from now on: (into, from, campus). Returns the referrals it moved."""
    intos, cases, campuses = (list(column) for column in zip(*combined, strict=True))
    await combined_cases.lock(connection)
    await connection.execute(_REMEMBER, {"intos": intos, "cases": cases, "campuses": campuses})
    await combined_cases.shorten(connection, cases)
    return list((await connection.execute(_MOVE, {"cases": cases})).scalars())


async def _moved(connection: AsyncConnection, statement: TextClause, cases: Sequence[UUID]) -> list[UUID]:
    return list((await connection.execute(statement, {"cases": sorted(set(cases))})).scalars())
