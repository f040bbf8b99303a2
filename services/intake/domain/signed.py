"""Tokens that only we can have made: a few bytes and their signature, safe in an address or a form."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

_MAC_LENGTH = 24
_TIME_LENGTH = 8
_WAY_LENGTH = 16 + _TIME_LENGTH


@dataclass(frozen=True, slots=True)
class Way:
    """A way back to one referral, open until an instant. Whoever holds it is its referrer."""

    referral_id: UUID
    until: datetime

    def token(self, key: bytes) -> str:
        """Return what stands in the address."""
        return sign(key, self.referral_id.bytes + _seconds(self.until))


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a form was given to somebody with: the same form sent twice has the same one."""

    id: UUID
    given_at: datetime

    def token(self, key: bytes) -> str:
        """Return what the form carries."""
        return sign(key, self.id.bytes + _seconds(self.given_at))


def way_in(key: bytes, token: str) -> Way | None:
    """Return the way back that a token is, whether still open or not; None if we did not sign it."""
    found = _opened(key, token)
    return None if found is None else Way(*found)


def ticket_in(key: bytes, token: str) -> Ticket | None:
    """Return the ticket that a token is; None if we did not sign it."""
    found = _opened(key, token)
    return None if found is None else Ticket(*found)


def sign(key: bytes, payload: bytes) -> str:
    """Return a payload with its signature, URL-safe."""
    return urlsafe_b64encode(_mac(key, payload) + payload).rstrip(b"=").decode()


def _opened(key: bytes, token: str) -> tuple[UUID, datetime] | None:
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        mac, payload = raw[:_MAC_LENGTH], raw[_MAC_LENGTH:]
        if len(payload) != _WAY_LENGTH or not hmac.compare_digest(mac, _mac(key, payload)):
            return None
        return UUID(bytes=payload[:16]), datetime.fromtimestamp(int.from_bytes(payload[16:], "big"), UTC)
    except (Error, ValueError, OverflowError):
        return None


def _seconds(at: datetime) -> bytes:
    return int(at.timestamp()).to_bytes(_TIME_LENGTH, "big")


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")[:_MAC_LENGTH]
