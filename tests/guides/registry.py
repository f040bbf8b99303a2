"""Every picture of the guides: whoever writes a guide puts a file into `shots/` beside this one, with a list SHOTS."""

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page

from deploy.local.home import ROOT
from tests.journeys.world import World

SHOTS_FOLDER = Path(__file__).parent / "shots"
GUIDES = ROOT / "docs" / "guides"
PICTURES = GUIDES / "shots"


@dataclass(frozen=True)
class Shot:
    """One picture, `docs/guides/shots/<name>.png`.

    path      where it is; `arrange` may return another
    person    who looks; "" is nobody signed in
    arrange   brings the system there: arrange(world) -> path or None. People to use: tests/guides/people.py
    act       brings the page there: act(page)
    of        what is in the picture (a CSS selector); "" is the window
    service   who answers: console, intake, notifications
    """

    name: str
    path: str = "/"
    person: str = ""
    arrange: Callable[[World], Awaitable[str | None]] | None = None
    act: Callable[[Page], Awaitable[object]] | None = None
    of: str = ""
    service: str = "console"
    width: int = 1280
    height: int = 800


def shots() -> list[Shot]:
    """Return every picture, in the order of files and lists."""
    found: list[Shot] = []
    for path in sorted(SHOTS_FOLDER.glob("[a-z]*.py")):
        found += importlib.import_module(f"tests.guides.shots.{path.stem}").SHOTS
    return found
