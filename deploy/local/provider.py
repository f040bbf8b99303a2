"""A small OpenID provider for development: it lists the people of the installation, and whoever is picked signs in.

No passwords: whoever reaches it can be anybody. So it listens on this machine only, and refuses to start where the
environment is production. As a process of its own: `python -m deploy.local.provider --port P`.
"""

import argparse
import base64
import hmac
import secrets
import sys
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import httpx
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from shared.access.tokens import mint
from shared.clock import Clock, SystemClock
from shared.settings import Settings

HOST = "127.0.0.1"
ALGORITHM = "ES256"
CODE_LIVES_S = 60.0
TOKEN_LIVES_S = 300
ALLOWED = frozenset({"development", "test"})

_SEES = {
    "case_manager": "the cases and concerns of students there",
    "supervisor": "all cases there, and assigns them",
    "director": "that cases exist and how they go, never what they say",
    "triager": "referrals that wait for a decision",
    "duty_officer": "pages of danger; the student of a page only after accepting it",
    "titleix_coordinator": "Title IX matters, which nobody else sees",
    "titleix_deputy": "Title IX matters, for the coordinator",
    "feed_manager": "feeds, and rows that could not be read",
    "operator": "how the services do, and no student at all",
    "administrator": "the program: staff, rotas, policies",
    "privacy_officer": "who looked at what",
    "faculty": "only the form to tell of a student",
}
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;"
    "background:#fff}ul{list-style:none;padding:0}li{border-bottom:1px solid #767676;padding:.5rem 0}"
    "a{color:#0b4f8a;font-weight:600;display:inline-block;min-height:1.5rem}span{display:block}"
)
POLICY = (
    "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
)

People = Callable[[], Awaitable[Mapping[str, Any]]]


class NotHereError(RuntimeError):
    """A provider without passwords has no place in production."""


@dataclass
class Asked:
    """A sign-in under way: what the client asked for and, once somebody was picked, who it is."""

    client_id: str
    return_to: str
    state: str
    nonce: str
    challenge: str
    subject: str = ""
    name: str = ""
    until: float = 0.0


@dataclass
class DevelopmentProvider:
    """The provider's state: one signing key and the sign-ins under way, both gone with the process."""

    issuer: str
    client_id: str
    client_secret: str
    people: People
    clock: Clock
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": secrets.token_hex(8), "use": "sig"}))
    asked: dict[str, Asked] = field(default_factory=dict)
    codes: dict[str, Asked] = field(default_factory=dict)

    async def describe(self, _request: Request) -> Response:
        """Say what there is, where."""
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def keys(self, _request: Request) -> Response:
        """Show the public key."""
        return JSONResponse(KeySet([self.key]).as_dict(private=False))

    async def authorize(self, request: Request) -> Response:
        """List the people to pick from."""
        query = request.query_params
        known = query.get("client_id") == self.client_id and query.get("response_type") == "code"
        if not known or query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            return _page("Not for us", "<h1>This request is not for us</h1>", HTTPStatus.BAD_REQUEST)
        ticket = secrets.token_urlsafe(24)
        self._tidy()
        self.asked[ticket] = Asked(
            client_id=self.client_id,
            return_to=query.get("redirect_uri", ""),
            state=query.get("state", ""),
            nonce=query.get("nonce", ""),
            challenge=query["code_challenge"],
            until=time.monotonic() + 15 * CODE_LIVES_S,
        )
        return _page("Sign in", self._choices(ticket, await self.people()))

    async def pick(self, request: Request) -> Response:
        """Send whoever was picked back with a code."""
        asked = self.asked.pop(request.query_params.get("ticket", ""), None)
        if asked is None:
            return _page("Too late", "<h1>Begin again</h1><p>Go back to where you came from.</p>", HTTPStatus.GONE)
        asked.subject = request.query_params.get("person", "")
        people = {each["staff_id"]: each["name"] for each in (await self.people()).get("staff", ())}
        asked.name = people.get(asked.subject, asked.subject)
        asked.until = time.monotonic() + CODE_LIVES_S
        code = secrets.token_urlsafe(24)
        self.codes[code] = asked
        answer = urlencode({"code": code, "state": asked.state, "iss": self.issuer})
        return RedirectResponse(f"{asked.return_to}?{answer}", HTTPStatus.SEE_OTHER)

    async def token(self, request: Request) -> Response:
        """Give the id token for a code, once, to who began with the same verifier."""
        form = await request.form()
        asked = self.codes.pop(str(form.get("code", "")), None)
        challenge = base64.urlsafe_b64encode(sha256(str(form.get("code_verifier", "")).encode()).digest())
        good = (
            asked is not None
            and time.monotonic() < asked.until
            and hmac.compare_digest(challenge.decode().rstrip("="), asked.challenge)
            and form.get("redirect_uri") == asked.return_to
            and self._is_client(request)
        )
        if asked is None or not good:
            return JSONResponse({"error": "invalid_grant"}, HTTPStatus.BAD_REQUEST)
        return JSONResponse(
            {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": self.id_token(asked)}
        )

    def id_token(self, asked: Asked) -> str:
        """Return the proof of who was picked."""
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": asked.client_id,
            "sub": asked.subject,
            "name": asked.name,
            "nonce": asked.nonce,
            "iat": now,
            "auth_time": now,
            "exp": now + TOKEN_LIVES_S,
        }
        return jwt.encode({"alg": ALGORITHM, "kid": self.key.kid}, claims, self.key, algorithms=[ALGORITHM])

    def _is_client(self, request: Request) -> bool:
        wanted = b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        return hmac.compare_digest(request.headers.get("authorization", ""), f"Basic {wanted}")

    def _tidy(self) -> None:
        for waiting in (self.asked, self.codes):
            for name in [name for name, asked in waiting.items() if asked.until < time.monotonic()]:
                del waiting[name]

    def _choices(self, ticket: str, program: Mapping[str, Any]) -> str:
        names = {each["campus"]: each["name"] for each in program.get("campuses", ())}
        people = sorted(program.get("staff", ()), key=lambda each: str(each["name"]))
        rows = "".join(
            f'<li><a href="/pick?{escape(urlencode({"ticket": ticket, "person": each["staff_id"]}))}">'
            f"{escape(each['name'])}</a> {escape(_titles(each, names))}"
            f"<span>May see: {escape(sees(role['name'] for role in each['roles']))}</span></li>"
            for each in people
        )
        empty = "" if rows else "<p>The program has no staff yet. Load one: caselight program apply, or make demo.</p>"
        return (
            "<h1>Who are you today?</h1><p>This sign-in is for development: no passwords, and it does not start in "
            f"production.</p>{empty}<ul>{rows}</ul>"
        )


