"""Tokens: who somebody is and when they signed in. Never what they may do: roles come from the program.

Ed25519 signatures, with the algorithm, the audience, the issuer and the longest lifetime pinned here and not read
from the token.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, InvalidKeyIdError, JoseError, MissingClaimError
from joserfc.jwk import KeySet, OKPKey

from shared.ids import new_id
from shared.refusal import Refused
from shared.settings import Settings

ALGORITHM = "Ed25519"
AUDIENCE = "caselight"
LONGEST = timedelta(minutes=5)
# People work with `curl` and the command line on a development stack for a day.
LONGEST_IN_DEVELOPMENT = timedelta(hours=24)
_LEEWAY_SECONDS = 5
# A token once verified is believed, while it is valid, this long without another look at its signature.
_BELIEVED = timedelta(seconds=60)
_MOST_BELIEVED = 4096

SIGNING_KEY = "signing-key.pem"
VERIFY_KEYS = "verify-keys.json"


class TokenRefused(Refused):
    """A token proves nothing here, and `detail` says why in words that hold for any token."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail, status=401)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a verified token speaks for, and when they signed in."""

    subject: str
    authenticated_at: datetime
    expires_at: datetime


def make_keys(folder: Path) -> tuple[Path, Path]:
    """Make a signing key and the key set that verifies it, unless both are there. Return (signing_key, verify_keys).

    For the local stack. Whoever reads the signing key can be anybody, so it is readable by its owner alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    signing, verify = folder / SIGNING_KEY, folder / VERIFY_KEYS
    if not signing.exists() or not verify.exists():
        key = _named_by_itself(OKPKey.generate_key("Ed25519"))
        write_secret(signing, key.as_pem(private=True))
        write_secret(verify, json.dumps(KeySet([key]).as_dict(private=False)).encode())
    return signing, verify


def _named_by_itself(key: OKPKey) -> OKPKey:
    """Give a key its thumbprint (RFC 7638) for an id, so that a PEM file needs no id written beside it."""
    return OKPKey.import_key(key.as_pem(private=True), {"kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM})


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    scratch = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    scratch.replace(path)


def mint(
    settings: Settings,
    subject: str,
    *,
    now: datetime,
    lifetime: timedelta = timedelta(minutes=2),
    authenticated_at: datetime | None = None,
    audience: str = AUDIENCE,
) -> str:
    """Return a token for `subject`, signed with `settings.signing_key`."""
    if settings.signing_key is None:
        raise Refused("no_signing_key", "No signing key is configured (CASELIGHT_SIGNING_KEY).", status=500)
    key = _named_by_itself(OKPKey.import_key(settings.signing_key.read_bytes()))
    claims = {
        "iss": settings.issuer,
        "aud": audience,
        "sub": subject,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "auth_time": int((authenticated_at or now).timestamp()),
        "jti": str(new_id()),
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])


class Verifier:
    """Checks tokens against the key set in `settings.verify_keys`, read again when a key is new to us."""

    def __init__(self, settings: Settings, audience: str = AUDIENCE) -> None:
        self._path = settings.verify_keys
        self._issuer = settings.issuer
        self._audience = audience
        self._longest = LONGEST if settings.environment == "production" else LONGEST_IN_DEVELOPMENT
        self._keys = KeySet([])
        self._read_at: int | None = None
        self._believed: dict[str, tuple[datetime, Identity]] = {}

    def verify(self, token: str, now: datetime) -> Identity:
        """Return whom a token speaks for, or raise TokenRefused."""
        seen, identity = self._believed.get(token, (None, None))
        if seen is not None and identity is not None and seen <= now < min(seen + _BELIEVED, identity.expires_at):
            return identity
        identity = self._verify(token, now)
        if len(self._believed) >= _MOST_BELIEVED:
            self._believed.clear()
        self._believed[token] = (now, identity)
        return identity

    def _verify(self, token: str, now: datetime) -> Identity:
        claims = self._claims(token)
        registry = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            sub={"essential": True},
            iat={"essential": True},
            exp={"essential": True},
        )
        try:
            registry.validate(claims)
        except ExpiredTokenError as error:
            raise TokenRefused("token_expired", "The sign-in has expired. Sign in again.") from error
        except MissingClaimError as error:
            raise TokenRefused("token_incomplete", f"The token lacks {_named(error.claim)}.") from error
        except InvalidClaimError as error:
            raise TokenRefused(
                "token_not_for_us", f"The {_named(error.claim)} of the token is not accepted."
            ) from error
        return self._identity(claims)

    def _identity(self, claims: dict[str, Any]) -> Identity:
        if claims["exp"] - claims["iat"] > self._longest.total_seconds():
            raise TokenRefused("token_too_long", "The token is valid for longer than is accepted here.")
        auth_time = claims.get("auth_time", claims["iat"])
        if not isinstance(auth_time, int | float) or not claims["sub"] or "\x00" in claims["sub"]:
            raise TokenRefused("token_incomplete", "The token does not say who signed in and when.")
        return Identity(
            subject=claims["sub"],
            authenticated_at=datetime.fromtimestamp(auth_time, UTC),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )

    def _claims(self, token: str) -> dict[str, Any]:
        """Check the signature with the one algorithm we take, whatever the token's header would like."""
        for fresh in (False, True):
            self._load(again=fresh)
            try:
                return jwt.decode(token, self._keys, algorithms=[ALGORITHM]).claims
            except InvalidKeyIdError as error:
                if fresh:
                    raise TokenRefused("token_unknown_key", "The token is signed with a key not known here.") from error
            except (JoseError, ValueError, TypeError) as error:
                raise TokenRefused("token_invalid", "The token is not a valid, signed token.") from error
        raise AssertionError

    def _load(self, *, again: bool) -> None:
        """Read the key set if it was never read, or, when a key is unknown, if the file has changed since."""
        if self._path is None:
            raise TokenRefused("no_verify_keys", "No keys are configured to verify tokens with.")
        if self._read_at is not None and not again:
            return
        changed = self._path.stat().st_mtime_ns
        if changed != self._read_at:
            self._keys = KeySet.import_key_set(json.loads(self._path.read_text()))
            self._read_at = changed


def _named(claim: object) -> str:
    """Name a claim for people; only the ones we ask for are ever named."""
    names = {"iss": "issuer", "aud": "audience", "sub": "subject", "iat": "time of issue", "exp": "time of expiry"}
    return names.get(str(claim), "content")
