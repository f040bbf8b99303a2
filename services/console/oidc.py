"""Signing in with any OpenID provider: authorization code flow with PKCE. What proves who somebody is, is checked here.

The algorithms are pinned by a setting and never read from a token; `sub` is the key of a person, and nothing else is.
"""

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from services.console.storage.sessions import SignIn
from shared.clock import Clock
from shared.refusal import Refused
from shared.settings import Settings
from shared.telemetry import logger

_log = logger("sign-in")

_TIMEOUT = httpx.Timeout(5.0)
_KEEP_S = 3600.0
_LOOK_AGAIN_S = 10.0
_LEEWAY_S = 30
_LONGEST_NAME = 200
# As the program writes subjects; and nobody is a service, a rule or a link.
_SUBJECT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:|@-]{0,127}$")
_RESERVED = ("service:", "rule:", "link:")
_NEVER = ("none", "HS")


class SignInRefused(Refused):
    """The provider's answer proves nothing here; `code` says what was wrong with it, for the log."""

    def __init__(self, code: str) -> None:
        super().__init__(code, "The sign-in could not be completed. Sign in again.", status=400)


class ProviderAway(Refused):
    """The provider cannot be reached, or is not set up."""

    def __init__(self) -> None:
        super().__init__("provider_away", "Signing in is not possible just now. Try again shortly.", status=503)


