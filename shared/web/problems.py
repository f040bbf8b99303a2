"""Every error as problem+json (RFC 9457), in fixed words: it never quotes what was sent, and a 5xx says nothing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from shared.messaging.failures import is_transient
from shared.refusal import Refused
from shared.telemetry import counters, logger

MEDIA_TYPE = "application/problem+json"
# These quote a piece of what was sent; the others are fixed words with limits of ours in them.
_QUOTING = re.compile(r"^(uuid|date|time|url|json|decimal|int_parsing|float_parsing|string_unicode|is_instance)")
_SHORTEST_QUOTE = 3
# Fixed words for what people meet.
_PLAIN = {
    "uuid_parsing": "This is no id.",
    "datetime_parsing": "This is no time, such as 2026-09-14T10:30:00+00:00.",
    "datetime_from_date_parsing": "This is no time, such as 2026-09-14T10:30:00+00:00.",
    "date_from_datetime_parsing": "This is no date, such as 2026-09-14.",
    "date_parsing": "This is no date, such as 2026-09-14.",
    "json_invalid": "This is no JSON.",
}
_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")  # how Python writes a code that is a member of an enumeration

_log = logger("web")


class Fault(BaseModel):
    """One field at fault."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """An error as RFC 9457 shapes it. `type` ends in a stable code."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] = []
    request_id: str = ""


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Fault] = (),
    request_id: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem response."""
    body = Problem(
        type=f"urn:caselight:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=list(errors),
        request_id=request_id,
    )
    return JSONResponse(body.model_dump(), status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def refusal(refused: Refused, request_id: str = "") -> Response:
    """Return a refusal as a problem."""
    headers: dict[str, str] = {}
    if refused.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if refused.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(refused.retry_after)))
    errors = [Fault(pointer=refused.pointer, detail=refused.detail)] if refused.pointer else []
    return problem(refused.status, refused.code, refused.detail, errors=errors, request_id=request_id, headers=headers)


def unexpected(error: BaseException, request_id: str = "") -> Response:
    """Return what the outside learns of an error nobody meant: that it was ours, and the id to ask about it."""
    if is_transient(error):
        counters["web_unavailable"] += 1
        _log.warning("a request could not be served for now", extra={"request_id": request_id}, exc_info=error)
        return problem(
            503, "unavailable", "This is not available just now. Try again shortly.", request_id=request_id,
            headers={"Retry-After": "1"},
        )  # fmt: skip
    counters["web_errors"] += 1
    _log.error("a request failed", extra={"request_id": request_id}, exc_info=error)
    return problem(500, "internal", "Something went wrong on our side. It has been noted.", request_id=request_id)


def install(app: FastAPI) -> None:
    """Make the application answer with problems for everything that the framework itself refuses."""

    async def on_refused(request: Request, error: Exception) -> Response:
        return refusal(cast("Refused", error), request_id_of(request.scope))

    async def on_invalid(request: Request, error: Exception) -> Response:
        faults = list(faults_of(cast("RequestValidationError", error).errors()))
        detail = "The request is not valid." if len(faults) != 1 else faults[0].detail
        return problem(422, "invalid", detail, errors=faults, request_id=request_id_of(request.scope))

    async def on_http(request: Request, error: Exception) -> Response:
        status = cast("HTTPException", error).status_code
        phrase = HTTPStatus(status).phrase
        return problem(
            status, phrase.lower().replace(" ", "_"), f"{phrase}.", request_id=request_id_of(request.scope),
            headers=cast("HTTPException", error).headers,
        )  # fmt: skip

    app.add_exception_handler(Refused, on_refused)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


def request_id_of(scope: Any) -> str:  # noqa: ANN401 - an ASGI scope
    """Return the id that the frame gave a request."""
    return str(scope.get("caselight.request_id", ""))


def faults_of(errors: Sequence[Any]) -> Iterator[Fault]:
    """Turn pydantic's errors into pointers and fixed words."""
    for error in errors:
        yield Fault(pointer=pointer_of(error.get("loc", ())), detail=_words(error))


def pointer_of(location: Sequence[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a place: `/body/members/0/name`, `/query/campus`."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)


def _words(error: Mapping[str, Any]) -> str:
    kind, message = str(error.get("type", "")), str(error.get("msg", ""))
    if kind in _PLAIN:
        return _PLAIN[kind]
    if _QUOTING.match(kind) or _quotes(message, error.get("input")):
        return f"Not accepted: {kind.replace('_', ' ')}."
    return _MEMBER.sub(r"\1", message.removeprefix("Value error, ")).rstrip(".") + "."


def _quotes(message: str, sent: object) -> bool:
    """Return whether a message holds anything of what was sent, however deep that is nested."""
    waiting = [sent]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and len(value) >= _SHORTEST_QUOTE and value in message:
            return True
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
    return False
