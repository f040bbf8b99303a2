"""`/live`: the stream of server-sent events that an open page listens to."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Header
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request

from services.console.live import AREAS, EVERYTHING, NEWS, Heard, Hub, Listener
from services.console.site import ITSELF
from services.console.storage import sessions
from services.console.visit import Visit, begin
from shared.messaging.hints import Hint
from shared.web.gate import LIVE as USE
from shared.web.gate import USE_HEADER

router = APIRouter(include_in_schema=False)

# A line now and then, so that proxies keep the connection and we learn that a session has ended.
HEARTBEAT_S = 15
POLL_S = 10
# Of what comes at once, so many things of a kind are asked for; one that may be seen is reason enough to look.
TRIES = 5
_PATHS = {
    "page": ("notifications", "/pages/{}"),
    "referral": ("intake", "/referrals/{}"),
    "case": ("cases", "/cases/{}"),
}


@router.get("/live")
async def stream(request: Request, last_event_id: Annotated[str, Header(max_length=64)] = "") -> EventSourceResponse:
    """Say what changes of what this person may see, until their session ends."""
    visit = await begin(request, touch=False)
    return EventSourceResponse(
        events(visit, visit.console.hub, last_event_id),
        ping=HEARTBEAT_S,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def events(visit: Visit, hub: Hub, last: str) -> AsyncIterator[ServerSentEvent]:
    """Yield events for one open page."""
    with hub.listen() as listener:
        heard = hub.hears
        yield _poll(0 if heard else POLL_S)
        if last:
            async for event in _told(visit, await hub.since(last)):
                yield event
        while True:
            found = await _some(listener)
            if not await _lives(visit):  # before anything is said
                break
            if hub.hears != heard:
                heard = hub.hears
                yield _poll(0 if heard else POLL_S)
            async for event in _told(visit, found):
                yield event
    yield ServerSentEvent(event="ended", data="{}")


async def _some(listener: Listener) -> list[Heard]:
    """Wait for hints, not much longer than a heartbeat."""
    try:
        async with asyncio.timeout(HEARTBEAT_S):
            return await listener.some()
    except TimeoutError:
        return []


async def _lives(visit: Visit) -> bool:
    """Return whether the session still counts. A screen that only looks after itself keeps none alive."""
    async with visit.console.database.transaction(ITSELF) as tx:
        session = await sessions.find(tx, visit.token)
        return session is not None and session.lives(tx.now, visit.console.idle)


async def _told(visit: Visit, found: Sequence[Heard]) -> AsyncIterator[ServerSentEvent]:
    """Yield one event for all that may be told of these hints."""
    if not found:
        return
    place = next((each.place for each in reversed(found) if each.place), None)
    if any(each.hint is None for each in found):
        yield _changed(place, {EVERYTHING}, "")
        return
    seen = await _seen(visit, [each.hint for each in found if each.hint is not None])
    if seen:
        areas = {area for hint in seen for area in (*AREAS[hint.kind], f"{hint.kind}-{hint.id}")}
        yield _changed(place, areas, " ".join(dict.fromkeys(NEWS[each.type] for each in seen if each.type in NEWS)))


async def _seen(visit: Visit, found: Sequence[Hint]) -> list[Hint]:
    """Return the hints that the person may know of: their owner says so, now, for this person."""
    wanted: dict[str, list[Hint]] = {}
    for hint in {(each.kind, each.id): each for each in found if each.kind in AREAS}.values():
        wanted.setdefault(hint.kind, []).append(hint)
    asked = [hint for of_kind in wanted.values() for hint in of_kind[-TRIES:] if _could(visit, hint)]
    answers = await asyncio.gather(*(_may(visit, hint) for hint in asked))
    allowed = {(hint.kind, hint.id) for hint, may in zip(asked, answers, strict=True) if may}
    return [hint for hint in found if (hint.kind, hint.id) in allowed]


def _could(visit: Visit, hint: Hint) -> bool:
    """Return whether it is worth asking: staff, and of that campus, but for pages, whose people may be of any."""
    held = {role.campus for role in visit.person.roles}
    return visit.person.is_staff and (hint.kind == "page" or bool(held & {hint.campus, "*"}))


async def _may(visit: Visit, hint: Hint) -> bool:
    service, path = _PATHS[hint.kind]
    owners = visit.console.owners
    return (await owners.ask(visit.asker, service, path.format(hint.id), headers={USE_HEADER: USE})).ok


def _changed(place: str | None, areas: set[str], say: str) -> ServerSentEvent:
    return ServerSentEvent(event="changed", id=place, data=json.dumps({"areas": sorted(areas), "say": say}))


def _poll(seconds: int) -> ServerSentEvent:
    return ServerSentEvent(event="poll", data=json.dumps({"seconds": seconds}))
