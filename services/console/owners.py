"""Asking the services that own what is shown, as the person who looks: they decide and audit, the console only asks.

An owner has 800 ms. One that is away makes an answer that says so, never an error: the rest of the page is shown.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx

from shared.access.tokens import mint
from shared.clock import Clock
from shared.refusal import Refused
from shared.settings import OWNERS, Settings
from shared.telemetry import counters, logger

_log = logger("owners")

PATIENCE_S = 0.8
# What somebody decided is worth waiting for: it may be done although we no longer wait.
PATIENCE_TO_TELL_S = 10.0
_AWAY_STATUSES = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom an owner is asked: a subject and when they signed in."""

    subject: str
    authenticated_at: datetime | None = None


class Stopped(Refused):
    """A page cannot be shown without this answer: not there, not theirs, or its owner is away."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an owner said. `problem` is its code when it refused; `missing` says that it is away or took too long."""

    service: str
    status: int
    json: Any = None
    problem: str = ""
    detail: str = ""
    errors: tuple[Mapping[str, str], ...] = ()
    missing: bool = False

    @property
    def ok(self) -> bool:
        """Whether it is what was asked for."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def need(self) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON, or raise what a page says when it cannot do without."""
        if self.ok:
            return self.json
        if self.missing:
            raise Stopped("owner_away", "This is not available just now. Try again shortly.", status=503)
        raise Stopped(self.problem, self.detail, status=self.status)

    def items(self) -> list[Any]:
        """Return the items of a listing; none when there is no answer."""
        return list(self.json.get("items", ())) if self.ok and isinstance(self.json, dict) else []


class Owners:
    """HTTP to the five services. One per process; connections are kept."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._clients: dict[str, httpx.AsyncClient] = {}

    def reach(self, service: str, transport: httpx.AsyncBaseTransport) -> None:
        """Reach a service of this process without a network."""
        self._clients[service] = httpx.AsyncClient(transport=transport, base_url=f"http://{service}.local")

    async def ask(
        self,
        asker: Asker,
        service: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask for something. Parameters that are None or empty are left out."""
        asked = {name: value for name, value in (params or {}).items() if value not in (None, "", [])}
        return await self._send(asker, service, "GET", path, PATIENCE_S, params=asked, headers=dict(headers or {}))

    async def ask_with_body(self, asker: Asker, service: str, path: str, body: Any) -> Answer:  # noqa: ANN401 - JSON
        """Ask a question that is too long for an address, or that holds what must not stand in one."""
        return await self._send(asker, service, "POST", path, PATIENCE_S, json=body)

    async def tell(
        self,
        asker: Asker,
        service: str,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 - JSON
        *,
        key: str = "",
        **more: Any,  # noqa: ANN401 - httpx's own
    ) -> Answer:
        """Have something done. The same `key` at the same place is done once, however often it is sent."""
        headers = dict(more.pop("headers", {}))
        if key:
            headers["Idempotency-Key"] = hashlib.sha256(f"{key} {method} {service}{path}".encode()).hexdigest()
        if body is not None:
            more["json"] = body
        return await self._send(asker, service, method, path, PATIENCE_TO_TELL_S, headers=headers, **more)

    async def fetch(self, asker: Asker, service: str, path: str) -> httpx.Response | None:
        """Return an owner's answer as it is, for a file that is handed through; None when it is away."""
        token = mint(self._settings, asker.subject, now=self._clock.now(), authenticated_at=asker.authenticated_at)
        try:
            return await self._client(service).get(
                path, timeout=PATIENCE_TO_TELL_S, headers={"Authorization": f"Bearer {token}"}
            )
        except httpx.HTTPError as error:
            counters["owners_away"] += 1
            _log.warning("an owner does not answer", extra={"service": service}, exc_info=error)
            return None

    async def close(self) -> None:
        """Give the connections back."""
        for client in self._clients.values():
            await client.aclose()

    async def _send(
        self,
        asker: Asker,
        service: str,
        method: str,
        path: str,
        patience: float,
        **more: Any,  # noqa: ANN401 - httpx's own
    ) -> Answer:
        token = mint(self._settings, asker.subject, now=self._clock.now(), authenticated_at=asker.authenticated_at)
        more["headers"] = {"Authorization": f"Bearer {token}", **more.get("headers", {})}
        try:
            answer = await self._client(service).request(method, path, timeout=patience, **more)
        except httpx.HTTPError as error:
            counters["owners_away"] += 1
            _log.warning("an owner does not answer", extra={"service": service}, exc_info=error)
            return Answer(service, 0, problem="owner_away", missing=True)
        return _read(service, answer)

    def _client(self, service: str) -> httpx.AsyncClient:
        if service not in self._clients:
            if service not in OWNERS:
                raise LookupError(f"no service {service}")
            self._clients[service] = httpx.AsyncClient(
                base_url=self._settings.url(service),
                trust_env=False,  # a proxy for the outside has no business between our services
                limits=httpx.Limits(max_connections=200, max_keepalive_connections=50),
            )
        return self._clients[service]


def _read(service: str, answer: httpx.Response) -> Answer:
    said: Any = None
    if "json" in answer.headers.get("content-type", ""):
        said = answer.json()
    if answer.is_success:
        return Answer(service, answer.status_code, said)
    problem = said if isinstance(said, dict) else {}
    return Answer(
        service,
        answer.status_code,
        problem=str(problem.get("type", "")).rpartition(":")[2] or f"http_{answer.status_code}",
        detail=str(problem.get("detail", "")),
        errors=tuple(problem.get("errors", ())),
        missing=answer.status_code in _AWAY_STATUSES,
    )
