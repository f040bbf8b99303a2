"""Items of a request: told apart, each in its own bytes; one that is none costs itself alone."""

import pytest

from services.intake.domain.decoders.parts import Part, Unread
from services.intake.domain.decoders.pushed import LINES, MOST_ITEMS, decode
from shared.refusal import Refused


@pytest.mark.parametrize(
    ("body", "kind", "places"),
    [
        (b'{"a": 1}', "application/json", ["item 1"]),
        (b'\xef\xbb\xbf [{"a": 1}, {"a": 2}] ', "", ["item 1", "item 2"]),
        (b'{"items": [{"a": 1}, {"a": 2}]}', "", ["item 1", "item 2"]),
        (b'{"a": 1}\n\n{"a": 2}\n', f"{LINES}; charset=utf-8", ["line 1", "line 3"]),
    ],
)
def test_items_are_told_apart(body: bytes, kind: str, places: list[str]) -> None:
    items = decode(body, kind)
    assert [item.place for item in items] == places
    assert [item.value["a"] for item in items if isinstance(item, Part)] == list(range(1, len(places) + 1))


def test_an_item_is_kept_in_its_own_bytes() -> None:
    (item,) = decode(b'[ {"a" : 1.50,  "b":"\\u00e9"} ]')
    assert item.raw == b'{"a" : 1.50,  "b":"\\u00e9"}'


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"7", "not_an_object"),
        (b'["a"]', "not_an_object"),
        (b'{"a": "\\u0000"}', "unstorable_text"),
        (b"[" * 60 + b"]" * 60, "nested_too_deep"),
    ],
)
def test_an_item_that_is_none_is_kept_and_the_others_are_read(raw: bytes, code: str) -> None:
    first, second = decode(b"[" + raw + b', {"a": 1}]')
    assert isinstance(first, Unread)
    assert (first.code, first.raw) == (code, raw)
    assert isinstance(second, Part)


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"", "", "no_items"),
        (b"[]", "", "no_items"),
        (b'[{"a": 1}', "", "not_json"),
        (b"\xff\xfe", "", "not_json"),
        (b"[" * 100_000, "", "nested_too_deep"),
        (b"[" + b"{}," * MOST_ITEMS + b"{}]", "", "too_many_items"),
    ],
)
def test_a_request_without_items_is_refused_whole(body: bytes, kind: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        decode(body, kind)
    assert refused.value.code == code


def test_a_line_that_is_no_json_costs_itself_alone() -> None:
    first, second = decode(b'{"a":\n{"a": 2}', LINES)
    assert isinstance(first, Unread)
    assert isinstance(second, Part)
