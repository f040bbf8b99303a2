"""What people see when a page cannot be: not signed in, not there, not theirs, away, or our fault. Always a page."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.site import console_of
from services.console.visit import SignInNeeded, begin, sign_in_at
from shared.refusal import Refused
from shared.telemetry import logger
from shared.web import problems
from shared.web.ui import templates_of
from shared.web.ui.brands import Brand, brand

_log = logger("console")

TITLES = {
    HTTPStatus.BAD_REQUEST: "This cannot be read",
    HTTPStatus.FORBIDDEN: "Your roles do not open this",
    HTTPStatus.NOT_FOUND: "There is no such page, or it is not yours to see",
    HTTPStatus.METHOD_NOT_ALLOWED: "There is no such page, or it is not yours to see",
    HTTPStatus.CONFLICT: "Somebody else was faster",
    HTTPStatus.SERVICE_UNAVAILABLE: "This is away just now",
}
_OTHER = "This did not work"
# What an owner says in general is said by the title already; here is what to do about it.
_WHAT_TO_DO = {
    "Your roles do not allow this.": "If you need it for your work, ask your program office for the role.",
    "There is no such thing here, or it is not yours to see.": "Look at the address, or start from Today.",
}


def install(app: FastAPI) -> None:
    """Make the application answer with pages."""
    app.add_exception_handler(SignInNeeded, on_sign_in_needed)
    app.add_exception_handler(Refused, on_refused)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


class Mishaps:
    """Around every request: an error nobody meant is a page too, which says nothing but the number to ask about."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            await _mishap(Request(scope), error)(scope, receive, send)


def _mishap(request: Request, error: Exception) -> Response:
    """Return a page without anybody's name on it: the session may be what does not work. The log is told."""
    request_id = problems.request_id_of(request.scope)
    said = problems.unexpected(error, request_id)
    detail = "What you typed was not saved. Go back, and try again in a minute. It has been noted on our side."
    title = TITLES.get(HTTPStatus(said.status_code), "Something went wrong on our side")
    values = {"problem_title": title, "detail": detail, "request_id": request_id}
    return templates_of(request).respond(request, "problem_ours.html", said.status_code, None, **values)


async def on_sign_in_needed(request: Request, error: Exception) -> Response:
    """Send somebody to sign in; say that what they typed is kept."""
    needed = cast("SignInNeeded", error)
    address = sign_in_at(needed.back)
    if request.headers.get("HX-Request"):
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": address})
    if request.method == "GET":
        return RedirectResponse(address, HTTPStatus.SEE_OTHER)
    # A form may only lead home, and a redirect to the provider would be part of sending it.
    return templates_of(request).respond(
        request, "session_ended.html", HTTPStatus.UNAUTHORIZED, kept=needed.kept, again=address
    )


async def on_refused(request: Request, error: Exception) -> Response:
    """Say what was refused, in the words of whoever refused it."""
    refused = cast("Refused", error)
    return await _page(request, refused.status, _WHAT_TO_DO.get(refused.detail, refused.detail))


async def on_invalid(request: Request, _error: Exception) -> Response:
    """Treat an address that no page of ours would make as one that is not there."""
    return await _page(request, HTTPStatus.NOT_FOUND, "Look at the address, or start from Today.")


async def on_http(request: Request, error: Exception) -> Response:
    """Say what the framework refused."""
    return await _page(request, cast("HTTPException", error).status_code, "Look at the address, or start from Today.")


async def _page(request: Request, status: int, detail: str) -> Response:
    """Answer in the frame where somebody is signed in, without one where nobody is."""
    title = TITLES.get(HTTPStatus(status), _OTHER)
    values = {"problem_title": title, "detail": detail, "request_id": problems.request_id_of(request.scope)}
    try:
        visit = await begin(request, touch=False)
    except SignInNeeded:
        return templates_of(request).respond(request, "problem_outside.html", status, None, **values)
    return visit.page("problem.html", status, live=False, **values)


async def brands(request: Request) -> Mapping[str, Brand]:
    """Return the campuses' colors."""
    program = await console_of(request).programs.get()
    return {code: brand(code, campus.name, getattr(campus, "color", "")) for code, campus in program.campuses.items()}
