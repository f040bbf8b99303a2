"""What is packed: gzip and zip are opened in a stream, within limits, and told by their first bytes, never by a name.

Nothing is written to disk and no name of a member is ever used as a path. A member is read to its end (its checksum is
then right) or refused by name: nobody imports half a file.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, NoReturn

from services.intake.domain.decoders.parts import refuse

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_PIECE = 256 * 1024
MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """How much a delivery may hold once unpacked. The ratio counts above `free` bytes only."""

    size: int = 1024 * MIB
    ratio: int = 200
    free: int = 16 * MIB
    members: int = 64
    name: int = 120


LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """One file of a delivery. `name` is its last part only. Read `pieces` to the end before the next member."""

    name: str
    pieces: Iterator[bytes]


def members(file: BinaryIO, name: str, limits: Limits = LIMITS) -> Iterator[Member]:
    """Yield what a file holds: itself when it is not packed. Raises Refused (422), also while pieces are read.

    `file` must be seekable. Packed files inside packed files are refused.
    """
    begin = file.read(4)
    file.seek(0)
    if begin.startswith((ZIP, _EMPTY_ZIP)):
        yield from _zip(file, limits)
    elif begin.startswith(GZIP):
        yield Member(_plain(name.removesuffix(".gz"), limits), _checked_first(_gunzip(file, limits)))
    else:
        yield Member(_plain(name, limits), _limited(_pieces(file), limits.size))


# -- gzip ------------------------------------------------------------------------------------------


def _gunzip(file: BinaryIO, limits: Limits) -> Iterator[bytes]:
    """Yield what a gzip file holds, however many members it is put together from."""
    gauge = _Gauge(limits)
    unpacker, rest = zlib.decompressobj(wbits=31), b""
    try:
        while data := rest or gauge.packed_piece(file):
            piece = unpacker.decompress(data, _PIECE)
            gauge.add(len(piece))
            if piece:
                yield piece
            rest = unpacker.unconsumed_tail
            if unpacker.eof:
                rest = (unpacker.unused_data or gauge.packed_piece(file)).lstrip(b"\x00")
                if not rest:
                    return
                unpacker = zlib.decompressobj(wbits=31)
    except zlib.error:
        refuse("broken_gzip", "The gzip file is damaged. Pack and send it again.")
    refuse("truncated_gzip", "The gzip file ends before it should; it was cut off on its way. Send it again.")


# -- zip -------------------------------------------------------------------------------------------


def _zip(file: BinaryIO, limits: Limits) -> Iterator[Member]:
    try:
        packed = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OverflowError, struct.error, UnicodeDecodeError):
        refuse("broken_zip", "The zip file is damaged or was cut off on its way. Pack and send it again.")
    with packed:
        infos = packed.infolist()
        if len(infos) > limits.members:
            refuse("too_many_members", f"The zip file holds more than {limits.members} files. Send fewer at a time.")
        wanted = [(info, _name(info, limits)) for info in infos if not _beside_the_point(info)]
        if not wanted:
            refuse("empty_archive", "The zip file holds no file.")
        if len({name for _, name in wanted}) < len(wanted):
            refuse("member_twice", "The zip file holds two files of one name. Pack each once, without folders.")
        gauge = _Gauge(limits)
        for info, name in wanted:
            gauge.packed += info.compress_size
            yield Member(name, _checked_first(_unzip(packed, info, gauge)))


def _unzip(packed: zipfile.ZipFile, info: zipfile.ZipInfo, gauge: "_Gauge") -> Iterator[bytes]:
    if info.flag_bits & 0x1:
        refuse("encrypted_archive", "The zip file has a password. Send it without: the way here is encrypted.")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        refuse("unknown_compression", "The zip file is packed in an unusual way. Use the ordinary method, deflate.")
    try:
        with packed.open(info) as member:
            while piece := member.read(_PIECE):
                gauge.add(len(piece))
                yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, struct.error):
        refuse("broken_zip", "The zip file is damaged or was cut off on its way. Pack and send it again.")


def _name(info: zipfile.ZipInfo, limits: Limits) -> str:
    # zipfile cuts names at a NUL and turns backslashes round on some systems; what was written is in orig_filename.
    written = info.orig_filename
    path = PurePosixPath(written.replace("\\", "/"))
    drive = len(written) > 1 and written[1] == ":"
    if path.is_absolute() or drive or ".." in path.parts or not written.isprintable():
        refuse(
            "path_in_name",
            "A file in the zip file is named with a path that leads elsewhere. Pack plain file names, without folders.",
        )
    return _plain(path.name, limits)


def _beside_the_point(info: zipfile.ZipInfo) -> bool:
    """Whether a member is a folder, or what a Mac puts beside each file."""
    return info.is_dir() or info.filename.startswith("__MACOSX/") or info.filename.endswith(".DS_Store")


def _plain(name: str, limits: Limits) -> str:
    """Return the last part of a name, if it is fit to be shown."""
    last = PurePosixPath(name.replace("\\", "/")).name
    if not last or len(last) > limits.name or not last.isprintable():
        refuse("bad_name", f"A file name is empty, longer than {limits.name} signs or holds control characters.")
    return last


# -- both ------------------------------------------------------------------------------------------


@dataclass
class _Gauge:
    """Counts what came out against what went in."""

    limits: Limits
    packed: int = 0
    unpacked: int = 0

    def packed_piece(self, file: BinaryIO) -> bytes:
        """Read a piece of what is packed."""
        piece = file.read(_PIECE)
        self.packed += len(piece)
        return piece

    def add(self, count: int) -> None:
        """Count what came out. Raises Refused when it is too much."""
        self.unpacked += count
        if self.unpacked > self.limits.size:
            _too_large(self.limits.size)
        if self.unpacked > self.limits.free and self.unpacked > self.packed * self.limits.ratio:
            refuse(
                "packed_too_tightly",
                f"Unpacked, this is more than {self.limits.ratio} times as large as packed, which no real file is.",
            )


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _limited(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    seen = 0
    for piece in pieces:
        seen += len(piece)
        if seen > limit:
            _too_large(limit)
        yield piece


def _too_large(limit: int) -> NoReturn:
    refuse("too_large", f"Unpacked, this is larger than the {limit // MIB} MiB taken at once. Send it in parts.", 413)


def _checked_first(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Look at the first piece: what is packed twice is refused, since each layer could hide a larger one."""
    first = next(pieces, b"")
    if first.startswith((GZIP, ZIP)):
        refuse("packed_twice", "There is a packed file inside the packed file. Pack once.")
    yield first
    yield from pieces


def whole(member: Member, limit: int) -> bytes:
    """Read a member whole. Raises Refused when it is larger than `limit`."""
    data = bytearray()
    for piece in member.pieces:
        data += piece
        if len(data) > limit:
            _too_large(limit)
    return bytes(data)
