"""The key ring: the master key from its file, and campus keys for ten minutes after they were unwrapped."""

import base64
import binascii
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.access.tokens import write_secret
from shared.privacy.ciphers import KEY_BYTES, campus_place, decrypt, encrypt
from shared.settings import Settings

KEPT_SECONDS = 600.0


class MasterKeyError(RuntimeError):
    """There is no usable master key; says which file was looked at and what it must hold."""


def make_master_key(path: Path) -> Path:
    """Make a master key file for the local stack, readable by its owner alone, unless there is one. Return it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_secret(path, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
    return path


class KeyRing:
    """Wraps and unwraps campus keys with the master key. One per process; `tick` is a clock that never goes back."""

    def __init__(self, settings: Settings, *, tick: Callable[[], float] = time.monotonic) -> None:
        self._path = settings.master_key
        self._tick = tick
        self._master: bytes | None = None
        self._kept: dict[tuple[str, str], tuple[float, bytes]] = {}

    def new_campus_key(self, service: str, campus: str) -> tuple[bytes, bytes]:
        """Return a new campus key, and the same wrapped for keeping."""
        key = secrets.token_bytes(KEY_BYTES)
        return key, encrypt(self._master_key(), key, campus_place(service, campus))

    def unwrap_campus_key(self, service: str, campus: str, wrapped: bytes) -> bytes:
        """Return a campus key from what was kept."""
        return decrypt(self._master_key(), wrapped, campus_place(service, campus))

    def keep(self, service: str, campus: str, key: bytes) -> None:
        """Remember a campus key that is known to be committed."""
        self._kept[service, campus] = (self._tick() + KEPT_SECONDS, key)

    def kept(self, service: str, campus: str) -> bytes | None:
        """Return a remembered campus key, unless its time is over."""
        until, key = self._kept.get((service, campus), (0.0, b""))
        if self._tick() < until:
            return key
        self._kept.pop((service, campus), None)
        return None

    def secret(self, purpose: str) -> bytes:
        """Return 32 bytes for one purpose, such as signing links: the same in every process with this master key."""
        return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=f"caselight|{purpose}".encode()).derive(
            self._master_key()
        )

    def _master_key(self) -> bytes:
        if self._master is None:
            self._master = _read(self._path)
        return self._master


def _read(path: Path | None) -> bytes:
    if path is None:
        raise MasterKeyError("no master key: set CASELIGHT_MASTER_KEY to a file with 32 bytes in base64")
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except (OSError, binascii.Error) as error:
        raise MasterKeyError(f"the master key in {path} cannot be read: it must be 32 bytes in base64") from error
    if len(key) != KEY_BYTES:
        raise MasterKeyError(f"the master key in {path} has {len(key)} bytes; it must have {KEY_BYTES}")
    return key
