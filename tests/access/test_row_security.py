"""Row security, held against every table there is: the net under the decision has no hole."""

from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg
import pytest

from deploy.local import databases as administration
from deploy.local.installation import services
from deploy.local.stack import Stack
from shared.settings import DatabaseRole, Settings

# Says which migrations ran, and is read before anybody is known.
NOT_OURS = {"alembic_version"}
CAMPUS, EVERYWHERE = "NORTH", {"actor": "maria", "campuses": "*", "walls": "*"}
ELSEWHERE = EVERYWHERE | {"campuses": "SOUTH", "walls": ""}

_TABLES = """
SELECT relname AS name, relispartition AS part, relrowsecurity AND relforcerowsecurity AS forced,
       ARRAY(SELECT polname::text FROM pg_policy WHERE polrelid = pg_class.oid) AS policies
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
      AND relname <> ALL ($1::text[]) ORDER BY relname
"""
_COLUMNS = """
SELECT attname AS name, format_type(atttypid, NULL) AS type
FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
      AND attidentity = '' ORDER BY attnum
"""
_RULES = """
SELECT conrelid::regclass::text AS table, conname AS name FROM pg_constraint
WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace AND conparentid = 0 AND coninhcount = 0
"""
# A value of each type; a second one, so that unique keys leave room for a second row.
_VALUES: dict[str, tuple[str, str]] = {
    "uuid": ("'00000000-0000-7000-8000-000000000001'", "'00000000-0000-7000-8000-000000000002'"),
    "text": ("'one'", "'two'"),
    "bytea": ("'{}'", "'{\"a\":1}'"),
    "jsonb": ("'{}'", "'{\"a\":1}'"),
    "boolean": ("true", "false"),
    "integer": ("1", "2"),
    "bigint": ("1", "2"),
    "smallint": ("1", "2"),
    "numeric": ("1", "2"),
    "double precision": ("1", "2"),
    "date": ("'2026-09-14'", "'2026-09-15'"),
    "timestamp with time zone": ("'2026-09-14T10:00Z'", "'2026-09-14T11:00Z'"),
    "interval": ("'1 hour'", "'2 hours'"),
}


@dataclass(frozen=True)
class Table:
    """A table of a service, with the values of a row of the campus NORTH that may be put there, and of a second.

    `part`: it is one partition of another, which takes the rows that fit it from there.
    """

    name: str
    part: bool
    forced: bool
    policies: tuple[str, ...]
    columns: tuple[str, ...]
    first: str
    second: str

    def insert(self, values: str) -> str:
        return f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES ({values})"


def value(name: str, type_: str, which: int) -> str:
    if name == "campus":
        return f"'{CAMPUS}'"
    if name == "sensitivity":
        return "'standard'"
    if type_.endswith("[]"):
        return "'{}'"
    return _VALUES[type_][which]


async def tables_of(connection: "asyncpg.Connection[asyncpg.Record]") -> list[Table]:
    found = []
    for row in await connection.fetch(_TABLES, sorted(NOT_OURS)):
        columns = [(each["name"], each["type"]) for each in await connection.fetch(_COLUMNS, f"public.{row['name']}")]
        first, second = (", ".join(value(name, type_, which) for name, type_ in columns) for which in (0, 1))
        names = tuple(name for name, _ in columns)
        found.append(Table(row["name"], row["part"], row["forced"], tuple(row["policies"]), names, first, second))
    return found


async def seed(stack: Stack, settings: Settings, service: str) -> list[Table]:
    """Put one row into every table, as the server's administrator, whom no row security binds.

    Which codes a column takes is not the matter here, so the checks of this scratch copy are dropped first.
    """
    async with administration.session(stack.postgres_url, f"{settings.database_prefix}{service}") as connection:
        for rule in await connection.fetch(_RULES):
            await connection.execute(f'ALTER TABLE {rule["table"]} DROP CONSTRAINT IF EXISTS "{rule["name"]}" CASCADE')
        tables = await tables_of(connection)
        for table in tables:
            if not table.part and not await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {table.name})"):
                await connection.execute(table.insert(table.first))
    return tables


