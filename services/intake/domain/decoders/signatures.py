"""Signed deliveries: a JSON web token whose payload is the event, checked against the sender's published keys."""

from datetime import datetime, timedelta
from typing import Any, cast

from joserfc import jws
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from services.intake.domain.decoders.parts import json_of, mapping, refuse
from shared.refusal import Refused

# What Canvas signs with. Pinned: a token may not choose how it is checked.
ALGORITHMS = ["RS256"]
SKEW = timedelta(minutes=5)
LONGEST_TOKEN = 4 * 1024 * 1024
_SEGMENTS = 3


class _Registry(jws.JWSRegistry):
    max_payload_length = LONGEST_TOKEN
    max_header_length = 4096


_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


class UnknownKey(Refused):
    """Signed with a key that is not in the set at hand, which may be older than the sender's last change of keys."""

    def __init__(self) -> None:
        super().__init__(
            "unknown_key",
            "This is signed with a key that is not among the keys its sender publishes. "
            "Look whether the address of the keys is the right one; the keys change once a month.",
            status=401,
        )


def keys_of(published: object) -> KeySet:
    """Read the RSA keys of a JWK set. Raises Refused when it is none or holds none."""
    try:
        listed = [key for key in cast("Any", published)["keys"] if key.get("kty") == "RSA"]
        keys = KeySet.import_key_set({"keys": listed})
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        refuse("bad_keys", 'This is no set of RSA keys: {"keys": [...]} as the sender publishes it.')
    if any(key.is_private for key in keys.keys):
        refuse("private_key", "The set holds a private key. Give the public keys only, and change that key.")
    return keys


def token_in(body: bytes) -> bytes | None:
    """Return the token that a body is, bare or as a JSON string; None when it is something else."""
    token = body.strip().removeprefix(b'"').removesuffix(b'"')
    return token if token.startswith(b"eyJ") and token.count(b".") == _SEGMENTS - 1 else None


def payload_of(token: bytes, keys: KeySet, now: datetime) -> bytes:
    """Return what a token says. Raises Refused (401): a wrong signature, an unknown key, a time that is not now."""
    try:
        # The key is found by the token's kid; one without a kid is checked only where the set is a single key.
        signed = jws.deserialize_compact(token, keys, registry=_REGISTRY)
    except InvalidKeyIdError:
        raise UnknownKey from None
    except BadSignatureError:
        refuse("wrong_signature", "The signature does not fit what it signs. Nothing of this was taken.", 401)
    except (JoseError, ValueError, TypeError):
        refuse("bad_token", "This is no payload signed with RS256. Look at how its sender is set up.", 401)
    payload = signed.payload or b""
    _check_times(mapping(json_of(payload)), now)
    return payload


def _check_times(said: Any, now: datetime) -> None:  # noqa: ANN401 - any JSON object
    """Where a sender says how long its word holds, it does. Canvas says nothing: repeats are told by their ids."""
    expires, begins = said.get("exp"), said.get("nbf", said.get("iat"))
    if _is_time(expires) and now.timestamp() > expires + SKEW.total_seconds():
        refuse(
            "expired", "This was signed too long ago. Compare the clocks; more than 5 minutes apart is refused.", 401
        )
    if _is_time(begins) and now.timestamp() < begins - SKEW.total_seconds():
        refuse(
            "not_yet", "This was signed in the future. Compare the clocks; more than 5 minutes apart is refused.", 401
        )


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
