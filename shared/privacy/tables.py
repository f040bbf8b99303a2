"""The two tables of keys in the database of every service that keeps text."""

from collections.abc import Iterator

from shared.storage.security import protect

_TABLES = (
    """
    CREATE TABLE campus_keys (
        campus text PRIMARY KEY,
        wrapped bytea NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE record_keys (
        record_id uuid PRIMARY KEY,
        campus text NOT NULL REFERENCES campus_keys (campus),
        wrapped bytea NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
)


def create(service: str) -> Iterator[str]:
    """Yield the statements that make the tables of keys.

    A key shows to any known actor's transaction: it opens nothing without the text, and the text's own table is the
    one that is walled.
    """
    yield from _TABLES
    yield from protect(service, "campus_keys", "actor")
    yield from protect(service, "record_keys", "actor")
