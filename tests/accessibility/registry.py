"""Every state of every page, as its owner registers it: a file beside this one's `states/`, a list STATES in it."""

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from playwright.async_api import Page

from tests.journeys.world import World

STATES_FOLDER = Path(__file__).parent / "states"

Arrange = Callable[[World], Awaitable[str | None]]
Act = Callable[[Page], Awaitable[object]]


@dataclass(frozen=True)
class State:
    """One page in one state.

    name      "triage: nothing waits"; begins with the page
    path      where it is; `arrange` may return another
    person    who looks; "" is nobody signed in
    arrange   brings the system there: arrange(world) -> path or None
    act       brings the page there: act(page), such as sending an empty form
    first     it needs a system in which little has happened: those run before all others
    service   who answers: console, intake, notifications
    status    what the page answers with
    says      words that must be on it, or it is another state
    """

    name: str
    path: str = "/"
    person: str = ""
    arrange: Arrange | None = None
    act: Act | None = None
    first: bool = False
    service: str = "console"
    status: int = 200
    says: str = ""
    place: int = field(default=0, repr=False)


def states() -> list[State]:
    """Return every state, those of an empty system first."""
    found: list[State] = []
    for path in sorted(STATES_FOLDER.glob("[a-z]*.py")):
        found += importlib.import_module(f"tests.accessibility.states.{path.stem}").STATES
    found.sort(key=lambda state: not state.first)
    names = [state.name for state in found]
    assert len(names) == len(set(names)), "two states of one name"
    return [replace(state, place=place) for place, state in enumerate(found)]
