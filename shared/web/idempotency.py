"""Asking twice and getting one answer: `Idempotency-Key`."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import Header, Request
from sqlalchemy import text
from starlette.responses import JSONResponse, Response

from shared.refusal import Refused
from shared.web.gate import Door

HEADER = "Idempotency-Key"
# For a route to declare, so that its description asks for the header and a missing one is refused with a pointer.
IdempotencyKey = Annotated[str, Header(alias=HEADER, min_length=1, max_length=200, pattern=r"^[!-~]+$")]

# The row is there from the start of the transaction: a second request with the same key waits on it for the first.
_CLAIM = text(
    """
    INSERT INTO idempotency_keys (caller, key, request_hash, status, body, created_at)
    VALUES (:caller, :key, :request_hash, 0, '', :now)
    ON CONFLICT (caller, key) DO NOTHING
    RETURNING key
    """
)
_EARLIER = text("SELECT request_hash, status, body FROM idempotency_keys WHERE caller = :caller AND key = :key")
_KEEP = text("UPDATE idempotency_keys SET status = :status, body = :body WHERE caller = :caller AND key = :key")

Make = Callable[[], Awaitable[tuple[int, Mapping[str, Any]]]]


async def once(door: Door, request: Request, make: Make) -> Response:
    """Return what `make` answers, (status, JSON body), or what it answered when this key was first used (for 30 days).

    The answer is kept in the transaction that did the work, so either both are there or neither. Raise Refused (409)
    when the key was used for another request. A request that was refused did nothing, and may be sent again.
    """
    key = request.headers.get(HEADER, "")
    if not key:
        raise Refused("key_missing", f"Send an {HEADER} header.", status=422, pointer=f"/header/{HEADER}")
    request_hash = await _hash(request)
    # A digest of the key: callers put into it what they like, and a name they used would be kept.
    mine = {"caller": door.actor.id, "key": hashlib.sha256(key.encode()).hexdigest()}
    claim = {**mine, "request_hash": request_hash, "now": door.now}
    if (await door.connection.execute(_CLAIM, claim)).scalar_one_or_none() is None:
        return await _replay(door, mine, request_hash)
    status, content = await make()
    response = JSONResponse(dict(content), status_code=status)
    await door.connection.execute(_KEEP, {**mine, "status": status, "body": bytes(response.body)})
    return response


async def _replay(door: Door, mine: Mapping[str, str], request_hash: bytes) -> Response:
    earlier = (await door.connection.execute(_EARLIER, mine)).one()
    if bytes(earlier.request_hash) != request_hash:
        raise Refused("key_used", "This Idempotency-Key was used for another request.", pointer=f"/header/{HEADER}")
    content = json.loads(bytes(earlier.body))
    return JSONResponse(content, status_code=earlier.status, headers={"Idempotency-Replayed": "true"})


async def _hash(request: Request) -> bytes:
    """Return what makes a request the same one: method, path, query and body."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(await request.body())
    return digest.digest()
