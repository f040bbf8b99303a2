"""The link in a mail: it acts for one person on one page, until it ends. Signed, so that it cannot be made up.

Pages are asked for by whoever holds a link, a mail scanner too; so it only ever shows what the mail said already, and
acts by a POST alone.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

# Long enough for a page that nobody takes over a weekend, short enough for a mailbox that is read much later.
LIFETIME = timedelta(hours=72)

_MAC_LENGTH = 24
_HEAD_LENGTH = 16 + 8


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says. The same page and person give the same link, so every mail about a page shows the same one."""

    page_id: UUID
    staff_id: str
    expires_at: datetime

    def expired(self, now: datetime) -> bool:
        """Return whether it no longer acts."""
        return now >= self.expires_at


def link_for(page_id: UUID, staff_id: str, raised_at: datetime) -> Link:
    """Return the link of a page's addressee. It ends at a whole second, because that is what it carries."""
    return Link(page_id, staff_id, (raised_at + LIFETIME).replace(microsecond=0))


def sign(key: bytes, link: Link) -> str:
    """Return the token to put into an address: URL-safe, about 80 characters."""
    payload = link.page_id.bytes + int(link.expires_at.timestamp()).to_bytes(8, "big") + link.staff_id.encode()
    return urlsafe_b64encode(_mac(key, payload) + payload).rstrip(b"=").decode()


def read(key: bytes, token: str) -> Link | None:
    """Return what a token says if we signed it, whether it has expired or not; else None."""
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        mac, payload = raw[:_MAC_LENGTH], raw[_MAC_LENGTH:]
        if len(payload) <= _HEAD_LENGTH or not hmac.compare_digest(mac, _mac(key, payload)):
            return None
        seconds = int.from_bytes(payload[16:_HEAD_LENGTH], "big")
        return Link(UUID(bytes=payload[:16]), payload[_HEAD_LENGTH:].decode(), datetime.fromtimestamp(seconds, UTC))
    except (Error, ValueError):
        return None


def fingerprint(token: str) -> bytes:
    """Return what is stored of a token: enough to know it again, not enough to use it."""
    return sha256(token.encode()).digest()


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")[:_MAC_LENGTH]
