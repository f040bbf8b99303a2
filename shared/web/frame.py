"""Around every request: an id, security headers, one line in the log, and a last net that reveals nothing."""

import re
import time
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.ids import new_id
from shared.refusal import Refused
from shared.telemetry import logger
from shared.web.problems import refusal, unexpected

_REQUEST_ID = re.compile(r"^[A-Za-z0-9-]{8,64}$")
# A page of HTML brings its own policy; everything else may load nothing at all.
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_log = logger("web")


class Frame:
    """The outermost layer. Bodies, query strings, paths and headers never reach the log: the route's template does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.match(given) else str(new_id())
        scope["caselight.request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, framed)
        except Exception as error:  # noqa: BLE001 - told to the log and, without any detail, to the caller
            answer = refusal(error, request_id) if isinstance(error, Refused) else unexpected(error, request_id)
            if not status:
                await answer(scope, receive, framed)
        finally:
            _note(scope, status, time.perf_counter() - started)


def _note(scope: Scope, status: int, seconds: float) -> None:
    _log.log(
        30 if status >= HTTPStatus.INTERNAL_SERVER_ERROR else 20,
        "request",
        extra={
            "method": scope["method"],
            "route": getattr(scope.get("route"), "path", "unmatched"),
            "status": status,
            "seconds": round(seconds, 4),
            "request_id": scope["caselight.request_id"],
        },
    )
