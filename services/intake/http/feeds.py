"""Routes for feeds: add one, look, change, give it a new token, see what it delivered."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from services.intake.domain.feeds import Feed
from services.intake.http.bodies import CAMPUS_PATTERN
from services.intake.http.feed_bodies import (
    AddedFeed,
    FeedChanges,
    FeedView,
    NewFeed,
    NewTokenView,
    PastDelivery,
    Rotation,
    TokenView,
)
from services.intake.http.imports import Keys
from services.intake.storage import feed_tokens, feeds
from services.intake.storage.shipped import document_of
from services.intake.usecases import manage_feeds
from services.intake.usecases.manage_feeds import NewToken, Wanted
from shared.access.actions import Action
from shared.access.decision import Resource
from shared.storage.positions import Position, id_of
from shared.web.gate import Door, SignedIn
from shared.web.listing import After, Listing, SortedListing

router = APIRouter(tags=["feeds"])

_PAGE = 200
_LAST = UUID(int=2**128 - 1)

CampusFilter = Annotated[str, Query(pattern=rf"^$|^\*$|{CAMPUS_PATTERN}", description="campus code; empty: all")]


def resource_of(feed: Feed, kind: str = "feed") -> Resource:
    """Return what is decided about when somebody wants to do something with a feed."""
    return Resource(kind, id=str(feed.feed_id), campus=feed.campus, owner_id=feed.owner_id)


async def feed_for(door: Door, action: Action, feed_id: UUID, *, kind: str = "feed", lock: bool = False) -> Feed:
    """Return a feed with which the caller may do this; audited. With `lock` nobody else changes it meanwhile."""
    feed = await feeds.find(door.connection, feed_id, lock=lock)
    if feed is None:
        await door.absent(action, kind, str(feed_id))
    await door.allow(action, resource_of(feed, kind))
    return feed


@router.post("/feeds", status_code=201)
async def add_feed(body: NewFeed, gate: SignedIn, keys: Keys) -> AddedFeed:
    """Add a feed. It takes nothing in until a mapping is put in use. Its token is told here and never again."""
    async with gate.begin() as door:
        await door.allow(Action.FEED_CHANGE, Resource("feed", campus=body.campus))
        wanted = Wanted(
            code=body.code,
            name=body.name,
            kind=body.kind,
            brings=body.brings,
            campus=body.campus,
            owner_id=body.owner_id,
            rate_per_minute=body.rate_per_minute,
            expected=body.expected.value(),
            settings=body.settings,
        )
        feed, token = await manage_feeds.add_feed(door, keys, wanted)
        document = document_of(body.mapping) if body.mapping else body.document
        if document is not None:
            await manage_feeds.add_mapping(door, feed, document, body.mapping)
        (view,) = await views_of(door, [feed])
    return AddedFeed(feed=view, token=token_view(token) if token else None)


@router.get("/feeds")
async def list_feeds(
    gate: SignedIn,
    *,
    campus: CampusFilter = "",
    kind: Annotated[str, Query(max_length=32)] = "",
    state: Annotated[Literal["", "draft", "active", "paused", "retired"], Query()] = "",
    sort: feeds.Order = "added",
    after: After = None,
) -> SortedListing[FeedView]:
    """Show feeds of the caller's campuses, and those the caller owns: as added, by name, or the troubled first.

    Trouble is what its health says, then how much was set aside and waits.
    """
    async with gate.begin() as door:
        begins = Position.read(after) if sort == "trouble" else Position(0, id_of(after)) if after else None
        rows = await feeds.page(
            door.connection, campus=campus, kind=kind, state=state, order=sort, after=begins, count=_PAGE
        )
        found = [feed for feed, _ in rows]
        decisions = door.allow_each(Action.FEED_LIST, [resource_of(feed) for feed in found])
        shown = [feed for feed, decision in zip(found, decisions, strict=True) if decision is not None]
        await door.record_list(
            Action.FEED_LIST,
            [str(feed.feed_id) for feed in shown],
            f"campus={campus} sort={sort}",
            kind="feed",
            campus=campus or "*",
        )
        views = await views_of(door, shown)
    last = rows[-1][1] if len(rows) == _PAGE else None
    return SortedListing(items=views, after=None if last is None else str(last if sort == "trouble" else last.id))


@router.get("/feeds/{feed_id}")
async def read_feed(feed_id: UUID, gate: SignedIn) -> FeedView:
    """Show a feed."""
    async with gate.begin() as door:
        feed = await feed_for(door, Action.FEED_READ, feed_id)
        (view,) = await views_of(door, [feed])
    return view


@router.patch("/feeds/{feed_id}")
async def change_feed(feed_id: UUID, body: FeedChanges, gate: SignedIn) -> FeedView:
    """Change a feed; pausing it turns its deliveries away, and its sender sends them again later."""
    async with gate.begin() as door:
        feed = await feed_for(door, Action.FEED_CHANGE, feed_id, lock=True)
        manage_feeds.check_version(feed, body.version)
        changed = await manage_feeds.change_feed(door, feed, body.values())
        (view,) = await views_of(door, [changed])
    return view


@router.post("/feeds/{feed_id}/tokens", status_code=201)
async def rotate_token(feed_id: UUID, body: Rotation, gate: SignedIn, keys: Keys) -> NewTokenView:
    """Make a new token. The one before it stays good for the overlap, so that no delivery is lost in between."""
    async with gate.begin() as door:
        feed = await feed_for(door, Action.FEED_CHANGE, feed_id, lock=True)
        token = await manage_feeds.rotate_token(door, keys, feed, timedelta(hours=body.overlap_hours))
    return token_view(token)


@router.post("/feeds/{feed_id}/tokens/{token_id}/end")
async def end_token(feed_id: UUID, token_id: UUID, gate: SignedIn, keys: Keys) -> FeedView:
    """End a token now: it leaked, or its sender uses the new one."""
    async with gate.begin() as door:
        feed = await feed_for(door, Action.FEED_CHANGE, feed_id, lock=True)
        await manage_feeds.end_token(door, keys, feed, token_id)
        (view,) = await views_of(door, [feed])
    return view


@router.get("/feeds/{feed_id}/deliveries")
async def list_deliveries(feed_id: UUID, gate: SignedIn, after: UUID = _LAST) -> Listing[PastDelivery]:
    """Show what a feed delivered, newest first."""
    async with gate.begin() as door:
        await feed_for(door, Action.FEED_READ, feed_id)
        rows = await feeds.deliveries(door.connection, feed_id, after, _PAGE)
    return Listing(
        items=[
            PastDelivery(
                delivery_id=row.import_id,
                state=row.state,
                mapping_version=row.mapping_version,
                items=row.row_count,
                accepted=row.accepted,
                unchanged=row.unchanged,
                merged=row.merged,
                skipped=row.skipped,
                quarantined=row.rejected,
                referrals_made=row.referrals_made,
                new_columns=row.new_columns,
                started_at=row.started_at,
                ended_at=row.ended_at,
            )
            for row in rows
        ],
        after=rows[-1].import_id if len(rows) == _PAGE else None,
    )


def token_view(token: NewToken) -> NewTokenView:
    """Shape a token just made."""
    return NewTokenView(token_id=token.token_id, secret=token.secret)


async def views_of(door: Door, shown: Sequence[Feed]) -> list[FeedView]:
    """Shape feeds, with their tokens, what waits and when something last came."""
    ids = [feed.feed_id for feed in shown]
    tokens = await feed_tokens.of_feeds(door.connection, ids, door.now)
    standing = await feeds.standing(door.connection, ids)
    return [
        FeedView.of(
            feed,
            [
                TokenView(token_id=row.token_id, made_by=row.made_by, made_at=row.made_at, ends_at=row.ends_at)
                for row in tokens[feed.feed_id]
            ],
            *standing[feed.feed_id],
        )
        for feed in shown
    ]
