"""Secrets of feeds: at rest there are a digest, which finds one that is shown, and a sealed copy, which signs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.feeds import Feed
from services.intake.domain.signatures import Token, digest_of
from shared.ids import new_id
from shared.privacy.keys import KeyRing
from shared.privacy.text import seal, unseal
from shared.storage.tx import Tx

# A token lets a sender in; an outgoing secret is what we show to somebody else, such as the password of a broker.
Purpose = Literal["delivery", "outgoing"]

_FIELD = "feed_token.secret"
_INSERT = text(
    """
    INSERT INTO feed_tokens (token_id, feed_id, campus, purpose, digest, sealed, made_by, made_at, ends_at)
    VALUES (:token_id, :feed_id, :campus, :purpose, :digest, :sealed, :made_by, :now, NULL)
    """
)
_LIVE = text(
    """
    SELECT token_id, digest, sealed, made_at, ends_at FROM feed_tokens
    WHERE feed_id = :feed_id AND purpose = :purpose AND (ends_at IS NULL OR ends_at > :now)
    ORDER BY made_at DESC, token_id DESC
    """
)
_OF_FEEDS = text(
    """
    SELECT feed_id, token_id, made_by, made_at, ends_at FROM feed_tokens
    WHERE feed_id = ANY (CAST(:feeds AS uuid[])) AND purpose = 'delivery' AND (ends_at IS NULL OR ends_at > :now)
    ORDER BY made_at DESC, token_id DESC
    """
)
_END = text(
    """
    UPDATE feed_tokens SET ends_at = least(coalesce(ends_at, CAST(:ends_at AS timestamptz)), :ends_at)
    WHERE token_id = ANY (CAST(:ids AS uuid[])) AND feed_id = :feed_id
    """
)


async def add(tx: Tx, keys: KeyRing, feed: Feed, secret: str, purpose: Purpose = "delivery") -> UUID:
    """Keep a secret and return its id."""
    id_ = new_id()
    (sealed,) = await seal(tx, keys, feed.campus, [(feed.feed_id, _FIELD, id_, secret)])
    values = {
        "token_id": id_,
        "feed_id": feed.feed_id,
        "campus": feed.campus,
        "purpose": purpose,
        "digest": digest_of(secret),
        "sealed": sealed,
        "made_by": tx.actor.id,
        "now": tx.now,
    }
    await tx.connection.execute(_INSERT, values)
    return id_


async def live(tx: Tx, keys: KeyRing, feed: Feed, purpose: Purpose = "delivery") -> list[Token]:
    """Return the secrets that are good now, newest first."""
    asked = {"feed_id": feed.feed_id, "purpose": purpose, "now": tx.now}
    rows = (await tx.connection.execute(_LIVE, asked)).all()
    places = [(feed.feed_id, _FIELD, row.token_id, bytes(row.sealed)) for row in rows]
    opened = await unseal(tx, keys, feed.campus, places)
    return [
        Token(row.token_id, secret, bytes(row.digest), row.made_at, row.ends_at)
        for row, secret in zip(rows, opened, strict=True)
    ]


async def of_feeds(connection: AsyncConnection, feeds: Sequence[UUID], now: datetime) -> dict[UUID, list[Any]]:
    """Return the tokens of feeds that are good now, without their secrets."""
    found: dict[UUID, list[Any]] = {feed: [] for feed in feeds}
    for row in (await connection.execute(_OF_FEEDS, {"feeds": list(feeds), "now": now})).all():
        found[row.feed_id].append(row)
    return found


async def end(tx: Tx, feed: Feed, ids: Sequence[UUID], at: datetime) -> None:
    """Let secrets be good no longer than until then."""
    await tx.connection.execute(_END, {"ids": list(ids), "feed_id": feed.feed_id, "ends_at": at})
