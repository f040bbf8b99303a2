"""`/live`: the stream of server-sent events that an open page listens to."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Annotated

from fastapi import APIRouter, Header
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request

from services.console.live import AREAS, EVERYTHING, NEWS, Heard, Hub, Listener
from services.console.owners import Answer
from services.console.site import ITSELF
from services.console.storage import sessions
from services.console.visit import Person, Visit, begin
from shared.access.actors import EVERYWHERE
from shared.messaging.hints import Hint
from shared.web.gate import LIVE as USE
from shared.web.gate import USE_HEADER

router = APIRouter(include_in_schema=False)

# A line now and then, so that proxies keep the connection and we learn that a session has ended.
HEARTBEAT_S = 15
POLL_S = 10
# Of what comes at once, so many of a kind are asked for at a time; one that may be seen is reason enough to look.
TRIES = 5
# What happens together is told together: a page is raised and its first step taken within milliseconds.
TOGETHER_S = 0.02
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
            heartbeat, found = await _some(visit, listener)
            if not heartbeat and not found and hub.hears == heard:
                continue
            if not await _lives(visit):  # before anything is said
                break
            if hub.hears != heard:
                heard = hub.hears
                yield _poll(0 if heard else POLL_S)
            async for event in _told(visit, found):
                # An owner that gave no answer: the page looks for itself until hints can be trusted again.
                heard = heard and event.event != "poll"
                yield event
    yield ServerSentEvent(event="ended", data="{}")


async def _some(visit: Visit, listener: Listener) -> tuple[bool, list[Heard]]:
    """Wait for hints, not longer than a heartbeat. Return whether that was it, and those worth asking about."""
    try:
        async with asyncio.timeout(HEARTBEAT_S):
            found = await listener.some()
    except TimeoutError:
        return True, []
    await asyncio.sleep(TOGETHER_S)
    found += listener.rest()
    watchers = await visit.console.programs.watchers()
    return False, [each for each in found if each.hint is None or could(visit.person, each.hint, watchers)]


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
    seen, unsure = await _seen(visit, [each.hint for each in found if each.hint is not None])
    if unsure:
        yield _poll(POLL_S)
    if seen:
        areas = {area for hint in seen for area in (*AREAS[hint.kind], f"{hint.kind}-{hint.id}")}
        yield _changed(place, areas, " ".join(dict.fromkeys(NEWS[each.type] for each in seen if each.type in NEWS)))


async def _seen(visit: Visit, found: Sequence[Hint]) -> tuple[list[Hint], bool]:
    """Return the hints that the person may know of: their owner says so, now, for this person. And whether none did."""
    wanted: dict[str, list[Hint]] = {}
    for hint in {(each.kind, each.id): each for each in found if each.kind in AREAS}.values():
        wanted.setdefault(hint.kind, []).append(hint)
    allowed, unsure = set[tuple[str, str]](), False
    while asked := [hint for of_kind in wanted.values() for hint in of_kind[-TRIES:]]:
        answers = await asyncio.gather(*(_may(visit, hint) for hint in asked))
        allowed |= {(hint.kind, hint.id) for hint, answer in zip(asked, answers, strict=True) if answer.ok}
        unsure = unsure or any(answer.missing for answer in answers)
        # Of a kind of which none may be seen yet, an earlier one may: a page must not hide behind those of others.
        told = {kind for kind, _ in allowed}
        wanted = {kind: of_kind[:-TRIES] for kind, of_kind in wanted.items() if kind not in told and not unsure}
    return [hint for hint in found if (hint.kind, hint.id) in allowed], unsure


def could(person: Person, hint: Hint, watchers: Collection[str]) -> bool:
    """Return whether it is worth asking: staff of that campus; for pages, whoever a rota or an absence may call, too.

    It saves asking for everybody; what is let through here is decided by the owner.
    """
    held = {role.campus for role in person.roles}
    called = hint.kind == "page" and person.id in watchers
    return person.is_staff and (called or bool(held & {hint.campus, EVERYWHERE}))


async def _may(visit: Visit, hint: Hint) -> Answer:
    """Ask the owner, twice where it does not answer the first time."""
    answer = await _ask(visit, hint)
    return await _ask(visit, hint) if answer.missing else answer


async def _ask(visit: Visit, hint: Hint) -> Answer:
    service, path = _PATHS[hint.kind]
    async with visit.console.hub.asking:
        return await visit.console.owners.ask(visit.asker, service, path.format(hint.id), headers={USE_HEADER: USE})


def _changed(place: str | None, areas: set[str], say: str) -> ServerSentEvent:
    return ServerSentEvent(event="changed", id=place, data=json.dumps({"areas": sorted(areas), "say": say}))


def _poll(seconds: int) -> ServerSentEvent:
    return ServerSentEvent(event="poll", data=json.dumps({"seconds": seconds}))
