"""What is in the databases, seen past row security, as an administrator would."""

from contextlib import AbstractAsyncContextManager

import asyncpg

from deploy.local.databases import Connection, session
from shared.settings import Settings

_TABLES = """
    SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname
"""
_COLUMNS = """
    SELECT table_name, column_name, data_type FROM information_schema.columns
    WHERE table_schema = 'public' ORDER BY table_name, column_name
"""


def connected(settings: Settings, service: str) -> AbstractAsyncContextManager[Connection]:
    """Connect to a service's database."""
    return session(settings.postgres_url, f"{settings.database_prefix}{service}")


async def rows(settings: Settings, service: str, query: str, *values: object) -> list[asyncpg.Record]:
    """Ask a service's database once."""
    async with connected(settings, service) as connection:
        return list(await connection.fetch(query, *values))


async def tables(settings: Settings, service: str) -> list[str]:
    """Return the tables of a service; those with parts appear once, whole."""
    return [row["relname"] for row in await rows(settings, service, _TABLES)]


async def columns(settings: Settings, service: str) -> list[tuple[str, str, str]]:
    """Return (table, column, type) of everything there is."""
    return [tuple(row) for row in await rows(settings, service, _COLUMNS)]
