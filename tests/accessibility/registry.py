"""Every state of every page, as its owner registers it: a file beside this one's `states/`, a list STATES in it.

A file whose states change the rules for everybody says LAST = True: it comes after the others.
"""

import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from playwright.async_api import Page

from tests.journeys.world import World

STATES_FOLDER = Path(__file__).parent / "states"
PARTS = 2

Arrange = Callable[[World], Awaitable[str | None]]
Act = Callable[[Page], Awaitable[object]]
Around = Callable[[World], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _as_it_is(_world: World) -> AsyncIterator[None]:
    yield


class Away(httpx.AsyncBaseTransport):
    """An owner that cannot be reached."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Fail as a network does."""
        raise httpx.ConnectError("away", request=request)


def without(*services: str) -> Around:
    """Let the console reach none of these owners: `State(…, around=without("intake"))`."""

    @asynccontextmanager
    async def around(world: World) -> AsyncIterator[None]:
        owners = world.services["console"].api.state.console.owners
        for service in services:
            owners.reach(service, Away())
        yield
        for service in services:
            owners.reach(service, httpx.ASGITransport(app=world.services[service].api))

    return around


@dataclass(frozen=True)
class State:
    """One page in one state.

    name      "triage: nothing waits"; begins with the page
    path      where it is; `arrange` may return another
    person    who looks; "" is nobody signed in
    arrange   brings the system there: arrange(world) -> path or None
    act       brings the page there: act(page), such as sending an empty form
    around    how the system is while the page is looked at: `without("intake")`
    first     it needs a system in which little has happened: those run before all others
    service   who answers: console, intake, notifications
    status    what the page answers with
    says      words that must be on it, or it is another state
    leads     (set here) the first of its file: it is looked at in forced colors too
    """

    name: str
    path: str = "/"
    person: str = ""
    arrange: Arrange | None = None
    act: Act | None = None
    around: Around = _as_it_is
    first: bool = False
    service: str = "console"
    status: int = 200
    says: str = ""
    leads: bool = field(default=False, repr=False)
    last: bool = field(default=False, repr=False)
    place: int = field(default=0, repr=False)


def states(part: int | None = None) -> list[State]:
    """Return every state, those of an empty system first; or one of PARTS parts, each with whole files of states."""
    modules = [
        importlib.import_module(f"tests.accessibility.states.{path.stem}")
        for path in sorted(STATES_FOLDER.glob("[a-z]*.py"))
    ]
    files = [[replace(state, last=getattr(module, "LAST", False)) for state in module.STATES] for module in modules]
    names = [state.name for file in files for state in file]
    assert len(names) == len(set(names)), "two states of one name"
    for file in files:
        file[0] = replace(file[0], leads=True)
    found = [state for file in (files if part is None else _shared_out(files)[part]) for state in file]
    found.sort(key=lambda state: (not state.first, state.last))
    return [replace(state, place=place) for place, state in enumerate(found)]


def _shared_out(files: list[list[State]]) -> list[list[list[State]]]:
    """Share files out so that each part has about as many states: two processes look at them at once."""
    parts: list[list[list[State]]] = [[] for _ in range(PARTS)]
    for file in sorted(files, key=len, reverse=True):
        min(parts, key=lambda part: sum(map(len, part))).append(file)
    return parts
