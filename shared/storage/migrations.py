"""Runs a service's migrations (Alembic), and refuses to serve on a schema older than the code needs.

Linear, expand before contract. Code requires `version >= needed` and not equality, so that the old release keeps
running while the new one rolls out.
"""

from importlib import import_module
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.settings import Settings
from shared.telemetry import crash_point

_LOCK = 0x0CA5E11

# Versions are `0001`, `0002`, ... so that `>=` on text is the order.
_VERSION = text("SELECT max(version_num) FROM alembic_version")
# A database that was never migrated has no such table.
_MIGRATED = text("SELECT to_regclass('alembic_version') IS NOT NULL")
# Whoever serves reads the version, and must not be able to say that it is another.
_ONLY_READ = "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {service}_api, {service}_worker"


class SchemaTooOldError(RuntimeError):
    """The database has not been migrated to what this release needs; `caselight migrate` does it."""


def folder(service: str) -> Path:
    """Return where the migrations of a service are: `services/<name>/storage/migrations`."""
    package = import_module(f"services.{service}")
    return Path(package.__path__[0]) / "storage" / "migrations"


def head(service: str) -> str:
    """Return the newest version the code knows: files are named `0001_words.py`, and the numbers are the versions."""
    return max((path.name[:4] for path in folder(service).glob("[0-9]*_*.py")), default="")


async def upgrade(settings: Settings, service: str) -> str:
    """Bring a service's database to the newest version and return it. Does nothing when it is there already.

    Takes an advisory lock so that two pods migrating at once become one, and waits at most 5 s for a table lock so
    that a migration never queues up every reader behind itself. All steps share one transaction.
    """
    engine = create_async_engine(settings.database_url(service, "migrator"), poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"SET ROLE {service}_owner"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            # After the advisory lock, which it would limit too: a long migration of another pod is waited for.
            await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            await connection.run_sync(_upgrade, folder(service))
            await connection.execute(text(_ONLY_READ.format(service=service)))
    finally:
        await engine.dispose()
    return head(service)


def _upgrade(connection: Connection, where: Path) -> None:
    # Here and not above: whoever only serves does not carry Alembic, which is 10 MB.
    from alembic.migration import MigrationContext  # noqa: PLC0415
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    directory = ScriptDirectory(str(where), version_locations=[str(where)])

    def steps(revision: object, _context: object) -> object:
        return directory._upgrade_revs("head", revision)  # type: ignore[arg-type]  # noqa: SLF001 - as alembic.command does

    context = MigrationContext.configure(connection, opts={"fn": steps, "script": directory})
    with Operations.context(context):
        context.run_migrations()
    crash_point("inside_migration")


async def require(settings: Settings, service: str) -> None:
    """Raise SchemaTooOldError unless the database is at the newest version this code knows, or beyond it."""
    engine = create_async_engine(settings.database_url(service, "worker"), poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.connect() as connection:
            migrated = (await connection.execute(_MIGRATED)).scalar_one()
            found = (await connection.execute(_VERSION)).scalar_one_or_none() or "" if migrated else ""
    finally:
        await engine.dispose()
    needed = head(service)
    if found < needed:
        message = (
            f"{service}'s database is at version {found or 'none'}, this release needs {needed}: run caselight migrate"
        )
        raise SchemaTooOldError(message)
