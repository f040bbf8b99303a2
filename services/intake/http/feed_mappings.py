"""Routes for the mappings of feeds: write a version, try it on a sample, put it in use or go back."""

import json
from typing import Any
from uuid import UUID

from fastapi import APIRouter

from services.intake.domain.mapping import Compiled, compiled
from services.intake.http.feed_bodies import (
    CountsView,
    FeedView,
    MappingList,
    MappingView,
    NewMapping,
    ResultView,
    ShippedList,
    ShippedView,
    TrialView,
    TryBody,
)
from services.intake.http.feeds import feed_for, views_of
from services.intake.http.imports import Keys
from services.intake.storage import feeds
from services.intake.storage.shipped import document_of, shipped
from services.intake.usecases import manage_feeds
from services.intake.usecases.receive_delivery import mapping_of
from services.intake.usecases.try_mapping import try_mapping
from shared.access.actions import Action
from shared.access.decision import Resource
from shared.refusal import Refused
from shared.web.gate import Door, SignedIn

router = APIRouter(tags=["feeds"])
_SHOWN = 200


@router.get("/feed-mappings")
async def list_shipped(gate: SignedIn) -> ShippedList:
    """Show the mappings that come with the product."""
    async with gate.begin() as door:
        await door.record_list(Action.FEED_LIST, list(shipped()), kind="mapping")
    return ShippedList(
        items=[
            ShippedView(
                name=name,
                about=said.get("about", ""),
                brings=said["brings"],
                reads=said.get("reads", "csv"),
                kinds=said.get("for", []),
                document=document_of(name),
            )
            for name, said in shipped().items()
        ]
    )


@router.get("/feeds/{feed_id}/mappings")
async def list_mappings(feed_id: UUID, gate: SignedIn) -> MappingList:
    """Show the versions of a feed's mapping, newest first."""
    async with gate.begin() as door:
        feed = await feed_for(door, Action.FEED_READ, feed_id)
        rows = await feeds.mappings(door.connection, feed_id)
    return MappingList(
        items=[
            MappingView(
                version=row.version,
                document=json.loads(row.document),
                note=row.note,
                made_by=row.made_by,
                made_at=row.made_at,
                in_use=row.version == feed.mapping_version,
            )
            for row in rows
        ]
    )


@router.post("/feeds/{feed_id}/mappings", status_code=201)
async def add_mapping(feed_id: UUID, body: NewMapping, gate: SignedIn) -> MappingView:
    """Keep a next version. It is checked as a whole, and not in use yet."""
    document = document_of(body.shipped) if body.shipped else body.document
    if document is None:
        raise Refused("no_document", "Send a document, or name a shipped one.", status=422, pointer="/body/document")
    async with gate.begin() as door:
        feed = await feed_for(door, Action.FEED_CHANGE, feed_id, lock=True)
        version = await manage_feeds.add_mapping(door, feed, document, body.note or body.shipped)
        made_by, made_at = door.actor.id, door.now
    return MappingView(
        version=version, document=document, note=body.note, made_by=made_by, made_at=made_at, in_use=False
    )


@router.post("/feeds/{feed_id}/mappings/{version}/activate")
async def activate(feed_id: UUID, version: int, gate: SignedIn) -> FeedView:
    """Put a version in use: the next one, or an earlier one again."""
    if not 0 < version <= manage_feeds.MOST_VERSIONS:
        raise Refused("no_mapping", "This feed has no such version of its mapping.", status=404)
    async with gate.begin() as door:
        feed = await feed_for(door, Action.FEED_CHANGE, feed_id, lock=True)
        changed = await manage_feeds.activate(door, feed, version)
        (view,) = await views_of(door, [changed])
    return view


@router.post("/feeds/{feed_id}/mappings/try")
async def try_a_mapping(feed_id: UUID, body: TryBody, gate: SignedIn, keys: Keys) -> TrialView:
    """Show what a mapping makes of a sample. A dry run also says what is there already; nothing is kept either way."""
    async with gate.begin() as door:
        feed = await feed_for(door, Action.FEED_TRY, feed_id)
        await door.allow(Action.FEED_TRY, Resource("feed", campus=feed.campus, owner_id=feed.owner_id))
        mapping = await _mapping(door, feed, body)
        trial = await try_mapping(door, keys, feed, mapping, body.sample.encode(), dry_run=body.dry_run)
    results = list(trial.results)
    worth_showing = sorted(results, key=lambda result: result.fate != "quarantined")[:_SHOWN]
    return TrialView(
        rows=[dict(row) for row in trial.rows],
        counts=CountsView.of(results),
        results=[ResultView.of(result) for result in worth_showing],
        new_columns=list(trial.new_columns),
        dry_run=trial.dry_run,
    )


async def _mapping(door: Door, feed: Any, body: TryBody) -> Compiled:  # noqa: ANN401
    if body.document is not None:
        return compiled(body.document, feed.campus)
    return await mapping_of(door, feed, body.version or feed.mapping_version)
