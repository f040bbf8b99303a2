"""AES-256-GCM, versioned, and bound to its place: a ciphertext moved to another row or field does not open."""

import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12


class CannotOpenError(Exception):
    """A ciphertext is damaged, is not in its place, or was made with another key. Says nothing of what is in it."""


def encrypt(key: bytes, clear: bytes, place: bytes) -> bytes:
    """Return version, nonce and ciphertext of `clear`, bound to `place`."""
    return Sealer(key).seal(clear, place)


class Sealer:
    """Encrypts many texts under one key. Setting up a key costs more than encrypting a short text."""

    def __init__(self, key: bytes) -> None:
        self._key = AESGCM(key)

    def seal(self, clear: bytes, place: bytes) -> bytes:
        """Return what `encrypt` does."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._key.encrypt(nonce, clear, _VERSION + place)


def decrypt(key: bytes, sealed: bytes, place: bytes) -> bytes:
    """Return what `encrypt` was given, or raise CannotOpenError."""
    if sealed[:1] != _VERSION:
        raise CannotOpenError("the ciphertext is of a version not known here")
    nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, body, _VERSION + place)
    except (InvalidTag, ValueError) as error:
        raise CannotOpenError("the ciphertext is damaged, misplaced or under another key") from error


def campus_place(service: str, campus: str) -> bytes:
    """Return where a campus key belongs."""
    return f"campus-key|{service}|{campus}".encode()


def record_place(campus: str, record_id: UUID) -> bytes:
    """Return where a record's key belongs."""
    return f"record-key|{campus}|{record_id}".encode()


def text_place(field: str, row_id: UUID) -> bytes:
    """Return where a text belongs: a logical field, so that tables may be renamed, and its row."""
    return f"text|{field}|{row_id}".encode()
