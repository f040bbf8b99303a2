"""Forms as browsers send them, and as nobody should."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import Request

from services.intake.http.files import LARGEST
from services.intake.http.multipart import WORDS_LIMIT, Form, read_form
from shared.refusal import Refused

BOUNDARY = "x1"
PARTS = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + content + b"\r\n"


async def read(body: bytes, kind: str = PARTS, pieces: int = 1024) -> Form:
    async def receive() -> Any:
        return await anext(messages)

    async def cut() -> AsyncIterator[dict[str, Any]]:
        for start in range(0, max(len(body), 1), pieces):
            more = start + pieces < len(body)
            yield {"type": "http.request", "body": body[start : start + pieces], "more_body": more}

    messages = cut()
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", kind.encode())]}
    return await read_form(Request(scope, receive))


END = f"--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize("pieces", [1, 7, 100_000])
async def test_words_and_files_arrive_however_they_are_cut(pieces: int) -> None:
    body = part("words", "Ñandú \U0001f614".encode()) + part("topics", b"mood") + part("topics", b"other")
    body += part("files", b"\x00\xff", "a.bin") + part("files", b"", "") + END
    form = await read(body, pieces=pieces)
    assert form.one("words") == "Ñandú \U0001f614"
    assert form.all("topics") == ("mood", "other")
    assert [(each.name, each.content) for each in form.files] == [("a.bin", b"\x00\xff")]
    assert form.one("nothing") == ""


async def test_a_file_too_large_is_left_out_and_the_words_behind_it_are_not() -> None:
    body = part("files", bytes(LARGEST + 1), "big") + part("words", b"help") + END
    form = await read(body, pieces=1_000_000)
    assert form.files[0].content is None
    assert form.one("words") == "help"


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"{}", "application/json", "not_a_form"),
        (b"x", "multipart/form-data", "not_a_form"),
        (b"x", "", "not_a_form"),
        (part("words", b"x"), PARTS, "cut_off"),
        (b"--x1\r\nContent-Dis", PARTS, "cut_off"),
        (b"no boundary at all", PARTS, "cut_off"),
        (part("words", b"a" * (WORDS_LIMIT + 1)) + END, PARTS, "too_large"),
        (b"".join(part(f"n{n}", b"x") for n in range(90)) + END, PARTS, "too_large"),
        (b"--x1\r\nX: " + b"a" * 9000 + b"\r\n\r\nx\r\n" + END, PARTS, "cut_off"),
        (b"words=" + b"a" * (WORDS_LIMIT + 1), "application/x-www-form-urlencoded", "too_large"),
        (b"&".join(b"a=b" for _ in range(200)), "application/x-www-form-urlencoded", "too_large"),
    ],
)
async def test_what_is_no_form_is_refused_with_a_reason(body: bytes, kind: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        await read(body, kind)
    assert refused.value.code == code


async def test_bytes_that_are_no_text_do_not_stop_a_form() -> None:
    form = await read(b"words=%ff%fe&x=%00", "application/x-www-form-urlencoded")
    assert form.one("words") == "\ufffd\ufffd"
