"""Which cases gave way to which, as a service that hears of cases remembers it in its table `combined_cases`.

What two cases say has two keys, so it may be read in any order.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Whoever learns at this moment of a referral's case has read the table: it is waited for, so that none stays behind.
# They all read it `FOR KEY SHARE`. A backup only reads; were it waited for, every page would wait for it behind this.
_ALONE = text("LOCK TABLE combined_cases IN EXCLUSIVE MODE")
# A case that took one over may have given way itself, and either may be read first.
_SHORTEN = text(
    """
    WITH RECURSIVE way AS (
        SELECT case_id, into_case, 1 AS steps FROM combined_cases
        WHERE case_id = ANY (CAST(:cases AS uuid[])) OR into_case = ANY (CAST(:cases AS uuid[]))
        UNION ALL
        SELECT way.case_id, further.into_case, steps + 1
        FROM way JOIN combined_cases AS further ON further.case_id = way.into_case
    )
    UPDATE combined_cases SET into_case = last.into_case
    FROM (SELECT DISTINCT ON (case_id) case_id, into_case FROM way ORDER BY case_id, steps DESC) AS last
    WHERE combined_cases.case_id = last.case_id AND combined_cases.into_case <> last.into_case
    """
)


async def lock(connection: AsyncConnection) -> None:
    """Let nobody learn where a case is until this transaction ends."""
    await connection.execute(_ALONE)


async def shorten(connection: AsyncConnection, cases: Sequence[UUID]) -> None:
    """Let each of these cases, and whatever gave way to one of them, lead to the case that stands."""
    await connection.execute(_SHORTEN, {"cases": list(cases)})