def sees(roles: Iterable[str]) -> str:
    """Return in one line what the holder of these roles may see."""
    said = [_SEES[role] for role in dict.fromkeys(roles) if role in _SEES]
    return "; ".join(said) or _SEES["faculty"]


def _titles(person: Mapping[str, Any], campuses: Mapping[str, str]) -> str:
    where: dict[str, list[str]] = {}
    for role in person["roles"]:
        where.setdefault(role["campus"], []).append(role["name"].replace("titleix", "Title IX").replace("_", " "))
    return "; ".join(
        f"{', '.join(roles)} at {campuses.get(campus, 'all campuses' if campus == '*' else campus)}"
        for campus, roles in where.items()
    )


def _page(title: str, body: str, status: int = HTTPStatus.OK) -> HTMLResponse:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>"
    )
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    return HTMLResponse(html, status, headers=headers)


def build(settings: Settings, clock: Clock, people: People) -> Starlette:
    """Return the provider as an application. Raises NotHereError anywhere but in development and in tests."""
    if settings.environment not in ALLOWED:
        raise NotHereError("this sign-in asks for no password and is for development only")
    made = DevelopmentProvider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret.get_secret_value(),
        people,
        clock,
    )
    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", made.describe),
            Route("/jwks", made.keys),
            Route("/authorize", made.authorize),
            Route("/pick", made.pick),
            Route("/token", made.token, methods=["POST"]),
        ]
    )


def people_of(settings: Settings, clock: Clock) -> People:
    """Return what asks the program for its people."""

    async def ask() -> Mapping[str, Any]:
        token = mint(settings, "service:sign-in", now=clock.now())
        async with httpx.AsyncClient(base_url=settings.url("program"), timeout=5, trust_env=False) as client:
            try:
                answer = await client.get("/program", headers={"Authorization": f"Bearer {token}"})
            except httpx.HTTPError:  # told on the page: it lists nobody and says what to start
                return {}
        said: Mapping[str, Any] = answer.json() if answer.is_success else {}
        return said

    return ask


def main() -> int:
    """Serve until told to stop."""
    arguments = argparse.ArgumentParser(description="the development sign-in")
    arguments.add_argument("--port", type=int, required=True)
    port = arguments.parse_args().port
    settings, clock = Settings(), SystemClock()
    try:
        app = build(settings, clock, people_of(settings, clock))
    except NotHereError as error:
        print(f"sign-in: {error}", file=sys.stderr)
        return 1
    uvicorn.run(app, host=HOST, port=port, log_config=None, access_log=False, server_header=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
