"""The databases that `caselight up` makes: who may do what in them."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.local import databases as administration
from deploy.local.databases import Connection
from deploy.local.stack import Stack

SERVICES = ("cases", "intake")
PREFIX = f"made{os.getpid()}_"
PASSWORD = "caselight"


@pytest.fixture(scope="module")
async def made(stack: Stack) -> AsyncIterator[Stack]:
    await administration.create(stack.postgres_url, PREFIX, SERVICES, PASSWORD)
    async with signed_in(stack, "cases_migrator", "cases") as migrator:
        await migrator.execute("SET ROLE cases_owner")
        await migrator.execute("CREATE TABLE thing (id bigint GENERATED ALWAYS AS IDENTITY, word text)")
    yield stack
    await administration.drop(stack.postgres_url, PREFIX, SERVICES)


@asynccontextmanager
async def signed_in(stack: Stack, role: str, service: str, prefix: str = PREFIX) -> AsyncIterator[Connection]:
    server = urlsplit(stack.postgres_url)
    connection = await asyncpg.connect(
        host=server.hostname, port=server.port, user=role, password=PASSWORD, database=f"{prefix}{service}"
    )
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ["cases_api", "cases_worker"])
async def test_services_may_change_rows_but_not_the_schema(made: Stack, role: str) -> None:
    async with signed_in(made, role, "cases") as connection:
        await connection.execute("INSERT INTO thing (word) VALUES ('a')")
        await connection.execute("UPDATE thing SET word = 'b'")
        await connection.execute("DELETE FROM thing")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE other ()")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DROP TABLE thing")


async def test_a_service_cannot_connect_to_the_database_of_another(made: Stack) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with signed_in(made, "cases_worker", "intake"):
            pass


async def test_no_role_of_a_service_passes_by_row_security(made: Stack) -> None:
    async with administration.session(made.postgres_url) as connection:
        roles = await connection.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname ~ '^(cases|intake)_' AND (rolbypassrls OR rolsuper)"
        )
    assert roles == []


async def test_nobody_signs_in_as_the_owner(made: Stack) -> None:
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        async with signed_in(made, "cases_owner", "cases"):
            pass


async def test_making_them_again_by_several_processes_at_once_changes_nothing(made: Stack) -> None:
    again = [administration.create(made.postgres_url, PREFIX, SERVICES, PASSWORD) for _ in range(4)]
    await asyncio.gather(*again)
    async with signed_in(made, "cases_api", "cases") as connection:
        assert await connection.fetchval("SELECT count(*) FROM thing") == 0


async def test_a_copy_has_the_tables_and_the_rights_of_its_template(made: Stack) -> None:
    copy = f"copy{os.getpid()}_"
    await administration.clone(made.postgres_url, PREFIX, copy, SERVICES)
    async with signed_in(made, "cases_api", "cases", copy) as connection:
        await connection.execute("INSERT INTO thing (word) VALUES ('a')")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with signed_in(made, "cases_api", "intake", copy):
            pass
    await administration.drop(made.postgres_url, copy, SERVICES)
    assert not await administration.exist(made.postgres_url, copy, SERVICES)


async def test_an_error_of_postgres_quotes_no_row_in_its_log(made: Stack) -> None:
    async with signed_in(made, "cases_api", "cases") as connection:
        with pytest.raises(asyncpg.DataError):
            await connection.execute("SELECT 'canary-name'::int")
        with pytest.raises(asyncpg.DataError):
            await connection.fetchval("SELECT ($1::text)::int", "canary-parameter")
    log = (made.state / "logs" / "postgres.log").read_text()
    assert "canary-parameter" not in log.replace('invalid input syntax for type integer: "canary-parameter"', "")
    assert "STATEMENT" not in log
