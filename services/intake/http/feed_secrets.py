"""The secret that we show to somebody else's brokers: told to us once, sealed, and never shown again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from services.intake.http.bodies import Body
from services.intake.http.feed_bodies import FeedView
from services.intake.http.feeds import feed_for, views_of
from services.intake.http.imports import Keys
from services.intake.storage import feed_tokens
from shared.access.actions import Action
from shared.refusal import Refused
from shared.web.gate import SignedIn

router = APIRouter(tags=["feeds"])


class SecretBody(Body):
    """A password, or for SSL alone a certificate with its key in PEM."""

    secret: Annotated[str, Field(min_length=1, max_length=16_384)]


@router.put("/feeds/{feed_id}/secret")
async def set_secret(feed_id: UUID, body: SecretBody, gate: SignedIn, keys: Keys) -> FeedView:
    """Give a feed of a topic the secret its brokers ask for. The one before it ends at once."""
    async with gate.begin() as door:
        feed = await feed_for(door, Action.FEED_CHANGE, feed_id, lock=True)
        if feed.kind != "topic":
            raise Refused("no_brokers", "Only a feed of a topic shows a secret to somebody.", status=409)
        before = await feed_tokens.live(door, keys, feed, "outgoing")
        await feed_tokens.end(door, feed, [token.token_id for token in before], door.now)
        await feed_tokens.add(door, keys, feed, body.secret, "outgoing")
        (view,) = await views_of(door, [feed])
    return view
