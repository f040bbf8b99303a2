"""The keys that a sender publishes, fetched from its address and kept: the previous, the current and the next one."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx
from joserfc.jwk import KeySet

from services.intake.domain.decoders.parts import json_of
from services.intake.domain.decoders.signatures import keys_of
from services.intake.domain.feeds import Feed
from shared.refusal import Refused
from shared.telemetry import counters, logger

FRESH = timedelta(hours=1)
# The first delivery under a new key fetches it. A stranger's may not make us fetch without end.
AGAIN = timedelta(minutes=1)
LARGEST = 64 * 1024
_PATIENCE = 3.0
_log = logger("key_sets")


@dataclass
class _Kept:
    keys: KeySet | None
    fetched_at: datetime
    tried_at: datetime
    fetching: bool = False


class KeySets:
    """Key sets by address. What was fetched once serves on while its address is away: keys are good for a month."""

    def __init__(self, *, strict: bool, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Take `strict` in production: then addresses are HTTPS and name a host. `transport` is how tests are asked."""
        self._strict = strict
        self._transport = transport
        self._kept: dict[str, _Kept] = {}

    async def of(self, feed: Feed, now: datetime, *, newer: bool = False) -> KeySet | None:
        """Return the keys of a feed, None where its settings say that it does not sign.

        `newer` asks for keys that are not at hand. Raises Refused: 409 for settings that name none, 503 while the
        address is away and nothing was fetched before; the sender waits and sends again.
        """
        settings = feed.settings
        if settings.get("unsigned") is True:
            return None
        if settings.get("jwks"):
            return keys_of(settings["jwks"])
        address = str(settings.get("jwks_url", ""))
        if not address:
            raise Refused("no_keys", "This feed names no keys: give it jwks_url or jwks in its settings.", status=409)
        return await self._at(address, now, newer=newer)

    async def _at(self, address: str, now: datetime, *, newer: bool) -> KeySet:
        kept = self._kept.get(address)
        old = kept is None or kept.keys is None or now - kept.fetched_at >= FRESH or newer
        may = kept is None or (not kept.fetching and now - kept.tried_at >= AGAIN)
        if old and may:
            kept = await self._fetch(address, now, kept)
        if kept is None or kept.keys is None:
            raise Refused("keys_away", "The sender's keys cannot be fetched just now.", status=503, retry_after=60)
        return kept.keys

    async def _fetch(self, address: str, now: datetime, before: _Kept | None) -> _Kept:
        kept = before or _Kept(None, now, now)
        kept.tried_at, kept.fetching = now, True
        self._kept[address] = kept
        try:
            self._check(address)
            kept.keys, kept.fetched_at = keys_of(json_of(await self._get(address))), now
        except (httpx.HTTPError, Refused) as error:
            counters["key_sets_unreachable"] += 1
            _log.warning("a sender's keys could not be fetched", extra={"error_class": type(error).__name__})
        finally:
            kept.fetching = False
        return kept

    async def _get(self, address: str) -> bytes:
        async with (
            httpx.AsyncClient(transport=self._transport, timeout=_PATIENCE, follow_redirects=False) as client,
            client.stream("GET", address, headers={"Accept": "application/json"}) as answer,
        ):
            answer.raise_for_status()
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LARGEST:
                    raise Refused("bad_keys", "The address of the keys gives far more than keys.", status=409)
        return bytes(body)

    def _check(self, address: str) -> None:
        """Refuse an address that would make us ask our own network."""
        parts = urlsplit(address)
        host = parts.hostname or ""
        if self._strict and (parts.scheme != "https" or "." not in host or _is_number(host)):
            raise Refused("bad_keys_address", "The address of the keys must be HTTPS and name a host.", status=409)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
