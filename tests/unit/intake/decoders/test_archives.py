"""Packed files: opened within limits, or refused by name. Nothing of a damaged file is taken for the whole of it."""

import gzip
import io
import random
import struct
import zipfile
import zlib

import pytest

from services.intake.domain.decoders.archives import Limits, members, whole
from shared.refusal import Refused

SMALL = Limits(size=1_000_000, ratio=20, free=5_000, members=3)
TEXT = b"student_id,reason\nP-1,ABSENCE\n"
MIXED = random.Random(4).randbytes(40_000).hex().encode()  # noqa: S311 - packs to about half


def zipped(**files: bytes) -> bytes:
    return zipped_as({name.replace("_", "."): data for name, data in files.items()})


def zipped_as(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def opened(data: bytes, name: str = "flags.csv", limits: Limits = SMALL) -> dict[str, bytes]:
    return {member.name: whole(member, limits.size) for member in members(io.BytesIO(data), name, limits)}


def why(data: bytes, name: str = "flags.csv", limits: Limits = SMALL) -> str:
    with pytest.raises(Refused) as refused:
        opened(data, name, limits)
    assert refused.value.status in {413, 422}
    assert refused.value.detail.endswith(".")
    return refused.value.code


def test_a_plain_file_is_itself() -> None:
    assert opened(TEXT) == {"flags.csv": TEXT}
    assert opened(b"") == {"flags.csv": b""}


def test_gzip_is_told_by_its_bytes_and_not_by_its_name() -> None:
    assert opened(gzip.compress(TEXT), "flags.csv.gz") == {"flags.csv": TEXT}
    assert opened(gzip.compress(TEXT), "flags.csv") == {"flags.csv": TEXT}
    assert opened(TEXT, "flags.csv.gz") == {"flags.csv.gz": TEXT}


def test_gzip_files_put_together_are_one_file() -> None:
    assert opened(gzip.compress(TEXT) + gzip.compress(MIXED) + b"\0\0") == {"flags.csv": TEXT + MIXED}


@pytest.mark.parametrize("kept", [3, 12, 200, -1])
def test_a_gzip_file_cut_off_anywhere_is_no_file(kept: int) -> None:
    assert why(gzip.compress(MIXED)[:kept]) == "truncated_gzip"


def test_a_damaged_gzip_file_is_refused() -> None:
    good = bytearray(gzip.compress(MIXED))
    good[-6] ^= 1  # its checksum
    assert why(bytes(good)) == "broken_gzip"
    assert why(gzip.compress(TEXT) + b"something else") == "broken_gzip"


def test_a_bomb_is_refused_before_it_is_large() -> None:
    bomb = gzip.compress(bytes(100_000_000))
    assert why(bomb) == "too_large"
    assert why(bomb, limits=Limits()) == "packed_too_tightly"
    assert why(zipped(flags_csv=bytes(10_000_000))) == "packed_too_tightly"


def test_a_zip_that_lies_about_its_size_is_refused() -> None:
    lying = bytearray(zipped(flags_csv=bytes(500_000)))
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<I", lying, lying.index(signature) + offset, 10)
    assert why(bytes(lying)) in {"broken_zip", "packed_too_tightly"}


def test_a_zip_gives_its_files_without_folders_or_what_a_mac_adds() -> None:
    packed = zipped_as({"export/": b"", "export/users.csv": TEXT, "__MACOSX/export/._users.csv": b"x", "a.csv": MIXED})
    assert opened(packed, limits=Limits()) == {"users.csv": TEXT, "a.csv": MIXED}


@pytest.mark.parametrize(
    "name",
    ["../users.csv", "/etc/users.csv", "a/../../b.csv", "..\\users.csv", "C:\\users.csv", "a\nb.csv", "a\x07.csv"],
)
def test_a_path_in_a_name_is_refused(name: str) -> None:
    assert why(zipped_as({name: TEXT})) == "path_in_name"


def test_a_name_that_hides_its_end_behind_a_nul_is_refused() -> None:
    packed = zipped_as({"usersX.csv": TEXT}).replace(b"usersX.csv", b"users\0.csv")
    assert why(packed) == "path_in_name"


def test_too_many_files_and_one_name_twice_are_refused() -> None:
    assert why(zipped_as({f"{n}.csv": TEXT for n in range(4)})) == "too_many_members"
    assert why(zipped_as({"a/users.csv": TEXT, "b/users.csv": TEXT})) == "member_twice"
    assert why(zipped_as({})) == "empty_archive"


def test_packed_twice_is_refused() -> None:
    assert why(zipped_as({"a.zip": zipped(users_csv=TEXT)})) == "packed_twice"
    assert why(gzip.compress(gzip.compress(TEXT))) == "packed_twice"


def test_a_zip_cut_off_or_damaged_is_refused() -> None:
    packed = zipped(users_csv=MIXED)
    assert why(packed[:-40]) == "broken_zip"
    damaged = bytearray(packed)
    damaged[2_000] ^= 0xFF
    assert why(bytes(damaged)) == "broken_zip"


def test_a_password_and_an_unusual_method_are_refused_by_name() -> None:
    locked = bytearray(zipped(users_csv=TEXT))
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        locked[locked.index(signature) + offset] |= 1
    assert why(bytes(locked)) == "encrypted_archive"
    assert why(zipped_as({"a.csv": TEXT}, zipfile.ZIP_BZIP2)) == "unknown_compression"


def test_a_long_or_unprintable_file_name_is_refused() -> None:
    assert why(TEXT, "x" * 121) == "bad_name"
    assert why(TEXT, "fla\x00gs.csv") == "bad_name"
    assert opened(TEXT, "بيانات.csv") == {"بيانات.csv": TEXT}


def test_memory_does_not_follow_what_is_inside() -> None:
    raw = zlib.compressobj(wbits=31)
    packed = raw.compress(MIXED * 100) + raw.flush()
    (member,) = members(io.BytesIO(packed), "flags.csv", Limits())
    assert max(len(piece) for piece in member.pieces) <= 256 * 1024
