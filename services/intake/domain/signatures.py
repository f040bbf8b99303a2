"""How a sender proves itself: a secret of its feed, shown or used to sign what it sends with the time it was sent.

    Caselight-Signature: t=1790000000,v1=<hex of HMAC-SHA256(secret, "1790000000." + body)>

Two secrets are good at once while a feed's token is changed, so that no delivery falls between them.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from shared.refusal import Refused

HEADER = "Caselight-Signature"
WINDOW = timedelta(minutes=5)
PREFIX = "clf_"
MOST_LIVE = 2
_SHAPE = re.compile(r"t=([0-9]{1,11})((?:,v1=[0-9a-f]{64}){1,4})")


class Token(NamedTuple):
    """A secret of a feed. `secret` is empty where only its digest was asked for."""

    token_id: UUID
    secret: str
    digest: bytes
    made_at: datetime
    ends_at: datetime | None = None


class NotProven(Refused):
    """What came does not prove that it is from the feed's sender. Says what the sender can mend, and no secret."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail, status=401)


def new_secret() -> str:
    """Return a new secret: 256 random bits behind a sign by which a leaked one is found."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    """Return what finds a secret again. Plain, because there are too many secrets to try."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def sign(secret: str, body: bytes, at: datetime) -> str:
    """Return the header that a sender puts to a body sent at that time."""
    stamp = str(int(at.timestamp()))
    return f"t={stamp},v1={_mac(secret, stamp, body)}"


def check_signature(tokens: Sequence[Token], header: str, body: bytes, now: datetime) -> timedelta:
    """Return how far the sender's clock is behind ours (negative: before). Raises NotProven.

    Within the window a message that is sent again is the same items again, which changes nothing; outside it, whoever
    overheard one cannot use it.
    """
    shape = _SHAPE.fullmatch(header.replace(" ", ""))
    if shape is None:
        raise NotProven("not_signed", f"Sign the body: {HEADER}: t=<seconds since 1970>,v1=<hex of HMAC-SHA256>.")
    stamp, given = shape[1], [each.removeprefix("v1=") for each in shape[2].split(",") if each]
    made = [_mac(token.secret, stamp, body) for token in tokens]
    if not any(hmac.compare_digest(one, other) for one in made for other in given):
        raise NotProven(
            "wrong_signature",
            "The signature is not of this body with a token of this feed that is still good. "
            "Sign the bytes as they are sent, after the time and a full stop.",
        )
    behind = now - datetime.fromtimestamp(int(stamp), now.tzinfo)
    if abs(behind) > WINDOW:
        seconds = abs(int(behind.total_seconds()))
        way = "behind" if behind > timedelta(0) else "ahead of"
        raise NotProven(
            "outside_window",
            f"The time signed is {seconds} seconds {way} ours; {int(WINDOW.total_seconds())} are allowed. "
            "Set the sender's clock, or sign again when sending again.",
        )
    return behind


def check_token(tokens: Sequence[Token], header: str) -> None:
    """Raise NotProven unless an Authorization header shows a token of the feed."""
    scheme, _, shown = header.partition(" ")
    if scheme.lower() != "bearer" or not shown.strip():
        raise NotProven("no_token", "Send a token of this feed as `Authorization: Bearer clf_...`.")
    digest = digest_of(shown.strip())
    if not any([hmac.compare_digest(digest, token.digest) for token in tokens]):  # noqa: C419 - each takes its time
        raise NotProven("wrong_token", "This is no token of this feed, or it has ended. Its owner can make a new one.")


def _mac(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
