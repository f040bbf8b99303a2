"""A database and four roles for each service: what an operator makes once by hand on a managed Postgres.

    <service>_owner     owns the schema and every table; nobody signs in as it
    <service>_migrator  signs in, and becomes the owner to change the schema
    <service>_api       signs in; row security shows it what the person of the request may see
    <service>_worker    signs in; event handlers and timers, no HTTP

Roles belong to the whole server and are shared by all prefixes; databases are one per prefix and service. Everything
here may be repeated, and several processes may do it at once: an advisory lock lets one at a time work.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

_LOCK = 0x0CA5E12
EXTENSIONS = ("pg_trgm", "btree_gist", "unaccent")
SIGN_IN = ("migrator", "api", "worker")
# Postgres copies no database that somebody is connected to.
COPY_PATIENCE_S = 15.0

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def create(postgres_url: str, prefix: str, services: Sequence[str], password: str) -> None:
    """Make the databases `<prefix><service>` and their roles, or bring existing ones to the same state."""
    async with server(postgres_url) as connection:
        for service in services:
            await make_roles(connection, service, password)
            await make_database(connection, f"{prefix}{service}", service)
    for service in services:
        async with session(postgres_url, f"{prefix}{service}") as connection, connection.transaction():
            await make_schema(connection, service)


async def clone(postgres_url: str, template_prefix: str, prefix: str, services: Sequence[str]) -> None:
    """Copy `<template_prefix><service>` to `<prefix><service>`, replacing an older copy. Roles are the same."""
    async with server(postgres_url) as connection:
        for service in services:
            name, template = f"{prefix}{service}", f"{template_prefix}{service}"
            await drop_database(connection, name)
            await copy(connection, template, name, service)
            await allow(connection, name, service)


async def drop(postgres_url: str, prefix: str, services: Sequence[str]) -> None:
    """Remove the databases, ending whatever is connected to them. The roles stay: other prefixes use them."""
    async with server(postgres_url) as connection:
        for service in services:
            await drop_database(connection, f"{prefix}{service}")


async def exist(postgres_url: str, prefix: str, services: Sequence[str]) -> bool:
    """Say whether every one of the databases is there."""
    async with session(postgres_url) as connection:
        found = await connection.fetchval(
            "SELECT count(*) FROM pg_database WHERE datname = ANY($1)", [f"{prefix}{service}" for service in services]
        )
    return bool(found == len(services))


@asynccontextmanager
async def session(postgres_url: str, database: str | None = None) -> AsyncIterator[Connection]:
    """Connect as the administrator, to the database of the address or to another one of the same server."""
    connection = await asyncpg.connect(postgres_url, database=database, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def server(postgres_url: str) -> AsyncIterator[Connection]:
    """Connect as the administrator and wait until nobody else makes databases or roles."""
    async with session(postgres_url) as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        yield connection  # closing the connection lets go of the lock


async def make_roles(connection: Connection, service: str, password: str) -> None:
    await make_role(connection, f"{service}_owner", "NOLOGIN")
    for kind in SIGN_IN:
        role = f"{service}_{kind}"
        await make_role(connection, role, "LOGIN NOBYPASSRLS NOCREATEDB NOCREATEROLE")
        await run(connection, "ALTER ROLE %I PASSWORD %L", role, password)
    await run(connection, "GRANT %I TO %I", f"{service}_owner", f"{service}_migrator")
    if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        # On a managed server the administrator is no superuser and may act for roles it belongs to only.
        await run(connection, "GRANT %I TO CURRENT_USER", f"{service}_owner")


async def make_role(connection: Connection, name: str, attributes: str) -> None:
    known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name)
    await run(connection, f"{'ALTER' if known else 'CREATE'} ROLE %I {attributes}", name)


async def make_database(connection: Connection, name: str, service: str) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        await run(
            connection, "CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING 'UTF8'", name, f"{service}_owner"
        )
    await allow(connection, name, service)


async def allow(connection: Connection, name: str, service: str) -> None:
    """Let the service's own roles connect, and no other."""
    await run(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", name)
    for kind in SIGN_IN:
        await run(connection, "GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I", name, f"{service}_{kind}")


async def make_schema(connection: Connection, service: str) -> None:
    """Prepare an empty database: extensions, who owns the schema, and what later tables allow to whom."""
    for extension in EXTENSIONS:
        await run(connection, "CREATE EXTENSION IF NOT EXISTS %I", extension)
    owner = f"{service}_owner"
    await run(connection, "ALTER SCHEMA public OWNER TO %I", owner)
    await run(connection, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    for kind in ("api", "worker"):
        role = f"{service}_{kind}"
        defaults = "ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT"
        await run(connection, "GRANT USAGE ON SCHEMA public TO %I", role)
        await run(connection, f"{defaults} SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I", owner, role)
        await run(connection, f"{defaults} USAGE, SELECT ON SEQUENCES TO %I", owner, role)


async def drop_database(connection: Connection, name: str) -> None:
    await run(connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", name)


async def copy(connection: Connection, template: str, name: str, service: str) -> None:
    deadline = time.monotonic() + COPY_PATIENCE_S
    while True:
        try:
            await run(connection, "CREATE DATABASE %I OWNER %I TEMPLATE %I", name, f"{service}_owner", template)
        except asyncpg.ObjectInUseError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
        else:
            return


async def run(connection: Connection, statement: str, *names: str) -> None:
    """Run a statement that takes no parameters, with `%I` and `%L` filled in by Postgres' own quoting."""
    if names:
        places = ", ".join(f"${place}::text" for place in range(2, len(names) + 2))
        statement = await connection.fetchval(f"SELECT format($1::text, {places})", statement, *names)
    await connection.execute(statement)
