"""A form as a browser sends it: words and files, read piece by piece within limits, and never written to a disk.

The framework's own reader keeps large files in temporary files, in the clear; what people send here is never that.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.intake.http.files import LARGEST, Upload
from shared.refusal import Refused

KIB = 1024
WORDS_LIMIT = 512 * KIB
BODY_LIMIT = 64 * KIB * KIB
_MOST_PARTS = 80


@dataclass(slots=True)
class Form:
    """What was filled in. A field that came twice keeps all of its values."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[Upload] = field(default_factory=list)

    def one(self, name: str) -> str:
        """Return the first value of a field, and nothing for one that is not there."""
        return next(iter(self.fields.get(name, ())), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field."""
        return tuple(self.fields.get(name, ()))


async def read_form(request: Request) -> Form:
    """Read a form. Raises Refused (413, 415, 400) with words for a person where it cannot be read."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == b"multipart/form-data" and options.get(b"boundary"):
        return await _Parts(options[b"boundary"]).read(request.stream())
    if kind == b"application/x-www-form-urlencoded":
        return await _encoded(request.stream())
    raise Refused("not_a_form", "This is not a form.", status=415)


async def _encoded(pieces: AsyncIterator[bytes]) -> Form:
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > WORDS_LIMIT:
            raise _too_much()
    form = Form()
    try:
        found = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_PARTS)
    except ValueError:
        raise _too_much() from None
    for name, value in found:
        form.fields.setdefault(name, []).append(value)
    return form


class _Parts:
    """The parts of one multipart body."""

    def __init__(self, boundary: bytes) -> None:
        self._form = Form()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._all,
            },
        )
        self._whole = False
        self._parts = self._words = 0
        self._name, self._file_name = "", None  # type: tuple[str, str | None]
        self._field, self._value, self._content = bytearray(), bytearray(), bytearray()
        self._too_large = False

    async def read(self, pieces: AsyncIterator[bytes]) -> Form:
        """Read everything."""
        size = 0
        try:
            async for piece in pieces:
                size += len(piece)
                if size > BODY_LIMIT:
                    raise _too_much()
                self._parser.write(piece)
            self._parser.finalize()
        except FormParserError as error:
            raise _cut_off() from error
        if not self._whole:
            raise _cut_off()
        return self._form

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise _too_much()
        self._name, self._file_name, self._too_large = "", None, False
        self._content = bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if bytes(self._field).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
            named = options.get(b"filename")
            self._file_name = None if named is None else named.decode("utf-8", "replace")
        self._field, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        """Know what the part is; its content follows."""

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file_name is None:
            self._words += end - start
            if self._words > WORDS_LIMIT:
                raise _too_much()
        elif self._too_large or len(self._content) + end - start > LARGEST:
            # Read on without keeping it: the words that came with it are worth more than the file.
            self._too_large, self._content = True, bytearray()
            return
        self._content += data[start:end]

    def _end(self) -> None:
        if self._file_name is None:
            value = self._content.decode("utf-8", "replace")
            self._form.fields.setdefault(self._name, []).append(value)
        elif self._file_name or self._content:  # a browser sends an empty part for a file that was not chosen
            content = None if self._too_large else bytes(self._content)
            self._form.files.append(Upload(self._file_name, content))

    def _all(self) -> None:
        self._whole = True


def _too_much() -> Refused:
    return Refused("too_large", "This is more than we can take at once.", status=413)


def _cut_off() -> Refused:
    return Refused("cut_off", "Only a part of this arrived.", status=400)
