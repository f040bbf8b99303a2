"""The databases of the toy services: the common tables, and one that shows what became of every event."""

from deploy.local import databases
from deploy.local.stack import Stack
from shared.storage import tables
from shared.storage.security import protect

TOYS = ("toy_source", "toy_sink")
PASSWORD = "caselight"

_STATE = """
CREATE TABLE tally (
    key uuid PRIMARY KEY,
    campus text NOT NULL,
    times integer NOT NULL,
    last_sequence integer NOT NULL,
    disorder integer NOT NULL,
    worker integer NOT NULL
)
"""


async def make(stack: Stack, prefix: str, *only: str) -> None:
    """Make the toys' databases, empty."""
    toys = only or TOYS
    await databases.drop(stack.postgres_url, prefix, toys)
    await databases.create(stack.postgres_url, prefix, toys, PASSWORD)
    for toy in toys:
        async with databases.session(stack.postgres_url, f"{prefix}{toy}") as connection:
            await connection.execute(f"SET ROLE {toy}_owner")
            for statement in (*tables.create(toy, "program", "roster"), _STATE, *protect(toy, "tally", "actor")):
                await connection.execute(statement)


async def drop(stack: Stack, prefix: str) -> None:
    """Remove them."""
    await databases.drop(stack.postgres_url, prefix, TOYS)
