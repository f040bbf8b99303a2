"""Migrating and asking whether a database was migrated, on a database made and never used."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from deploy.local import databases as administration
from deploy.local.stack import Stack
from shared.settings import Settings
from shared.storage import migrations
from tests.stack import PASSWORD, settings_of

SERVICE = "program"
PREFIX = f"new{os.getpid()}_"


@pytest.fixture
async def new(stack: Stack) -> AsyncIterator[Settings]:
    await administration.create(stack.postgres_url, PREFIX, [SERVICE], PASSWORD)
    yield settings_of(stack, PREFIX, "none.")
    await administration.drop(stack.postgres_url, PREFIX, [SERVICE])


async def test_a_database_that_was_never_migrated_is_told_what_to_do(new: Settings) -> None:
    with pytest.raises(migrations.SchemaTooOldError, match=r"at version none, .*: run caselight migrate"):
        await migrations.require(new, SERVICE)
    await migrations.upgrade(new, SERVICE)
    await migrations.require(new, SERVICE)


async def test_a_long_migration_of_somebody_else_is_waited_for(new: Settings, stack: Stack) -> None:
    async with administration.session(stack.postgres_url, f"{PREFIX}{SERVICE}") as other:
        await other.execute("SELECT pg_advisory_lock($1)", migrations._LOCK)
        upgrading = asyncio.create_task(migrations.upgrade(new, SERVICE))
        done, _ = await asyncio.wait([upgrading], timeout=6)  # longer than a table is waited for
        assert not done
    assert await upgrading == migrations.head(SERVICE)
