"""The page behind the link in a mail: GET shows it, POST acts. For people on a phone, without JavaScript."""

from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.notifications.domain.links import Link, fingerprint, read
from services.notifications.domain.page import Page
from services.notifications.domain.record import DECLINE_REASONS
from services.notifications.http.resources import of_page
from services.notifications.http.view import view
from services.notifications.storage import links, pages
from services.notifications.usecases import answer_page
from services.notifications.usecases.desk import Desk, look_around_pages
from shared.access.actions import Action
from shared.program import Program
from shared.refusal import Refused
from shared.web.gate import Denied, Door, by_link
from shared.web.site import part, site_of

router = APIRouter(include_in_schema=False)

AtDesk = Annotated[Desk, Depends(part(Desk))]

_HERE = Path(__file__).parent
_SHEET = (_HERE / "assets" / "link.css").read_text()
_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # The address is the secret: it must not be passed on, kept, or found by a search engine.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}


@router.api_route("/a/{token}", methods=["GET", "HEAD"])
async def show(request: Request, desk: AtDesk, token: str) -> Response:
    """Show what the mail said and two buttons. Looking changes nothing, so a mail scanner may."""
    link = read(desk.link_key, token)
    if link is None:
        return _strange()
    try:
        async with by_link(request, link.staff_id).begin() as door:
            page, program = await _page(door, link, token, Action.PAGE_READ)
            return _shown(request, page, link, program, door.now)
    except Refused as refused:
        return _refused(refused)


@router.post("/a/{token}")
async def act(
    request: Request,
    desk: AtDesk,
    token: str,
    answer: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Accept, or say that one cannot; then show how things stand."""
    link = read(desk.link_key, token)
    if link is None:
        return _strange()
    action, wrong = _meant(answer, reason)
    try:
        async with by_link(request, link.staff_id).begin() as door:
            page, program = await _page(door, link, token, action)
            if wrong:
                return _shown(request, page, link, program, door.now, wrong=wrong)
            if not link.expired(door.now):
                await _answer(door, desk, page, link, (answer, reason))
                await links.use(door.connection, fingerprint(token), door.now)
    except Refused as refused:
        # Somebody was faster, or this was sent twice: the page itself says so, kindly.
        if refused.status != HTTPStatus.CONFLICT:
            return _refused(refused)
    return RedirectResponse(request.url.path, status_code=HTTPStatus.SEE_OTHER, headers=_HEADERS)


@router.get("/assets/link.css")
async def sheet() -> Response:
    """Return the style sheet: the page's policy allows no style inside it."""
    return Response(_SHEET, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})


async def _page(door: Door, link: Link, token: str, action: Action) -> tuple[Page, Program]:
    """Return the page of a link that we sent, locked where the link is to act."""
    find = pages.load if action == Action.PAGE_READ else pages.lock
    found = (
        await find(door.connection, [link.page_id]) if await links.known(door.connection, fingerprint(token)) else []
    )
    if not found:
        await door.absent(action, "page", str(link.page_id))
    around = (await look_around_pages(door.connection, found)).of_page(found[0])
    await door.allow(action, of_page(found[0], around, door.actor.id))
    return found[0], around.program


async def _answer(door: Door, desk: Desk, page: Page, link: Link, said: tuple[str, str]) -> None:
    answer, reason = said
    if answer == "accept":
        await answer_page.accept(door, desk, page, link.staff_id, via="link")
    else:
        await answer_page.decline(door, desk, page, link.staff_id, reason, via="link")


def _meant(answer: str, reason: str) -> tuple[Action, str]:
    """Return what a form asks for, or, when it is not whole, that it is only looked at and what is wrong with it."""
    if answer == "accept":
        return Action.PAGE_ACCEPT, ""
    if answer != "decline":
        return Action.PAGE_READ, "answer"
    return (Action.PAGE_DECLINE, "") if reason in DECLINE_REASONS else (Action.PAGE_READ, "reason")


def _shown(
    request: Request, page: Page, link: Link, program: Program, now: datetime, *, wrong: str = ""
) -> HTMLResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    console = site_of(request).settings.console_url
    return _html("link.html", status, view=view(page, link, program, now), wrong=wrong, console=console)


def _strange() -> HTMLResponse:
    """Answer for an address that we never sent: it may have been cut off on its way."""
    return _html("strange.html", HTTPStatus.NOT_FOUND)


def _refused(refused: Refused) -> HTMLResponse:
    if isinstance(refused, Denied) or refused.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _strange()
    return _html("later.html", HTTPStatus.SERVICE_UNAVAILABLE)


def _html(template: str, status: HTTPStatus, **values: object) -> HTMLResponse:
    return HTMLResponse(_templates.get_template(template).render(**values), status, headers=_HEADERS)
