"""One page with every macro on it, as a service would show it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.web.ui.brands import brand
from shared.web.ui.charts import columns
from shared.web.ui.frames import ConsoleFrame, NavItem
from shared.web.ui.pages import Templates
from shared.web.ui.times import clock, when

NOW = datetime(2026, 11, 17, 13, 42, tzinfo=UTC)
NORTH = brand("NORTH", "North Campus")
SOUTH = brand("SOUTH", "South Campus", "#f0b429")
FRAME = ConsoleFrame(
    person="Rowan Achterberg",
    nav=[
        NavItem("today", "Today", "/", current=True),
        NavItem("pages", "Pages", "/pages", 1, "not accepted", danger=True),
        NavItem("triage", "Triage", "/triage", 23),
    ],
    csrf='to"ken',
    zone="North Campus",
    campus=NORTH,
    campuses=[NORTH, SOUTH],
    said="Saved. The referral is watched.",
    missing=["Names are away; short references are shown."],
)


def everything(templates: Templates | None = None) -> str:
    """Return the page."""
    made = templates or Templates(Path(__file__).parent / "templates")
    zone = "America/New_York"
    return made.render(
        "everything.html",
        frame=FRAME,
        brand=NORTH,
        at=when(NOW - timedelta(minutes=6), NOW, zone),
        late=clock(NOW - timedelta(hours=3), NOW - timedelta(hours=1), NOW, zone),
        soon=clock(NOW - timedelta(hours=9), NOW + timedelta(hours=1), NOW, zone),
        picture=columns(
            "Fewer flags than usual came on Nov 12.",
            "Flags for each day",
            [("Nov 11", 40, ""), ("Nov 12", 3, "out"), ("Nov 13", 0, "none")],
            names=("Day", "Flags"),
            band=(20, 60),
        ),
    )
