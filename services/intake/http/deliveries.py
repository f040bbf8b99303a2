"""The route that machines send to. What it answers 200 is stored; an item that cannot be read is kept and told."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.intake.domain.decoders import caliper, pushed
from services.intake.domain.decoders.parts import Item
from services.intake.domain.feeds import Feed
from services.intake.domain.signatures import HEADER, NotProven, Token, check_signature, check_token
from services.intake.http import live_events
from services.intake.http.feed_bodies import CountsView, DeliveryView, ResultView
from services.intake.http.imports import Keys
from services.intake.http.key_sets import KeySets
from services.intake.storage import feed_health, feed_tokens, feeds
from services.intake.usecases.receive_delivery import begin, finish, receive
from services.intake.usecases.understand_events import understand
from shared.access.actions import Action
from shared.access.actors import Actor
from shared.access.decision import Resource
from shared.refusal import Refused
from shared.web.gate import Door, by_link
from shared.web.limits import Rate, RateLimiter
from shared.web.site import part, site_of

router = APIRouter(tags=["deliveries"])

# Read piece by piece, so that one item with a sign that cannot be stored costs that item and no other.
STREAMED = ("/feeds/*/deliveries",)
LARGEST = 4 * 1024 * 1024

_LATER = frozenset({429, 503})
# How often a reason is noted for which anybody may have given the cause.
UNPROVEN = Rate(per_minute=1, burst=4)

Published = Annotated[KeySets, Depends(part(KeySets))]
Limiter = Annotated[RateLimiter, Depends(part(RateLimiter))]
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {}, "examples": {"flags": {"value": [{"id": "A-1", "student": "N1"}]}}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it came."""

    headers: Mapping[str, str]
    body: bytes
    key_sets: KeySets
    query_token: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a kind of feed arrives: how its sender proves itself, and how its items are told apart.

    `check` raises NotProven; it returns how far the sender's clock is behind ours, where that is known. What proves
    itself `by_items`, each by its own signature, does so when they are decoded.
    """

    check: Callable[[Sent, Feed, Sequence[Token], datetime], Awaitable[timedelta | None]]
    decode: Callable[[Sent, Feed, datetime], Awaitable[Sequence[Item]]]
    by_items: bool = False


@dataclass(slots=True)
class Proof:
    """Whether a request has proven by now that it is the feed's."""

    given: bool = False


async def _signed(sent: Sent, _feed: Feed, tokens: Sequence[Token], now: datetime) -> timedelta:
    return check_signature(tokens, sent.headers.get(HEADER.lower(), ""), sent.body, now)


async def _shown(sent: Sent, _feed: Feed, tokens: Sequence[Token], _now: datetime) -> None:
    check_token(tokens, sent.headers.get("authorization", ""))


async def _signed_or_shown(sent: Sent, feed: Feed, tokens: Sequence[Token], now: datetime) -> timedelta | None:
    return await (_signed if HEADER.lower() in sent.headers else _shown)(sent, feed, tokens, now)


async def _canvas(sent: Sent, feed: Feed, tokens: Sequence[Token], _now: datetime) -> None:
    live_events.check_unsigned(feed, tokens, sent.headers.get("authorization", ""), sent.query_token)


async def _pushed(sent: Sent, _feed: Feed, _now: datetime) -> Sequence[Item]:
    return pushed.decode(sent.body, sent.headers.get("content-type", ""))


async def _canvas_items(sent: Sent, feed: Feed, now: datetime) -> Sequence[Item]:
    return await live_events.canvas_items(sent.body, feed, sent.key_sets, now)


async def _caliper_items(sent: Sent, _feed: Feed, _now: datetime) -> Sequence[Item]:
    return caliper.decode(sent.body)


ARRIVALS: dict[str, Arrival] = {
    "http_push": Arrival(_signed, _pushed),
    "referrals_api": Arrival(_signed_or_shown, _pushed),
    "canvas": Arrival(_canvas, _canvas_items, by_items=True),
    "caliper": Arrival(_signed_or_shown, _caliper_items),
}


