"""What every decoder gives: parts that could be read, and parts that could not, each with its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec

from shared.refusal import Refused

# Deeper than any format of ours nests, and far from where Python's own stack ends.
DEEPEST = 40
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Part:
    """One event or row. `event_id` is what makes it the same when it comes again; empty where its sender gives none.

    `place` says where in the delivery it stands (`data[3]`, `users.csv line 17`), `kind` what it says of itself.
    `value` holds nothing that was to be dropped on the way in; `raw` is that same content in bytes, to be kept.
    """

    place: str
    event_id: str
    kind: str
    value: Mapping[str, Any]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Unread:
    """A part that could not be read. `code` is stable, `reason` says what a feed's owner can do; neither quotes it.

    Of one that is not `whole` only the beginning is in `raw`.
    """

    place: str
    code: str
    reason: str
    raw: bytes
    whole: bool = True


Item = Part | Unread


class BadPart(Exception):  # noqa: N818 - a part is bad; the delivery goes on
    """A part that cannot be taken. Fixed words only."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason


def refuse(code: str, detail: str, status: int = 422) -> NoReturn:
    """Refuse a whole delivery."""
    raise Refused(code, detail, status=status, pointer="/body")


def json_of(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Read JSON that a stranger sent. Raises Refused for what is none, or is nested as nothing honest is."""
    try:
        value = msgspec.json.decode(data.removeprefix(_BOM))
    except RecursionError:
        refuse("nested_too_deep", _TOO_DEEP)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        refuse("not_json", "This is no JSON in UTF-8, or it ends before it should. Send the whole event again.")
    if _too_deep(value):
        refuse("nested_too_deep", _TOO_DEEP)
    return value


_TOO_DEEP = f"The JSON is nested more than {DEEPEST} levels deep. No event of this format is; look at what sends it."


def bytes_of(value: object) -> bytes:
    """Write a value as the JSON that is kept."""
    return msgspec.json.encode(value)


def _too_deep(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterator[object]:
    """Yield the containers directly inside a container."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (each for each in inner if isinstance(each, dict | list))


def without(value: Any, names: frozenset[str]) -> Any:  # noqa: ANN401 - any JSON
    """Return a value without some names of its objects, at every depth."""
    if isinstance(value, dict):
        return {name: without(inner, names) for name, inner in value.items() if name not in names}
    if isinstance(value, list):
        return [without(inner, names) for inner in value]
    return value


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """Return a scalar as text, as ids come in both; empty for anything else."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, int):
        return ""
    return str(value)


def number(value: object) -> float | None:
    """Return a number as such, None for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def check_text(value: object) -> None:
    """Raise BadPart when a text anywhere inside holds what cannot be stored."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            if "\x00" in each:
                raise BadPart("unstorable_text", "A text holds a NUL character. Look at what writes it.")
        elif isinstance(each, dict):
            waiting += each.keys()
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
