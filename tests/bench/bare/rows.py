"""Rows and records of the size the product's have, without its code."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import asyncpg

# What a pool hands out, or what `connect` does: annotated as the one with stubs.
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

# Rows that are there from the start, to be changed over and over.
CHANGED = 5000
_ID_BYTES = 8

HEADERS = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"0192f3a1-5b7c-7d00-8000-000000000000"),
    ("ce_type", b"caselight.referral.received.v1"),
    ("ce_source", b"/caselight/intake"),
    ("ce_time", b"2026-09-14T09:00:00.123456+00:00"),
    ("ce_subject", b"0192f3a1-5b7c-7d00-8000-000000000000"),
    ("ce_campus", b"NORTH"),
    ("ce_sensitivity", b"standard"),
    ("ce_sequence", b"1"),
    ("content-type", b"application/json"),
]
STORED_HEADERS = json.dumps([(name, value.decode()) for name, value in HEADERS]).encode()


def payload(number: int, size: int) -> bytes:
    """Return JSON of as many bytes as the product's records have."""
    said = {"campus": "NORTH", "referral_id": f"0192{number:08x}-0000-7000-8000-000000000000", "text": ""}
    said["text"] = "x" * max(0, size - 96)
    return json.dumps(said).encode()


def shared_out(begin: int, end: int, of: int, total: int) -> Iterator[tuple[int, bytes]]:
    """Yield (thing, key) for what things `begin` to `end` of `of` have of `total` records; `:0` is a thing's first."""
    for thing in range(begin, end):
        for part in range(total * (thing + 1) // of - total * thing // of):
            yield thing, f"{thing}:{part}".encode()


class Table:
    """A table and how much is to be written to it in all."""

    def __init__(self, name: str, counts: Sequence[int], size: int) -> None:
        self.name = name
        self.body = b"x" * max(0, size - _ID_BYTES)
        self.inserted, self.updated, self.deleted = counts
        assert self.deleted <= self.inserted + CHANGED, name

    def take(self, begin: int, end: int, of: int) -> Iterator[tuple[Any, ...]]:
        """Yield the statements with their values for things `begin` to `end` of `of`."""
        ids = list(_between(self.inserted, begin, end, of))
        if ids:
            taken = "SELECT * FROM unnest($1::bigint[], $2::bytea[]) ON CONFLICT DO NOTHING"
            yield f"INSERT INTO {self.name} (id, body) {taken}", ids, [self.body] * len(ids)
        ids = [-1 - number % CHANGED for number in _between(self.updated, begin, end, of)]
        if ids:
            yield f"UPDATE {self.name} SET body = $2 WHERE id = ANY($1::bigint[])", sorted(set(ids)), self.body
        ids = list(_between(self.deleted, begin, end, of))
        if ids:
            yield f"DELETE FROM {self.name} WHERE id = ANY($1::bigint[])", ids


def _between(total: int, begin: int, end: int, of: int) -> range:
    return range(total * begin // of, total * end // of)


async def make(dsn: str, node: str, tables: dict[str, int]) -> None:
    """Make a process's tables; those that are changed get rows of that size to be changed."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        f"CREATE TABLE {node}_outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL,"
        " partition smallint NOT NULL, key bytea NOT NULL, headers bytea NOT NULL, payload bytea NOT NULL)"
    )
    for table, size in tables.items():
        await connection.execute(f"CREATE TABLE {node}_{table} (id bigint PRIMARY KEY, body bytea NOT NULL)")
        if size:
            await connection.execute(
                f"INSERT INTO {node}_{table} SELECT -n, $1 FROM generate_series(1, {CHANGED}) AS n", b"x" * size
            )
    await connection.close()
