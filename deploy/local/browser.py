"""Where a browser is, for the tests of the pages and the pictures of the guides. Nothing that runs needs one."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MEND = "apt-get install chromium"
MISSING = f"""\
No browser was found to look at pages with. One of these mends it:
  on Debian or Ubuntu: {MEND}
  with Playwright:     .venv/bin/playwright install chromium
  your own Chromium:   CASELIGHT_BROWSER=/path/to/chromium make test"""


class NoBrowserError(RuntimeError):
    """There is no browser to look at pages with. It says what to do."""

    def __init__(self) -> None:
        super().__init__(MISSING)


def executable(playwrights: str = "", environment: Mapping[str, str] = os.environ) -> str:
    """Return the browser to use: the one named, Playwright's, the system's. Raises NoBrowserError."""
    named = environment.get("CASELIGHT_BROWSER", "")
    if named:
        if shutil.which(named) is None:
            raise NoBrowserError
        return named
    if playwrights and Path(playwrights).exists():
        return playwrights
    places = environment.get("PATH")
    found = next((path for name in NAMES if (path := shutil.which(name, path=places))), None)
    if found is None:
        raise NoBrowserError
    return found
