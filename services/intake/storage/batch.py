"""Statements that write many rows at once: one array per column, whatever the number of rows."""

from collections.abc import Mapping, Sequence

from sqlalchemy import TextClause, text

# In the arrays that `unnest` takes apart, a row's own list travels as text.
LIST = "list"
_BETWEEN = "\x1f"


def insert(table: str, columns: Mapping[str, str], *, order: str, conflict: str = "") -> TextClause:
    """Return an INSERT of rows given as arrays. `columns` are names and types; `order` keeps locks in one order."""
    # Every name comes from this package, none from a request.
    given = ", ".join(f"CAST(:{name} AS {_wire(kind)}[])" for name, kind in columns.items())
    taken = ", ".join(_column(name, kind) for name, kind in columns.items())
    names = ", ".join(columns)
    rows = f"SELECT {taken} FROM unnest({given}) AS row({names})"  # noqa: S608
    return text(f"INSERT INTO {table} ({names}) {rows} ORDER BY {order} {conflict}")


def arrays(columns: Mapping[str, str], rows: Sequence[Sequence[object]]) -> dict[str, list[object]]:
    """Return the parameters of `insert`: rows turned into columns. Each row has its values in the order of `columns`."""
    turned = zip(*rows, strict=True) if rows else ([] for _ in columns)
    return {name: list(values) for name, values in zip(columns, turned, strict=True)}


def joined(values: Sequence[str]) -> str:
    """Return a row's own list as it travels."""
    return _BETWEEN.join(values)


def _wire(kind: str) -> str:
    return "text" if kind == LIST else kind


def _column(name: str, kind: str) -> str:
    return f"array_remove(string_to_array({name}, E'\\x1f'), '')" if kind == LIST else name