@router.post("/feeds/{feed_id}/deliveries", openapi_extra=_BODY)
async def deliver(
    feed_id: UUID,
    request: Request,
    *,
    keys: Keys,
    limiter: Limiter,
    key_sets: Published,
    token: Annotated[str, Query(max_length=100, description="of a sender that can set no header")] = "",
) -> DeliveryView:
    """Take in what a feed sends, item by item. Send again what was not answered: nothing is made twice.

    The feed proves itself by its token: `Caselight-Signature: t=<seconds>,v1=<hex of HMAC-SHA256>` over time, full
    stop and body, or for the referrals API and Caliper `Authorization: Bearer`. Canvas signs what it sends.
    """
    proof = Proof()
    try:
        sent = Sent(request.headers, await _body(request), key_sets, token)
        return await _take_in(sent, feed_id, request, keys, limiter, proof=proof)
    except Refused as refused:
        await _turned_away(request, feed_id, refused, limiter, proven=proof.given)
        raise


async def _take_in(
    sent: Sent, feed_id: UUID, request: Request, keys: Keys, limiter: Limiter, *, proof: Proof
) -> DeliveryView:
    async with by_link(request, f"feed:{feed_id}").begin() as door:
        feed, arrival, behind = await _proven(door, keys, feed_id, sent)
        proof.given = not arrival.by_items
        items = await arrival.decode(sent, feed, door.now)
        proof.given = True
        await _limit(limiter, feed, len(items))
        delivery = await begin(door, feed)
        results = await receive(door, keys, delivery, await understand(door, feed, items))
        await finish(door, delivery)
    return DeliveryView(
        delivery_id=delivery.of.import_id,
        mapping_version=delivery.of.mapping_version,
        counts=CountsView.of(results),
        results=[ResultView.of(result) for result in results],
        clock_behind_seconds=None if behind is None else round(behind.total_seconds(), 1),
    )


async def _proven(door: Door, keys: Keys, feed_id: UUID, sent: Sent) -> tuple[Feed, Arrival, timedelta | None]:
    """Return the feed that the request proves to be from. One that is not there looks like a wrong token."""
    feed = await feeds.find(door.connection, feed_id)
    arrival = ARRIVALS.get(feed.kind) if feed is not None else None
    if feed is None or arrival is None:
        raise NotProven("wrong_token", "This is no token of this feed, or it has ended. Its owner can make a new one.")
    behind = await arrival.check(sent, feed, await feed_tokens.live(door, keys, feed), door.now)
    addressee = Resource("feed", id=str(feed_id), campus=feed.campus, addressees=frozenset({feed.actor_id}))
    await door.allow(Action.FEED_DELIVER, addressee)
    return feed, arrival, behind


async def _turned_away(
    request: Request, feed_id: UUID, refused: Refused, limiter: RateLimiter, *, proven: bool
) -> None:
    """Note for the owner that a delivery was turned away as a whole, unless it was only asked to come again later.

    Whoever has proven nothing may know the feed's id and no more. What they do is noted a few times, and then once a
    minute for each reason: enough to tell the owner why, and no way to fill what is kept of a feed.
    """
    if refused.status in _LATER:
        return
    actor = Actor("link", f"feed:{feed_id}")
    async with site_of(request).database.transaction(actor) as tx:
        feed = await feeds.find(tx.connection, feed_id)
        if feed is not None and (proven or await _is_rare(limiter, feed, refused.code)):
            await feed_health.refuse(tx, feed, refused.code, refused.detail)


async def _is_rare(limiter: RateLimiter, feed: Feed, code: str) -> bool:
    try:
        await limiter.spend(f"unproven:{feed.feed_id}:{code}", UNPROVEN, 1)
    except Refused:
        return False
    return True


async def _limit(limiter: RateLimiter, feed: Feed, items: int) -> None:
    """Turn away what is far too much, to be sent again later. Referrals are never turned away: one may be a danger."""
    rate = Rate(per_minute=feed.rate_per_minute, burst=feed.rate_per_minute / 6 + pushed.MOST_ITEMS)
    await limiter.spend(f"feed:{feed.feed_id}", rate, items, refuse=feed.brings != "referrals")


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise Refused("too_large", f"At most {LARGEST // 1024**2} MiB at once. Send it in parts.", status=413)
    return bytes(body)