class Session:
    """Somebody signed in as a role of a service."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    @classmethod
    async def open(cls, settings: Settings, service: str, role: DatabaseRole) -> "Session":
        url = settings.database_url(service, role).set(drivername="postgresql")
        return cls(await asyncpg.connect(url.render_as_string(hide_password=False)))

    async def close(self) -> None:
        await self._connection.close()

    async def attempt(self, statement: str, context: dict[str, str] | None) -> str:
        """Return what a statement did (`SELECT 1`, `DELETE 0`) or `refused`. It is rolled back in any case."""
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            for name, setting in (context or {}).items():
                await self._connection.execute("SELECT set_config($1, $2, true)", f"caselight.{name}", setting)
            return await self._connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            return "refused"
        except (asyncpg.CheckViolationError, asyncpg.UniqueViolationError):
            return "does not fit"  # it is for another partition, or there is one already
        finally:
            await transaction.rollback()


def holes(table: Table, role: str, without: dict[str, str], control: dict[str, str]) -> Iterator[str]:
    """Say what is wrong, given what happened without a context and what happened with one."""
    if without["select"] not in ("SELECT 0", "refused"):
        yield f"{table.name} shows rows to {role}"
    if without["insert"] != "refused":
        yield f"{table.name} takes a row from {role}: {without['insert']}"
    for verb in ("update", "delete"):
        if without[verb] not in (f"{verb.upper()} 0", "refused"):
            yield f"{table.name} lets {role} {verb}: {without[verb]}"
    # The control: with a context the same statements would have found and put something.
    if control["select"] == "SELECT 0" and not table.part:
        yield f"{table.name} shows {role} nothing at all, so that this test proves nothing"


async def tried(session: Session, table: Table, context: dict[str, str] | None) -> dict[str, str]:
    column = table.columns[0]
    statements = {
        "select": f"SELECT 1 FROM {table.name}",
        "insert": table.insert(table.second),
        "update": f"UPDATE {table.name} SET {column} = {column}",
        "delete": f"DELETE FROM {table.name}",
    }
    return {verb: await session.attempt(statement, context) for verb, statement in statements.items()}


@pytest.mark.parametrize("service", services())
async def test_every_table_shows_no_row_and_takes_no_row_without_a_context(
    stack: Stack, settings: Settings, service: str
) -> None:
    tables = await seed(stack, settings, service)
    assert tables
    bare = [table for table in tables if not (table.forced and table.policies)]
    found = [f"{table.name} is not under row security" for table in bare]
    for role in ("api", "worker"):
        session = await Session.open(settings, service, role)
        for table in tables:
            without, control = await tried(session, table, None), await tried(session, table, EVERYWHERE)
            found += holes(table, role, without, control)
        await session.close()
    assert not found, "\n".join(found)


@pytest.mark.parametrize("service", services())
async def test_rows_of_a_campus_show_only_to_people_with_a_role_there(
    stack: Stack, settings: Settings, service: str
) -> None:
    tables = await seed(stack, settings, service)
    session = await Session.open(settings, service, "api")
    shown = [
        table.name
        for table in tables
        if "campus" in table.columns
        and not table.name.endswith("_snapshots")
        and not OF_ANY_ACTOR & {table.name, f"{service}.{table.name}"}
        and await session.attempt(f"SELECT 1 FROM {table.name}", ELSEWHERE) not in ("SELECT 0", "refused")
    ]
    await session.close()
    assert not shown


@pytest.mark.parametrize("service", services())
@pytest.mark.parametrize("role", ["api", "worker"])
async def test_whoever_serves_reads_the_schemas_version_and_cannot_change_it(
    settings: Settings, service: str, role: DatabaseRole
) -> None:
    session = await Session.open(settings, service, role)
    assert await session.attempt("SELECT 1 FROM alembic_version", None) == "SELECT 1"
    for statement in ("DELETE FROM alembic_version", "INSERT INTO alembic_version VALUES ('9999')"):
        assert await session.attempt(statement, None) == "refused"
    await session.close()


# Rows that any known actor's transaction may touch, with why: none of them holds what anybody wrote, or a name.
OF_ANY_ACTOR = {
    "timers",  # ids and due times: whoever acts sets and cancels them
    "campus_keys",  # open nothing without the text, which is walled
    "record_keys",
    "notifications.deliveries",  # addresses of staff: whoever takes a page cancels what waits
    "notifications.links",  # fingerprints
    "notifications.matters",  # ids
    "notifications.case_owners",  # ids
    "notifications.combined_cases",  # ids: a page follows its case, whoever acts
    "intake.lexicon_editions",  # words that screening looks for: every campus is screened with them
}


def test_what_is_let_off_is_a_short_list() -> None:
    assert len(OF_ANY_ACTOR) < 10
    assert {"alembic_version"} == NOT_OURS
