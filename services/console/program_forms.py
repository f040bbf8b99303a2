"""Forms of the program: an entry as fields that a person fills in, and back. What is not asked stays as it is.

A field's name is its place in the entry (`roles.0.campus`), so that what the program finds wrong points at it. What
cannot be read as what it should be is sent as it was typed: the program says what is wrong with it, nobody else does.
"""

import contextlib
import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

Kind = Literal["text", "email", "tel", "number", "check", "select", "time", "date", "instant", "words", "lines", "json"]
Option = tuple[str, str]
# So many empty rows are there to fill in; more appear once these are used.
BLANK_ROWS = 2


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `options` are (code, words) of a select; `hint` says what belongs there."""

    name: str
    label: str
    kind: Kind = "text"
    options: Sequence[Option] = ()
    hint: str = ""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of the same fields again and again. A row whose first field is empty is none."""

    name: str
    label: str
    fields: Sequence[Field]
    hint: str = ""


Part = Field | Rows


@dataclass(frozen=True, slots=True)
class Shown:
    """A field with its value and what is wrong with it."""

    field: Field
    name: str
    value: str
    error: str

    @property
    def id(self) -> str:
        """What labels and errors point at."""
        return self.name.replace(".", "-")


@dataclass(frozen=True, slots=True)
class ShownRows:
    """Rows with their values."""

    rows: Rows
    shown: Sequence[Sequence[Shown]]
    error: str


def show(
    parts: Sequence[Part], entry: Mapping[str, Any], errors: Mapping[str, str], zone: str
) -> list[Shown | ShownRows]:
    """Return a form filled in with an entry."""
    made: list[Shown | ShownRows] = []
    for part in parts:
        if isinstance(part, Field):
            made.append(_shown(part, part.name, at(entry, part.name), errors, zone))
            continue
        held = list(at(entry, part.name) or [])
        rows = [
            [
                _shown(field, f"{part.name}.{place}.{field.name}", row.get(field.name), errors, zone)
                for field in part.fields
            ]
            for place, row in enumerate([*held, *({} for _ in range(BLANK_ROWS))])
        ]
        made.append(ShownRows(part, rows, errors.get(part.name, "")))
    return made


def read(parts: Sequence[Part], entry: Mapping[str, Any], typed: Mapping[str, str], zone: str) -> dict[str, Any]:
    """Return an entry with what was typed in its place."""
    made = copy.deepcopy(dict(entry))
    for part in parts:
        if isinstance(part, Field):
            put(made, part.name, _value(part, typed.get(part.name, ""), zone))
            continue
        held = list(at(entry, part.name) or [])
        rows = []
        for place in _places(part, typed):
            if not typed.get(f"{part.name}.{place}.{part.fields[0].name}", "").strip():
                continue
            row = dict(held[place]) if place < len(held) else {}
            for field in part.fields:
                row[field.name] = _value(field, typed.get(f"{part.name}.{place}.{field.name}", ""), zone)
            rows.append(row)
        put(made, part.name, rows)
    return made


def plainly(field: Field, said: str) -> str:
    """Return what is wrong with a field in words for people, where the program says it in those of a program."""
    if not said.startswith(_TECHNICAL):
        return said
    if "at least 1 character" in said:
        return f"{field.label}: write something here"
    return _WANTED.get(field.kind) or f"{field.label} cannot be so: some signs in it are not allowed, or it is too long"


def errors_of(errors: Sequence[Mapping[str, str]], section: str) -> dict[str, str]:
    """Return what the program found wrong, by the name of the field."""
    start = f"/body/document/{section}/0"
    return {
        each["pointer"].removeprefix(start).strip("/").replace("/", "."): each["detail"]
        for each in errors
        if each["pointer"].startswith(start)
    }


def differences(
    parts: Sequence[Part], before: Mapping[str, Any], after: Mapping[str, Any], zone: str
) -> list[tuple[str, str, str]]:
    """Return what is otherwise: the field's label, what it was, what it will be."""
    found = []
    for part in parts:
        was, will = (_words(part, at(entry, part.name), zone) for entry in (before, after))
        if was != will:
            found.append((part.label, was or "nothing", will or "nothing"))
    return found


def parts_of(values: Mapping[str, Any], under: str = "values") -> Iterator[Part]:
    """Yield fields for any JSON that is an object: a policy's values, whatever policy it is."""
    for name, value in values.items():
        place, label = f"{under}.{name}", _label(name)
        if isinstance(value, Mapping):
            for part in parts_of(value, place):
                yield replace(part, label=f"{label}: {part.label[:1].lower()}{part.label[1:]}")
        elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
            names = dict.fromkeys(key for each in value for key in each)
            fields = [_field_for(key, [each.get(key) for each in value]) for key in names]
            yield Rows(place, label, fields)
        else:
            yield replace(_field_for(name, [value]), name=place, label=label)


