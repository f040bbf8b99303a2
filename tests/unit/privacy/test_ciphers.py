"""A ciphertext opens with its key, in its place, whole, and not otherwise."""

import stat
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.privacy.ciphers import CannotOpenError, campus_place, decrypt, encrypt, record_place, text_place
from shared.privacy.keys import KEPT_SECONDS, KeyRing, MasterKeyError, make_master_key
from shared.settings import Settings

KEY = bytes(range(32))
ROW, OTHER_ROW = UUID(int=1), UUID(int=2)


@given(st.binary(), st.binary())
def test_what_was_encrypted_comes_back(clear: bytes, place: bytes) -> None:
    sealed = encrypt(KEY, clear, place)
    assert decrypt(KEY, sealed, place) == clear
    assert sealed != encrypt(KEY, clear, place), "each time with a nonce of its own"


def test_a_ciphertext_moved_to_another_row_or_field_does_not_open() -> None:
    sealed = encrypt(KEY, b"a narrative", text_place("narrative", ROW))
    for place in (text_place("narrative", OTHER_ROW), text_place("note", ROW), record_place("NORTH", ROW)):
        with pytest.raises(CannotOpenError):
            decrypt(KEY, sealed, place)


@given(st.data())
def test_a_damaged_ciphertext_never_opens(data: st.DataObject) -> None:
    sealed = bytearray(encrypt(KEY, b"a narrative", b"here"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CannotOpenError):
        decrypt(KEY, bytes(sealed), b"here")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(12), b"\x02" + bytes(40)])
def test_what_is_no_ciphertext_is_refused(sealed: bytes) -> None:
    with pytest.raises(CannotOpenError):
        decrypt(KEY, sealed, b"here")


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(CannotOpenError):
        decrypt(bytes(32), encrypt(KEY, b"x", b"here"), b"here")


def test_places_of_different_kinds_are_never_the_same() -> None:
    places = {text_place("a", ROW), record_place("a", ROW), campus_place("a", str(ROW)), text_place(f"a|{ROW}", ROW)}
    assert len(places) == 4


def ring(tmp_path: Path, now: list[float]) -> KeyRing:
    path = make_master_key(tmp_path / "keys" / "master")
    return KeyRing(Settings(environment="test", master_key=path), tick=lambda: now[0])


def test_the_master_key_is_made_once_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = make_master_key(tmp_path / "keys" / "master")
    before = path.read_bytes()
    assert make_master_key(path).read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_campus_key_is_wrapped_for_one_service_and_campus(tmp_path: Path) -> None:
    keys = ring(tmp_path, [0.0])
    key, wrapped = keys.new_campus_key("intake", "NORTH")
    assert keys.unwrap_campus_key("intake", "NORTH", wrapped) == key
    for service, campus in (("cases", "NORTH"), ("intake", "SOUTH")):
        with pytest.raises(CannotOpenError):
            keys.unwrap_campus_key(service, campus, wrapped)


def test_a_campus_key_is_remembered_for_ten_minutes(tmp_path: Path) -> None:
    now = [1000.0]
    keys = ring(tmp_path, now)
    assert keys.kept("intake", "NORTH") is None
    keys.keep("intake", "NORTH", KEY)
    now[0] += KEPT_SECONDS - 1
    assert keys.kept("intake", "NORTH") == KEY
    assert keys.kept("cases", "NORTH") is None
    now[0] += 1
    assert keys.kept("intake", "NORTH") is None


def test_a_secret_is_the_same_for_a_purpose_and_differs_between_purposes(tmp_path: Path) -> None:
    one, other = ring(tmp_path, [0.0]), ring(tmp_path, [0.0])
    assert one.secret("links") == other.secret("links")
    assert one.secret("links") != one.secret("cookies")
    assert len(one.secret("links")) == 32


@pytest.mark.parametrize("content", [None, b"", b"short", b"AAAA", b"\xff\xfe"])
def test_a_master_key_that_is_none_is_said_to_be_so(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "master"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MasterKeyError, match="32"):
        KeyRing(Settings(environment="test", master_key=path)).new_campus_key("intake", "NORTH")
    with pytest.raises(MasterKeyError, match="CASELIGHT_MASTER_KEY"):
        KeyRing(Settings(environment="test", master_key=None)).secret("links")