@dataclass(frozen=True, slots=True)
class Proven:
    """Who signed in, and when they last showed the provider who they are."""

    subject: str
    name: str
    authenticated_at: datetime


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider says of itself."""

    authorize: str
    token: str
    keys: str
    methods: tuple[str, ...]
    names_itself: bool


class Provider:
    """One provider, looked up on first use. `transport` is how it is reached; None is the network."""

    def __init__(self, settings: Settings, clock: Clock, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self.transport = transport
        self._metadata: tuple[float, Metadata] | None = None
        self._keys = KeySet([])
        self._keys_at = float("-inf")
        self._algorithms = [
            name for name in settings.oidc_algorithms.replace(",", " ").split() if not name.startswith(_NEVER)
        ]

    @property
    def return_to(self) -> str:
        """The address people come back to."""
        return f"{self._settings.url('console')}/signed-in"

    async def begin(self, back: str) -> tuple[str, str, SignIn]:
        """Return where to send somebody, the state that must come back, and what to hold the answer against."""
        metadata = await self._described()
        state, sign_in = secrets.token_urlsafe(32), SignIn(secrets.token_urlsafe(32), secrets.token_urlsafe(48), back)
        address = prepare_grant_uri(
            metadata.authorize,
            self._settings.oidc_client_id,
            "code",
            redirect_uri=self.return_to,
            scope=self._settings.oidc_scope,
            state=state,
            nonce=sign_in.nonce,
            code_challenge=create_s256_code_challenge(sign_in.verifier),
            code_challenge_method="S256",
        )
        return str(address), state, sign_in

    async def finish(self, code: str, issuer: str, sign_in: SignIn) -> Proven:
        """Return who signed in, for the code that came back; raise SignInRefused where it proves nothing."""
        metadata = await self._described()
        # RFC 9207: a code of another provider must not be sent to this one.
        if (issuer or metadata.names_itself) and issuer != self._settings.oidc_issuer:
            raise SignInRefused("other_provider")
        answer = await self._redeem(metadata, code, sign_in)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise SignInRefused("no_id_token")
        return self._proven(self._checked(await self._opened(metadata, token), sign_in))

    # ----------------------------------------------------------------------------------------- what comes back

    async def _redeem(self, metadata: Metadata, code: str, sign_in: SignIn) -> Mapping[str, Any]:
        client_id, secret = self._settings.oidc_client_id, self._settings.oidc_client_secret.get_secret_value()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.return_to,
            "code_verifier": sign_in.verifier,
        }
        basic = None
        if secret and "client_secret_basic" in metadata.methods:
            basic = httpx.BasicAuth(client_id, secret)
        else:
            form |= {"client_id": client_id} | ({"client_secret": secret} if secret else {})
        answer = await self._ask("POST", metadata.token, data=form, auth=basic)
        if answer.is_client_error:
            raise SignInRefused("code_refused")
        return _object(answer)

    async def _opened(self, metadata: Metadata, token: str) -> dict[str, Any]:
        """Return the claims of a token with a good signature; keys are fetched again when one is new to us."""
        for again in (False, True):
            keys = await self._key_set(metadata, again=again)
            try:
                return jwt.decode(token, keys, algorithms=self._algorithms).claims
            except InvalidKeyIdError as error:
                if again:
                    raise SignInRefused("unknown_key") from error
            except (JoseError, ValueError, TypeError) as error:
                raise SignInRefused("bad_token") from error
        raise AssertionError

    def _checked(self, claims: dict[str, Any], sign_in: SignIn) -> dict[str, Any]:
        client_id = self._settings.oidc_client_id
        registry = jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self._settings.oidc_issuer},
            aud={"essential": True, "value": client_id},
            sub={"essential": True},
            iat={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": sign_in.nonce},
        )
        try:
            registry.validate(claims)
        except JoseError as error:
            raise SignInRefused(f"claim_{getattr(error, 'claim', None) or 'expired'}") from error
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != client_id:
            raise SignInRefused("claim_azp")
        return claims

    def _proven(self, claims: Mapping[str, Any]) -> Proven:
        subject, at = claims["sub"], claims.get("auth_time", claims["iat"])
        if not isinstance(subject, str) or not _SUBJECT.match(subject) or subject.startswith(_RESERVED):
            raise SignInRefused("claim_sub")
        if not isinstance(at, int | float):
            raise SignInRefused("claim_auth_time")
        name = str(claims.get("name") or claims.get("preferred_username") or subject)
        return Proven(subject, "".join(filter(str.isprintable, name))[:_LONGEST_NAME], datetime.fromtimestamp(at, UTC))

    # ------------------------------------------------------------------------------------------- the provider

    async def _described(self) -> Metadata:
        """Return what the provider says of itself, kept for an hour."""
        if self._metadata is not None and time.monotonic() < self._metadata[0] + _KEEP_S:
            return self._metadata[1]
        issuer = self._settings.oidc_issuer
        if not issuer:
            raise ProviderAway
        said = _object(await self._ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
        if said.get("issuer") != issuer:
            _log.error("the sign-in provider names itself otherwise than CASELIGHT_OIDC_ISSUER does")
            raise ProviderAway
        try:
            metadata = Metadata(
                authorize=self._address(said["authorization_endpoint"]),
                token=self._address(said["token_endpoint"]),
                keys=self._address(said["jwks_uri"]),
                methods=tuple(said.get("token_endpoint_auth_methods_supported") or ("client_secret_basic",)),
                names_itself=bool(said.get("authorization_response_iss_parameter_supported")),
            )
        except (KeyError, TypeError) as error:
            raise ProviderAway from error
        self._metadata = (time.monotonic(), metadata)
        return metadata

    def _address(self, value: object) -> str:
        """Return an address of the provider; in production nothing about a sign-in travels in the clear."""
        address = str(value)
        if self._settings.environment == "production" and not address.startswith("https://"):
            _log.error("the sign-in provider has an address without https")
            raise ProviderAway
        return address

    async def _key_set(self, metadata: Metadata, *, again: bool) -> KeySet:
        """Return the provider's keys, fetched at most every ten seconds however many unknown ones are shown to us."""
        age = time.monotonic() - self._keys_at
        if age > _KEEP_S or (again and age > _LOOK_AGAIN_S):
            try:
                self._keys = KeySet.import_key_set(
                    cast("KeySetSerialization", _object(await self._ask("GET", metadata.keys)))
                )
            except (JoseError, ValueError, KeyError) as error:
                raise ProviderAway from error
            self._keys_at = time.monotonic()
        return self._keys

    async def _ask(self, method: str, address: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        try:
            async with httpx.AsyncClient(transport=self.transport, timeout=_TIMEOUT) as client:
                answer = await client.request(method, address, headers={"Accept": "application/json"}, **more)
        except httpx.HTTPError as error:
            _log.warning("the sign-in provider does not answer", exc_info=error)
            raise ProviderAway from error
        if answer.is_server_error or answer.is_redirect:
            raise ProviderAway
        return answer


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError as error:
        raise ProviderAway from error
    if not isinstance(said, dict):
        raise ProviderAway
    return said
