"""Whether two databases hold the same, but for the ids that each made for itself."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from shared.settings import Settings
from tests.faults.rows import rows, tables

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# A serial number has gaps after what was rolled back; partition and fingerprint are made of ids of the database's own.
_OWN = {("outbox", "id"), ("outbox", "partition"), ("links", "fingerprint")}
_ROUNDS = 4

Row = dict[str, str]
Tables = dict[str, list[Row]]


async def contents(settings: Settings, service: str) -> Tables:
    """Return every row of every table of a service, as text."""
    found = {}
    for table in await tables(settings, service):
        held = await rows(settings, service, f"SELECT * FROM {table}")
        found[table] = [
            {name: _text(value) for name, value in row.items() if (table, name) not in _OWN} for row in held
        ]
    return found


def differences(one: Tables, other: Tables) -> dict[str, tuple[list[str], list[str]]]:
    """Return by table what only the one and what only the other has, with each its own ids replaced by what they do.

    An id that both have is the same thing in both. Any other is known by the rows it stands in, and by what stands
    beside it there, so that rows which belong together must belong together in both.
    """
    common = _ids(one) & _ids(other)
    first, second = _plain(one, common), _plain(other, common)
    return {
        table: (sorted((first[table] - second[table]).elements()), sorted((second[table] - first[table]).elements()))
        for table in one.keys() | other.keys()
        if first[table] != second[table]
    }


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.hex()
    if isinstance(value, list):
        return repr([_text(each) for each in value])
    return repr(value) if isinstance(value, str) else str(value)


def _ids(held: Tables) -> set[str]:
    return {id_ for _, row in _rows(held) for id_ in _ID.findall(row)}


def _rows(held: Tables) -> Iterator[tuple[str, str]]:
    for table, these in held.items():
        for row in these:
            yield table, " | ".join(f"{name}={value}" for name, value in row.items())


def _plain(held: Tables, common: set[str]) -> dict[str, Counter[str]]:
    plain: dict[str, Counter[str]] = {table: Counter() for table in held}
    lines = []
    for table, row in _rows(held):
        own = set(_ID.findall(row)) - common
        if own:
            lines.append((table, row, own))
        else:
            plain[table][row] += 1
    known: Mapping[str, str] = {}
    for _ in range(_ROUNDS):
        stands: dict[str, list[str]] = {}
        for table, row, own in lines:
            for id_ in own:
                stands.setdefault(id_, []).append(table + _replaced(row, common, known, of=id_))
        known = {id_: _digest(*sorted(places)) for id_, places in stands.items()}
    for table, row, _ in lines:
        plain[table][_replaced(row, common, known)] += 1
    return plain


def _replaced(row: str, common: set[str], known: Mapping[str, str], of: str = "") -> str:
    def name(found: re.Match[str]) -> str:
        id_ = found.group()
        if id_ in common:
            return id_
        return "<this>" if id_ == of else f"<{known.get(id_, 'id')}>"

    return _ID.sub(name, row)


def _digest(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]
