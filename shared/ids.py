"""Identifiers: time-ordered UUIDs for rows and events, and short references for people.

UUIDv7 (RFC 9562 §5.7) keeps B-tree inserts at the right edge and lets old inbox rows be cut off by a bound.
Made here and never in SQL, because Postgres has `uuidv7()` only from version 18 and the floor is 16.
"""

import secrets
import struct
import time
import uuid
from datetime import datetime
from uuid import UUID

# The driver's own UUID: the same to look at, and many times faster to make, to write out and to send.
from asyncpg.pgproto.pgproto import UUID as DriverUUID  # noqa: N811 - a class, whatever its case

# Crockford's base 32 without the letters people misread; 11 of them carry 55 bits.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH = 11
_NAMESPACE = UUID("6f1d3f0e-2b1c-5d8a-9c55-0c4ca5e11947")

_HALVES = struct.Struct(">QQ")

_last = 0


def new_id() -> UUID:
    """Return a new UUIDv7. Ids made by one process are strictly increasing."""
    global _last  # noqa: PLW0603 - one counter per process is what makes them increase
    # 60 bits: milliseconds in the upper 48, a fraction of the millisecond in the lower 12 (RFC 9562 §6.2, method 3).
    nanoseconds = time.time_ns()
    stamp = (nanoseconds // 1_000_000) << 12 | (nanoseconds % 1_000_000) * 4096 // 1_000_000
    _last = stamp = max(stamp, _last + 1)
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | secrets.randbits(62)
    return UUID(int=value)


def new_ids(count: int) -> list[UUID]:
    """Return so many new UUIDv7 in increasing order, at a fifth of the cost of one by one."""
    global _last  # noqa: PLW0603 - as above
    nanoseconds = time.time_ns()
    stamp = (nanoseconds // 1_000_000) << 12 | (nanoseconds % 1_000_000) * 4096 // 1_000_000
    first = max(stamp, _last + 1)
    _last = first + count - 1
    chance = struct.unpack(f">{count}Q", secrets.token_bytes(8 * count))
    return [
        DriverUUID(_HALVES.pack(stamp >> 12 << 16 | 0x7000 | stamp & 0xFFF, 0b10 << 62 | bits >> 2))
        for stamp, bits in zip(range(first, first + count), chance, strict=True)
    ]


def derived_id(*parts: object) -> UUID:
    """Return the same UUID for the same parts: the id of something that may be told to us twice."""
    return uuid.uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))


def earliest_id(at: datetime) -> UUID:
    """Return the smallest UUIDv7 that could have been made at `at`: a bound to cut old rows off by."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def new_reference() -> str:
    """Return a reference a person can read out, such as `K7Q-2M4X-9RTD`: 55 random bits, so it cannot be guessed."""
    bits = secrets.randbits(5 * REFERENCE_LENGTH)
    letters = "".join([_ALPHABET[bits >> 5 * place & 31] for place in range(REFERENCE_LENGTH)])
    return f"{letters[:3]}-{letters[3:7]}-{letters[7:]}"
