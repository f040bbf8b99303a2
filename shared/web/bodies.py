"""What comes in: no larger than agreed, and no text that cannot be stored."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.problems import Fault, pointer_of, problem, request_id_of

KIB = 1024
JSON_LIMIT = 256 * KIB
STREAM_LIMIT = 1024 * KIB * KIB

# Postgres's text cannot hold NUL, UTF-8 cannot hold half a surrogate pair, and JSON knows no NaN.
_SUSPECT = re.compile(rb"\\u0000|\\u[dD][89abAB-Fc-f]|NaN|Infinity|\x00")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNSTORABLE_DETAIL = "This holds a character that cannot be stored (NUL or half of a surrogate pair)."


class Bodies:
    """Refuses what is too large (413) or cannot be stored (422) before any route sees it.

    A path in `streamed` is handed on piece by piece with a limit of its own; any other body is read whole first. One
    with a `*` stands for every path that begins and ends so.
    """

    def __init__(
        self, app: ASGIApp, *, streamed: frozenset[str], limit: int = JSON_LIMIT, stream_limit: int = STREAM_LIMIT
    ) -> None:
        self._app = app
        self._streamed = streamed
        self._families = tuple(tuple(path.split("*", 1)) for path in streamed if "*" in path)
        self._limit = limit
        self._stream_limit = stream_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            fault = Fault(pointer="/path" if "\x00" in scope["path"] else "/query", detail=_UNSTORABLE_DETAIL)
            await problem(
                422, "invalid", _UNSTORABLE_DETAIL, errors=[fault], request_id=request_id_of(scope)
            )(scope, receive, send)  # fmt: skip
            return
        streamed = self._is_streamed(scope["path"])
        limit = self._stream_limit if streamed else self._limit
        if _announced(scope) > limit:
            await _too_large(scope, receive, send, limit)
        elif streamed:
            await self._app(scope, _counted(receive, limit), send)
        else:
            await self._whole(scope, receive, send)

    def _is_streamed(self, path: str) -> bool:
        families = (path.startswith(begin) and path.endswith(end) for begin, end in self._families)
        return path in self._streamed or any(families)

    async def _whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive, self._limit)
        if body is None:
            return
        if len(body) > self._limit:
            await _too_large(scope, receive, send, self._limit)
            return
        faults = _unstorable(body) if _SUSPECT.search(body) else []
        if faults:
            detail = faults[0].detail if len(faults) == 1 else "The request is not valid."
            answer = problem(422, "invalid", detail, errors=faults, request_id=request_id_of(scope))
            await answer(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() else 0


async def _read(receive: Receive, limit: int) -> bytes | None:
    """Read a body until its end or one piece beyond the limit; None when the caller has gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > limit or not message.get("more_body", False):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Hand a body on that has been read, then whatever comes after it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _counted(receive: Receive, limit: int) -> Receive:
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413)
        return message

    return counted


async def _too_large(scope: Scope, receive: Receive, send: Send, limit: int) -> None:
    detail = f"The body is larger than the {limit // KIB} KiB accepted here."
    await problem(413, "too_large", detail, request_id=request_id_of(scope))(scope, receive, send)


def _unstorable(body: bytes) -> list[Fault]:
    """Return the fields of a JSON body that cannot be stored. Other content is left to whoever reads it."""
    try:
        sent = json.loads(body, parse_constant=_no_constant)
    except _ConstantError:
        return [Fault(pointer="/body", detail="NaN and Infinity are not JSON.")]
    except (ValueError, RecursionError):
        return []
    return [Fault(pointer=pointer_of(("body", *place)), detail=_UNSTORABLE_DETAIL) for place in _places(sent)]


class _ConstantError(ValueError):
    pass


def _no_constant(_name: str) -> NoReturn:
    raise _ConstantError


def _places(sent: Any) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401 - any JSON
    """Yield the places of strings that cannot be stored, in order, however deep they are nested."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), sent)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str) and _UNSTORABLE.search(value):
            yield place
        elif isinstance(value, Mapping):
            # A name that cannot be stored cannot be pointed at either: point at what holds it.
            if any(_UNSTORABLE.search(name) for name in value):
                yield place
            named = ((name, inner) for name, inner in value.items() if not _UNSTORABLE.search(name))
            waiting += [((*place, name), inner) for name, inner in named][::-1]
        elif isinstance(value, list):
            waiting += [((*place, index), inner) for index, inner in enumerate(value)][::-1]
