"""One field of a mapping: where its value stands in an item, and what is made of it. Compiled once, called per item."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import ArityError, JMESPathError, UnknownFunctionError

from services.intake.domain.rejects import BadCell

Change = Callable[[str], str]
Find = Callable[[Any], Any]

EPOCHS = {"epoch": 1.0, "epoch_ms": 0.001}
_SIMPLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SOME_TIME = datetime(2026, 11, 30, 13, 45, 59, tzinfo=UTC)
_MOST_NAMED = 20
# What evaluating an expression can raise: its own errors, and Python's for such as a slice by steps of 0.
_FAILS = (JMESPathError, RecursionError, ValueError, TypeError, ArithmeticError)


@dataclass(frozen=True)
class FieldSpec:
    """A field as a document says it. Exactly one of `value`, `columns`, `path` says where the value comes from."""

    name: str
    value: str | None = None
    columns: tuple[str, ...] = ()
    path: str = ""
    values: Mapping[str, str] | None = None
    otherwise: str | None = None
    formats: tuple[str, ...] = ()
    default: str = ""
    optional: bool = False

    @property
    def place(self) -> str:
        """What a person calls the place of the value, in words that come from the document and never from an item."""
        return self.columns[0] if self.columns else self.path or self.name


class _Functions(functions.Functions):
    """What feeds need beside JMESPath's own functions."""

    @functions.signature({"types": ["string", "null"]})
    def _func_lower(self, text: str | None) -> str:
        return (text or "").lower()

    @functions.signature({"types": ["string", "null"]})
    def _func_upper(self, text: str | None) -> str:
        return (text or "").upper()

    @functions.signature({"types": ["string", "null"]}, {"types": ["string"]}, {"types": ["number"]})
    def _func_part(self, text: str | None, separator: str, place: float) -> str:
        parts = (text or "").split(separator) if separator else [text or ""]
        return parts[int(place)] if -len(parts) <= place < len(parts) else ""


_OPTIONS = jmespath.Options(custom_functions=_Functions())


def finder(path: str) -> Find:
    """Return what finds the value at a JMESPath in an item. Raises ValueError with where the path goes wrong.

    A plain path of names, which is what nearly all are, is walked without the library: at a tenth of the cost.
    """
    if _SIMPLE.fullmatch(path):
        return _walker(path.split("."))
    try:
        compiled = jmespath.compile(path)
    except RecursionError:
        raise ValueError("nested too deep") from None
    except JMESPathError as error:
        place = getattr(error, "lex_position", None)
        raise ValueError(f"not JMESPath{f' at sign {place + 1}' if place is not None else ''}") from None
    try:
        compiled.search({}, options=_OPTIONS)
    except (UnknownFunctionError, ArityError):
        raise ValueError("not JMESPath: a function in it is not known, or takes other arguments") from None
    except _FAILS:  # it needs an item to work on
        pass

    def find(item: Any) -> Any:  # noqa: ANN401 - any JSON
        try:
            return compiled.search(item, options=_OPTIONS)
        except _FAILS:
            raise BadCell(
                path, "the value here is of another kind than the mapping reads", "what the path can read"
            ) from None

    return find


def _walker(names: Sequence[str]) -> Find:
    def walk(item: Any) -> Any:  # noqa: ANN401 - any JSON
        for name in names:
            if not isinstance(item, dict):
                return None
            item = item.get(name)
        return item

    return walk


def text_of(value: object, place: str) -> str:
    """Return a value of JSON as the text of a cell. Raises BadCell for what is not one value, or cannot be stored."""
    if isinstance(value, str):
        if "\x00" in value or (not value.isascii() and _UNSTORABLE.search(value)):
            raise BadCell(place, "a character that cannot be stored (NUL or half of a pair)", "text in Unicode")
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise BadCell(place, "not a number that exists", "a number")
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, int):
        return str(value)
    raise BadCell(place, "several values where one is expected", "one text, number or yes/no")


def changes(spec: FieldSpec) -> Change | None:
    """Return what is done with the text found, None when it goes on as it is."""
    steps = [step for step in (_mapped(spec), _dated(spec), _defaulted(spec)) if step is not None]
    if not steps:
        return None
    if len(steps) == 1:
        return steps[0]

    def all_of(text: str) -> str:
        for step in steps:
            text = step(text)
        return text

    return all_of


def key_of(text: str) -> str:
    """Return a text as value maps compare it: without blanks around it, in any case."""
    return text.strip().casefold()


def id_of(text: str) -> str:
    """Return an id as it came, or its digest where it holds signs that ids here do not."""
    text = text.strip()
    return (
        text
        if not text or _ID.fullmatch(text)
        else blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
    )


def _mapped(spec: FieldSpec) -> Change | None:
    if spec.values is None:
        return None
    values = {key_of(said): meant for said, meant in spec.values.items()}
    known = ", ".join(list(spec.values)[:_MOST_NAMED])
    otherwise, place = spec.otherwise, spec.place

    def mapped(text: str) -> str:
        found = values.get(text)
        if found is None:
            found = values.get(key_of(text), "" if not text.strip() else otherwise)
        if found is None:
            raise BadCell(place, "a value the mapping has no meaning for", known)
        return found

    return mapped


def _dated(spec: FieldSpec) -> Change | None:
    if not spec.formats:
        return None
    formats, place = spec.formats, spec.place

    def dated(text: str) -> str:
        text = text.strip()
        for each in formats if text else ():
            try:
                return _read_time(text, each)
            except (ValueError, OverflowError, OSError):
                continue
        if not text:
            return ""
        raise BadCell(place, "a time in another format than the mapping says", " or ".join(formats))

    return dated


def _read_time(text: str, how: str) -> str:
    if how == "iso":
        return datetime.fromisoformat(text).isoformat()
    if how in EPOCHS:
        return datetime.fromtimestamp(float(text) * EPOCHS[how], UTC).isoformat()
    # The campus's zone is put to it by whoever reads the cell, unless the format has one.
    return datetime.strptime(text, how).isoformat()  # noqa: DTZ007


def _defaulted(spec: FieldSpec) -> Change | None:
    if not spec.default:
        return None
    default = spec.default
    return lambda text: text if text.strip() else default


def bad_format(how: str) -> str:
    """Return what is wrong with a format of times, if anything is: it must say the year, the month and the day."""
    if how == "iso" or how in EPOCHS:
        return ""
    try:
        written = _SOME_TIME.strftime(how)
        read = datetime.strptime(written, how)  # noqa: DTZ007
    except ValueError:
        return "not a format of times, such as %m/%d/%Y %H:%M, iso, epoch or epoch_ms"
    day = (read.year, read.month, read.day)
    return (
        ""
        if day == (_SOME_TIME.year, _SOME_TIME.month, _SOME_TIME.day)
        else "the year, the month or the day is missing"
    )
