"""Which number of the campus a learning system's own id of a person stands for, as events that say both have told."""

from collections.abc import Iterable, Mapping

from sqlalchemy import text

from services.intake.domain.feeds import Feed
from shared.storage.tx import Tx

_LEARN = text(
    """
    INSERT INTO lms_ids (feed_id, lms_id, campus, number, learned_at)
    SELECT :feed_id, lms_id, :campus, number, :now
    FROM unnest(CAST(:ids AS text[]), CAST(:numbers AS text[])) AS row(lms_id, number)
    ORDER BY lms_id
    ON CONFLICT (feed_id, lms_id) DO UPDATE SET number = excluded.number, learned_at = excluded.learned_at
    WHERE lms_ids.number <> excluded.number
    """
)
_KNOWN = text("SELECT lms_id, number FROM lms_ids WHERE feed_id = :feed_id AND lms_id = ANY (CAST(:ids AS text[]))")


async def learn(tx: Tx, feed: Feed, pairs: Mapping[str, str]) -> None:
    """Remember whose id is whose number. The last word counts: ids are given anew when an account is moved."""
    if pairs:
        values = {"feed_id": feed.feed_id, "campus": feed.campus, "now": tx.now}
        await tx.connection.execute(_LEARN, {**values, "ids": list(pairs), "numbers": list(pairs.values())})


async def known(tx: Tx, feed: Feed, ids: Iterable[str]) -> dict[str, str]:
    """Return the numbers of those ids that are known."""
    asked = sorted(set(ids))
    if not asked:
        return {}
    rows = (await tx.connection.execute(_KNOWN, {"feed_id": feed.feed_id, "ids": asked})).all()
    return {row.lms_id: row.number for row in rows}