def _field_for(name: str, values: Sequence[Any]) -> Field:
    some = next((value for value in values if value is not None), None)
    kind: Kind = "text"
    if isinstance(some, bool):
        kind = "check"
    elif isinstance(some, int | float) or (some is None and not isinstance(some, str)):
        kind = "number"
    elif isinstance(some, list):
        kind = "words"
    elif isinstance(some, Mapping):
        kind = "json"
    return Field(name, _label(name), kind)


def _label(name: str) -> str:
    """Return the name of a value in words."""
    return name.replace("_", " ").capitalize().replace("Titleix", "Title IX")


def at(entry: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - JSON
    """Return what an entry has at a place, or None."""
    value: Any = entry
    for step in name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def put(entry: dict[str, Any], name: str, value: Any) -> None:  # noqa: ANN401 - JSON
    """Put something at a place of an entry."""
    *steps, last = name.split(".")
    for step in steps:
        entry = entry.setdefault(step, {})
    entry[last] = value


def _places(rows: Rows, typed: Mapping[str, str]) -> list[int]:
    start = f"{rows.name}."
    found = {name.removeprefix(start).partition(".")[0] for name in typed if name.startswith(start)}
    return sorted(int(place) for place in found if place.isdecimal() and len(place) < 5)  # noqa: PLR2004 - 9,999 rows


def _shown(field: Field, name: str, value: Any, errors: Mapping[str, str], zone: str) -> Shown:  # noqa: ANN401 - JSON
    error = errors.get(name) or next((said for place, said in errors.items() if place.startswith(f"{name}.")), "")
    return Shown(field, name, text_of(field, value, zone), plainly(field, error))


def text_of(field: Field, value: Any, zone: str) -> str:  # noqa: ANN401 - JSON
    """Return a value as it stands in its field."""
    if value is None:
        return ""
    if isinstance(value, list):
        return (", " if field.kind == "words" else "\n").join(map(str, value))
    match field.kind:
        case "check":
            return "on" if value is True else ""
        case "instant":
            return _local(str(value), zone)
        case "json" if not isinstance(value, str):
            return json.dumps(value)
        case _:
            return f"{value:g}" if isinstance(value, float) else str(value)


def _value(field: Field, typed: str, zone: str) -> Any:  # noqa: ANN401 - JSON
    typed = typed.strip()
    if field.kind == "instant":
        return _instant(typed, zone) if typed else None
    return _READ[field.kind](typed) if field.kind in _READ else typed


def _words_in(typed: str) -> list[str]:
    return [word.strip() for word in typed.split(",") if word.strip()]


def _lines_in(typed: str) -> list[str]:
    return [line.strip() for line in typed.splitlines() if line.strip()]


def _json(typed: str) -> Any:  # noqa: ANN401 - JSON
    """Return what was typed as JSON; what is none as it was typed."""
    with contextlib.suppress(ValueError):
        return json.loads(typed) if typed else {}
    return typed


def _number(typed: str) -> float | int | str | None:
    if not typed:
        return None
    with contextlib.suppress(ValueError):
        return int(typed)
    with contextlib.suppress(ValueError):
        return float(typed)
    return typed


_TECHNICAL = ("String should", "Input should", "Value should", "List should", "This is no ")
_WANTED: Mapping[Kind, str] = {
    "email": "This does not look like an e-mail address. It needs an @, as in name@example.edu",
    "time": "Write a time, such as 08:00",
    "date": "Write a day, such as 2026-09-14",
    "instant": "Write a day and a time, such as 2026-09-14 08:00",
    "number": "Write a number that can be here",
    "select": "Choose one of these",
}
_READ: Mapping[Kind, Callable[[str], Any]] = {
    "check": lambda typed: typed == "on",
    "words": _words_in,
    "lines": _lines_in,
    "number": _number,
    "json": _json,
}


def _instant(typed: str, zone: str) -> str:
    """Return a time on the wall of a zone as an instant; what is none as it was typed."""
    try:
        local = datetime.fromisoformat(typed)
    except ValueError:
        return typed
    if local.tzinfo is None:
        local = local.replace(tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _local(value: str, zone: str) -> str:
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return value
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(" ", "minutes")


def _words(part: Part, value: Any, zone: str) -> str:  # noqa: ANN401 - JSON
    """Return what a field holds, in words, for a comparison."""
    if isinstance(part, Rows):
        return "; ".join(_row(part, row, zone) for row in value or ())
    if part.kind == "check":
        return "yes" if value else "no"
    text = text_of(part, value, zone).replace("\n", ", ")
    return dict(part.options).get(text, text)


def _row(rows: Rows, row: Mapping[str, Any], zone: str) -> str:
    said = []
    for field in rows.fields:
        if field.kind == "check":
            said += [field.label.lower()] if row.get(field.name) else []
        elif words := _words(field, row.get(field.name), zone):
            said.append(words if field is rows.fields[0] or field.options else f"{field.label.lower()} {words}")
    return ", ".join(said)
