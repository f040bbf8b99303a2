"""Signing in and out, and what one may set for oneself."""

import secrets
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.console.cookies import SAID, SESSION, SIGN_IN
from services.console.forms import Form
from services.console.oidc import Proven, SignInRefused
from services.console.site import ITSELF, Console, console_of
from services.console.storage import filters, sessions
from services.console.visit import Visiting, as_person
from shared.access.actors import EVERYWHERE
from shared.refusal import Refused
from shared.telemetry import logger
from shared.web.ui import templates_of

router = APIRouter(include_in_schema=False)

_log = logger("sign-in")

# How long somebody may take at the provider.
PATIENCE = timedelta(minutes=15)
_LONGEST_BACK = 1500

Text = Annotated[str, Query(max_length=4000)]


@router.get("/sign-in")
async def sign_in(request: Request, back: Text = "/") -> Response:
    """Send somebody to the provider."""
    console = console_of(request)
    try:
        address, state, waiting = await console.provider.begin(safe_back(back))
    except Refused as refused:
        return stopped(request, refused)
    browser = console.cookies.get(request, SIGN_IN) or secrets.token_urlsafe(32)
    async with console.database.transaction(ITSELF) as tx:
        await sessions.await_sign_in(tx, state, browser, waiting, tx.now + PATIENCE)
    response = RedirectResponse(address, HTTPStatus.SEE_OTHER)
    console.cookies.set(response, SIGN_IN, browser, int(PATIENCE.total_seconds()))
    return response


@router.get("/signed-in")
async def signed_in(request: Request, state: Text = "", code: Text = "", iss: Text = "") -> Response:
    """Take somebody back from the provider and begin their session."""
    console = console_of(request)
    browser = console.cookies.get(request, SIGN_IN)
    async with console.database.transaction(ITSELF) as tx:
        waiting = await sessions.take_sign_in(tx, state, browser)
    try:
        if waiting is None:
            raise SignInRefused("unknown_state")
        if not code:
            raise SignInRefused("provider_said_no")
        proven = await console.provider.finish(code, iss, waiting)
    except Refused as refused:
        _log.warning("a sign-in was refused", extra={"code": refused.code})
        return stopped(request, refused)
    response = RedirectResponse(waiting.back, HTTPStatus.SEE_OTHER)
    console.cookies.set(response, SESSION, await _begin(console, request, proven))
    console.cookies.drop(response, SIGN_IN)
    console.cookies.drop(response, SAID)
    return response


async def _begin(console: Console, request: Request, proven: Proven) -> str:
    """Begin a session under a token nobody has seen before, and end the one this browser had."""
    token = secrets.token_urlsafe(32)
    async with console.database.transaction(ITSELF) as tx:
        earlier = await sessions.find(tx, console.cookies.get(request, SESSION))
        if earlier is not None:
            await sessions.end(tx, earlier)
        ends = tx.now + console.longest
        person = (proven.subject, proven.name)
        await sessions.begin(tx, token, person, authenticated_at=proven.authenticated_at, ends_at=ends)
    return token


@router.post("/sign-out")
async def sign_out(visit: Visiting, _form: Form) -> Response:
    """End the session."""
    async with visit.console.database.transaction(ITSELF) as tx:
        await sessions.end(tx, visit.session)
    # A form may only lead home: the provider's own sign-out is a link on the next page.
    return RedirectResponse("/signed-out", HTTPStatus.SEE_OTHER)


@router.get("/signed-out")
async def signed_out(request: Request) -> HTMLResponse:
    """Say that the session is over."""
    return templates_of(request).respond(request, "signed_out.html")


@router.get("/me")
async def me(visit: Visiting) -> HTMLResponse:
    """Say who is signed in, with which roles, since when; let keys be switched off."""
    async with visit.console.database.transaction(as_person(visit)) as tx:
        kept = await filters.of_person(tx)
    return visit.page(
        "me.html",
        filters=kept,
        ends_at=visit.session.ends_at,
        minutes=f"{visit.console.settings.session_idle_minutes:g}",
    )


@router.post("/me/keys")
async def switch_keys(visit: Visiting, form: Form) -> Response:
    """Switch single keys on or off (WCAG 2.1.4)."""
    on = form.get("keys") == "on"
    async with visit.console.database.transaction(ITSELF) as tx:
        await sessions.switch_keys(tx, visit.session, on=on)
    return visit.go("/me#single-keys", said=f"Keys are {'on' if on else 'off'}.")


@router.post("/campus")
async def choose_campus(visit: Visiting, form: Form) -> Response:
    """Keep which campus somebody looks at, and go back to where they were."""
    chosen = form.get("campus", "*")
    if chosen not in {each.code for each in visit.campuses} | {EVERYWHERE}:
        raise Refused("not_your_campus", "You have no role on this campus.", status=HTTPStatus.FORBIDDEN)
    async with visit.console.database.transaction(ITSELF) as tx:
        await sessions.choose_campus(tx, visit.session, chosen)
    return visit.go(safe_back(form.get("back", "/")))


def safe_back(back: str) -> str:
    """Return a path of ours; the first page for anything that would lead elsewhere."""
    parts = urlsplit(back)
    ours = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable() and "\\" not in back
    return back if ours and not parts.netloc and not parts.scheme and len(back) <= _LONGEST_BACK else "/"


def stopped(request: Request, refused: Refused) -> HTMLResponse:
    """Say that signing in did not work, and what to do."""
    return templates_of(request).respond(
        request, "sign_in_stopped.html", refused.status, detail=refused.detail, again="/sign-in"
    )
