"""Pages: who was told, when, why, who not and why not; and the list of all that somebody may know of."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from services.console import paging
from services.console.listing import NEWEST_FIRST, Choice, Filters, as_csv
from services.console.visit import Visiting

router = APIRouter(include_in_schema=False)

STATES = (
    ("", "Any"),
    ("notifying", "Nobody has accepted"),
    ("unreached_owned", "Reached nobody"),
    ("accepted", "Accepted"),
    ("ended", "Ended"),
)
ORDERS = (NEWEST_FIRST[0], ("waiting", "Waiting longest first"))
MINE = (("", "Everybody’s"), ("true", "Mine"))


@router.get("/pages")
async def listing(visit: Visiting) -> Response:
    """List pages, the newest first unless they are wanted otherwise."""
    filters = Filters(visit, [Choice("state", "State", STATES), Choice("mine", "Whose", MINE)], orders=ORDERS)
    answer = await visit.ask("notifications", "/pages", headers=filters.headers, **filters.parameters)
    found = [paging.view(visit, each) for each in answer.items()]
    if filters.csv:
        rows = [
            (each.reference, each.campus_name, each.level, said(each), each.raised_at.isoformat()) for each in found
        ]
        return as_csv("pages", ["Reference", "Campus", "Level", "State", "Raised"], rows)
    return visit.page(
        "pages.html",
        filters=filters,
        saved=await filters.saved(),
        pages=found,
        said=said,
        away=answer.missing,
        after=answer.json["after"] if answer.ok else None,
    )


@router.get("/pages/{page_id}")
async def why(visit: Visiting, page_id: UUID) -> HTMLResponse:
    """Explain one page."""
    page, explained = await visit.together(
        visit.ask("notifications", f"/pages/{page_id}"), visit.ask("notifications", f"/pages/{page_id}/why")
    )
    view, told = paging.view(visit, page.need()), explained.need()
    steps = [(datetime.fromisoformat(each["at"]), each["text"]) for each in told["sentences"]]
    return visit.page(
        "page.html",
        page=view,
        said=said,
        happened=[step for step in steps if step[0] <= visit.now],
        ahead=[text for at, text in steps if at > visit.now],
        edition=told["policy_edition"],
        policy=told["policy"],
    )


def said(page: paging.PageView) -> str:
    """Return in a few words how a page stands."""
    if page.ending:
        return page.ending
    if page.unreached:
        return "Reached nobody"
    if page.state == "accepted":
        return f"Accepted by {page.accepted_name}" + ("" if page.contacted else ", not reached yet")
    return "Nobody has accepted"
