"""Passphrases: plain words that can be written on paper, 9 bits each, six of them. Kept as a scrypt hash only."""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Sequence

WORDS = 6
# So many words stand in a list: 9 bits each, 54 together.
CHOICE = 512
SALT_BYTES = 16
# 16 MiB and some 40 ms a try. With 54 bits behind it that is far beyond what guessing can do.
_COST, _BLOCK, _LANES = 2**14, 8, 1
_LONGEST = 200
_APART = re.compile(r"[^a-z]+")


def phrase_of(secret: bytes, words: Sequence[str]) -> str:
    """Return the passphrase that a secret of at least 32 bytes stands for: the same one each time it is asked.

    It is made of the form's own ticket, so that a form sent twice, by a nervous hand, ends with one passphrase.
    """
    if len(words) != CHOICE:
        raise ValueError("a list of words for passphrases has 512 of them")
    number = int.from_bytes(hashlib.sha256(secret).digest(), "big")
    return "-".join(words[number >> 9 * place & 511] for place in range(WORDS))


def normal(phrase: str) -> str:
    """Return a passphrase as it is hashed: however its words were typed, with whatever between them."""
    plain = unicodedata.normalize("NFKD", phrase[:_LONGEST]).casefold()
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return "-".join(filter(None, _APART.split(letters)))


def hash_of(phrase: str, salt: bytes) -> bytes:
    """Return what is kept of a passphrase. Slow on purpose: not on the event loop."""
    return hashlib.scrypt(normal(phrase).encode(), salt=salt, n=_COST, r=_BLOCK, p=_LANES, dklen=32)


def is_right(phrase: str, salt: bytes, kept: bytes) -> bool:
    """Return whether a passphrase is the one of which `kept` was kept. As slow as `hash_of`."""
    return hmac.compare_digest(hash_of(phrase, salt), kept)
