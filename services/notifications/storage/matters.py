"""What is known of each referral: its case and its student, whether or not there is a page about it yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.teams import TeamSnapshot

_decoder = msgspec.json.Decoder(TeamSnapshot)

# Whoever raises a page and whoever learns of its case both write the referral's row: one waits for the other, and the
# second sees what the first has done. Rows in id order, so that two batches never lock each other out. Which cases gave
# way is read with a lock, see `combined.py`.
_LEARN = text(
    """
    INSERT INTO matters (referral_id, campus, case_id, student_id)
    SELECT referral_id, row.campus, coalesce(combined.into_case, row.case_id),
           coalesce(row.student_id, combined.student_id)
    FROM unnest(CAST(:referral_ids AS uuid[]), CAST(:campuses AS text[]), CAST(:case_ids AS uuid[]),
                CAST(:student_ids AS uuid[]))
         AS row(referral_id, campus, case_id, student_id)
    LEFT JOIN (SELECT case_id, into_case, student_id FROM combined_cases
               WHERE case_id = ANY (CAST(:case_ids AS uuid[])) FOR KEY SHARE) AS combined
        ON combined.case_id = row.case_id
    ORDER BY referral_id
    ON CONFLICT (referral_id) DO UPDATE
    SET case_id = coalesce(excluded.case_id, matters.case_id),
        student_id = coalesce(excluded.student_id, matters.student_id)
    RETURNING referral_id, campus, case_id, student_id
    """
)
_IDENTIFY = text(
    """
    UPDATE matters SET student_id = row.student_id
    FROM unnest(CAST(:case_ids AS uuid[]), CAST(:student_ids AS uuid[])) AS row(case_id, student_id)
    WHERE matters.case_id = row.case_id
    """
)
_FORGET = text(
    """
    UPDATE matters SET student_id = NULL
    WHERE (referral_id = ANY (CAST(:referrals AS uuid[])) OR case_id = ANY (CAST(:cases AS uuid[])))
      AND student_id IS NOT NULL
    """
)
_TEAMS = text(
    "SELECT body FROM teams_snapshots WHERE status <> 'removed' AND type = :type"
    " AND (student_of(body) = ANY (CAST(:students AS uuid[])) OR key = ANY (CAST(:keys AS text[]))) ORDER BY key"
)
_OWNERS = text(
    """
    INSERT INTO case_owners (case_id, campus, owner_id)
    SELECT case_id, campus, owner_id
    FROM unnest(CAST(:case_ids AS uuid[]), CAST(:campuses AS text[]), CAST(:owner_ids AS text[]))
         AS row(case_id, campus, owner_id)
    ORDER BY case_id
    ON CONFLICT (case_id) DO UPDATE SET owner_id = excluded.owner_id
    WHERE case_owners.owner_id <> excluded.owner_id
    RETURNING case_id
    """
)
_OWNED_BY = text("SELECT case_id, owner_id FROM case_owners WHERE case_id = ANY (CAST(:case_ids AS uuid[]))")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one referral; None is not known yet."""

    referral_id: UUID
    campus: str
    case_id: UUID | None = None
    student_id: UUID | None = None


async def learn(connection: AsyncConnection, facts: Sequence[Known]) -> dict[UUID, Known]:
    """Add facts to what is known and return all that is, by referral. What is known is never forgotten by a None."""
    if not facts:
        return {}
    joined: dict[UUID, Known] = {}
    for fact in facts:
        known = joined.get(fact.referral_id, fact)
        joined[fact.referral_id] = Known(
            fact.referral_id, fact.campus, fact.case_id or known.case_id, fact.student_id or known.student_id
        )
    rows = list(joined.values())
    found = await connection.execute(
        _LEARN,
        {
            "referral_ids": [fact.referral_id for fact in rows],
            "campuses": [fact.campus for fact in rows],
            "case_ids": [fact.case_id for fact in rows],
            "student_ids": [fact.student_id for fact in rows],
        },
    )
    return {row.referral_id: Known(*row) for row in found}


async def identify(connection: AsyncConnection, students: Sequence[tuple[UUID, UUID]]) -> None:
    """Note whose cases these are: (case_id, student_id)."""
    if students:
        cases, ids = zip(*students, strict=True)
        await connection.execute(_IDENTIFY, {"case_ids": list(cases), "student_ids": list(ids)})


async def forget_students(connection: AsyncConnection, referrals: Sequence[UUID], cases: Sequence[UUID]) -> None:
    """Note that nobody knows any more whom these referrals, and those of these cases, are about."""
    await connection.execute(_FORGET, {"referrals": list(referrals), "cases": list(cases)})


async def teams(
    connection: AsyncConnection, student_ids: Sequence[UUID], case_ids: Sequence[UUID]
) -> list[TeamSnapshot]:
    """Return the teams of cases of these students, and of these cases."""
    if not student_ids and not case_ids:
        return []
    keys = [f"case:{case_id}" for case_id in case_ids]
    names = {"type": TeamSnapshot.TYPE, "students": list(student_ids), "keys": keys}
    return [_decoder.decode(body) for body in (await connection.execute(_TEAMS, names)).scalars()]


async def owned_newly(connection: AsyncConnection, owners: Sequence[tuple[UUID, str, str]]) -> set[UUID]:
    """Note the owners of cases, (case_id, campus, owner_id), and return the cases whose owner is another now."""
    if not owners:
        return set()
    cases, campuses, ids = zip(*{owner[0]: owner for owner in owners}.values(), strict=True)
    names = {"case_ids": list(cases), "campuses": list(campuses), "owner_ids": list(ids)}
    return set((await connection.execute(_OWNERS, names)).scalars())


async def owners(connection: AsyncConnection, case_ids: Sequence[UUID]) -> dict[UUID | None, str]:
    """Return whose these cases are, as far as anybody was told."""
    rows = (await connection.execute(_OWNED_BY, {"case_ids": sorted(set(case_ids))})).all()
    return {row.case_id: row.owner_id for row in rows}
