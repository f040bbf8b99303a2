"""Statements that write many rows at once: one parameter per column, whatever the number of rows.

A column travels as an array, or, if it holds codes, as one text with separators: the driver looks at every element of
an array twice, and a text it just copies. A column that is the same for all rows travels once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import TextClause, text

# A code or an id of another system: text that cannot hold the separator, because it was read as a code. `code TYPE` is
# a value of another type that is written as one, and null where it is empty.
CODE = "code"
# A row's own list of codes.
LIST = "list"
# A time that is always there. It travels as seconds, which the driver writes out at a quarter of the cost of a time.
INSTANT = "instant"
# How a value that all rows share is written, such as `once timestamptz`.
ONCE = "once "

_CODED = "code "
_BETWEEN, _WITHIN = "\x1f", "\x1e"


def insert(table: str, columns: Mapping[str, str], *, order: str, conflict: str = "") -> TextClause:
    """Return an INSERT of rows given by columns. `columns` are names and kinds; `order` keeps locks in one order.

    The first column must be an array of values that are never null: it says where the rows end.
    """
    # Every name comes from this package, none from a request.
    many = {name: kind for name, kind in columns.items() if not kind.startswith(ONCE)}
    given = ", ".join(_given(name, kind) for name, kind in many.items())
    taken = ", ".join(_taken(name, kind) for name, kind in columns.items())
    names, first = ", ".join(columns), next(iter(columns))
    rows = f"SELECT {taken} FROM unnest({given}) AS row({', '.join(many)}) WHERE {first} IS NOT NULL"  # noqa: S608
    return text(f"INSERT INTO {table} ({names}) {rows} ORDER BY {order} {conflict}")


def arrays(columns: Mapping[str, str], rows: Sequence[Sequence[object]]) -> dict[str, object]:
    """Return the parameters of `insert` for the columns that differ: a row has its values in the order of those."""
    many = {name: kind for name, kind in columns.items() if not kind.startswith(ONCE)}
    turned: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) if rows else [()] * len(many)
    return {name: _travelling(kind, values) for (name, kind), values in zip(many.items(), turned, strict=True)}


def codes(values: Sequence[object]) -> str:
    """Return codes as they travel. One separator more than needed tells one empty code from none."""
    if not values:
        return ""
    try:
        return _BETWEEN.join(values) + _BETWEEN  # type: ignore[arg-type] # text, as most codes are
    except TypeError:
        return _BETWEEN.join(["" if value is None else str(value) for value in values]) + _BETWEEN


def joined(values: Sequence[str]) -> str:
    """Return a row's own list as it travels."""
    return _WITHIN.join(values)


def split(parameter: str) -> str:
    """Return the SQL that turns codes back into an array; its last element is empty and stands for nothing."""
    return f"string_to_array(CAST(:{parameter} AS text), E'\\x1f')"


def _travelling(kind: str, values: Sequence[Any]) -> object:
    if _is_code(kind):
        return codes(values)
    return [at.timestamp() for at in values] if kind == INSTANT else list(values)


def _is_code(kind: str) -> bool:
    return kind in (CODE, LIST) or kind.startswith(_CODED)


def _given(name: str, kind: str) -> str:
    if _is_code(kind):
        return split(name)
    return f"CAST(:{name} AS {'float8' if kind == INSTANT else kind}[])"


def _taken(name: str, kind: str) -> str:
    if kind.startswith(ONCE):
        return f"CAST(:{name} AS {kind.removeprefix(ONCE)})"
    if kind.startswith(_CODED):
        return f"CAST(nullif({name}, '') AS {kind.removeprefix(_CODED)})"
    if kind == INSTANT:
        return f"to_timestamp({name})"
    return f"string_to_array({name}, E'\\x1e')" if kind == LIST else name
