"""Routes for what was set aside: by reason, one by one, mended, read again, discarded."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from services.intake.http.feed_bodies import (
    ChosenBody,
    DiscardBody,
    Groups,
    GroupView,
    ItemView,
    MendBody,
    ReplayView,
    ShownItem,
)
from services.intake.http.feeds import CampusFilter, feed_for
from services.intake.http.imports import Keys
from services.intake.storage import feeds, quarantine
from services.intake.storage.quarantine import Chosen
from services.intake.usecases import replay_quarantine
from services.intake.usecases.replay_quarantine import Replayed
from shared.access.actions import Action
from shared.access.decision import Resource
from shared.refusal import Refused
from shared.web.gate import Door, SignedIn
from shared.web.listing import Listing

router = APIRouter(tags=["quarantine"])
_PAGE = 100
_KIND = "quarantine"


@router.get("/quarantine")
async def list_groups(gate: SignedIn, campus: CampusFilter = "") -> Groups:
    """Show what waits in all feeds of the caller, by feed and reason."""
    async with gate.begin() as door:
        rows = await quarantine.groups(door.connection, campus=campus)
        owners = await feeds.owners(door.connection, {row.feed_id for row in rows})
        about = [
            Resource(_KIND, id=str(row.feed_id), campus=owners[row.feed_id][0], owner_id=owners[row.feed_id][1])
            for row in rows
        ]
        decisions = door.allow_each(Action.QUARANTINE_LIST, about)
        shown = [row for row, decision in zip(rows, decisions, strict=True) if decision is not None]
        ids = sorted({str(row.feed_id) for row in shown})
        await door.record_list(Action.QUARANTINE_LIST, ids, f"campus={campus}", kind=_KIND, campus=campus or "*")
    return Groups(items=[_group(row) for row in shown])


@router.get("/feeds/{feed_id}/quarantine")
async def list_groups_of_feed(feed_id: UUID, gate: SignedIn) -> Groups:
    """Show what waits in a feed, by reason."""
    async with gate.begin() as door:
        await feed_for(door, Action.QUARANTINE_LIST, feed_id, kind=_KIND)
        rows = await quarantine.groups(door.connection, feed_id=feed_id)
    return Groups(items=[_group(row) for row in rows])


@router.get("/feeds/{feed_id}/quarantine/items")
async def list_items(
    feed_id: UUID,
    gate: SignedIn,
    *,
    state: Annotated[Literal["waiting", "replayed", "discarded"], Query()] = "waiting",
    code: Annotated[str | None, Query(max_length=64)] = None,
    column: Annotated[str, Query(max_length=200)] = "",
    sort: Literal["oldest", "newest"] = "oldest",
    after: UUID | None = None,
) -> Listing[ItemView]:
    """Show items set aside, without what they say."""
    async with gate.begin() as door:
        await feed_for(door, Action.QUARANTINE_LIST, feed_id, kind=_KIND)
        rows = await quarantine.page(
            door.connection, feed_id, state=state, code=code, column=column, after=after, count=_PAGE, order=sort
        )
    return Listing(
        items=[ItemView.model_validate(_item(row)) for row in rows],
        after=rows[-1].item_id if len(rows) == _PAGE else None,
    )


@router.get("/feeds/{feed_id}/quarantine/items/{item_id}")
async def show_item(feed_id: UUID, item_id: UUID, gate: SignedIn, keys: Keys) -> ShownItem:
    """Show what an item said. For the feed's owner and whoever manages its campus's feeds."""
    async with gate.begin() as door:
        row = await _found(door, Action.QUARANTINE_SHOW, feed_id, item_id)
        raw, mended = await quarantine.said(door, keys, row)
    return ShownItem.model_validate(
        {**_item(row), "raw": _text(raw), "mended_raw": None if mended is None else _text(mended)}
    )


@router.post("/feeds/{feed_id}/quarantine/items/{item_id}/mend")
async def mend_item(feed_id: UUID, item_id: UUID, body: MendBody, gate: SignedIn, keys: Keys) -> ItemView:
    """Say what an item should say. It is read again when it is replayed; what it said is kept."""
    async with gate.begin() as door:
        row = await _found(door, Action.QUARANTINE_MEND, feed_id, item_id)
        if not await quarantine.mend(door, keys, row, body.raw.encode()):
            raise Refused("not_waiting", "This item does not wait any more.", status=409)
    return ItemView.model_validate({**_item(row), "mended": True})


@router.post("/feeds/{feed_id}/quarantine/replay")
async def replay(feed_id: UUID, body: ChosenBody, gate: SignedIn, keys: Keys) -> ReplayView:
    """Read items again by the mapping in use, up to 500 at a time. Nothing is made twice."""
    async with gate.begin() as door:
        feed = await feed_for(door, Action.QUARANTINE_REPLAY, feed_id, kind=_KIND)
        done = await replay_quarantine.replay(door, keys, feed, _chosen(body), body.after)
    return _replayed(done)


@router.post("/feeds/{feed_id}/quarantine/discard")
async def discard(feed_id: UUID, body: DiscardBody, gate: SignedIn, keys: Keys) -> ReplayView:
    """Decide that items will never be taken in, up to 500 at a time. They are kept with the reason."""
    async with gate.begin() as door:
        feed = await feed_for(door, Action.QUARANTINE_DISCARD, feed_id, kind=_KIND)
        done = await replay_quarantine.discard(door, keys, feed, _chosen(body), body.reason, after=body.after)
    return _replayed(done)


async def _found(door: Door, action: Action, feed_id: UUID, item_id: UUID) -> Any:  # noqa: ANN401 - a row
    await feed_for(door, action, feed_id, kind=_KIND)
    row = await quarantine.find(door.connection, feed_id, item_id)
    if row is None:
        await door.absent(action, _KIND, str(item_id))
    return row


def _chosen(body: ChosenBody) -> Chosen:
    return Chosen(None if body.item_ids is None else tuple(body.item_ids), body.code, body.column)


def _replayed(done: Replayed) -> ReplayView:
    return ReplayView(done=done.replayed, still=done.still, after=done.last)


def _group(row: Any) -> GroupView:  # noqa: ANN401 - a row
    return GroupView(
        feed_id=row.feed_id,
        code=row.code,
        column=row.column_name,
        reason=row.reason,
        accepted=row.accepted,
        items=row.items,
        times=row.times,
        oldest=row.oldest,
        newest=row.newest,
    )


def _item(row: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a row
    said = {name: value for name, value in row._asdict().items() if name not in {"raw", "mended", "feed_id", "campus"}}
    renamed = {"delivery_id": said["import_id"], "column": said["column_name"], "mended": said["is_mended"]}
    return said | renamed


def _text(raw: bytes) -> str:
    """Return bytes as text, with signs in place of what is none: it is looked at, and mended as text."""
    return raw.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
