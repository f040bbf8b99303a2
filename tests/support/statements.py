"""Counts what a piece of work asks of the database: the number must not grow with the number of things done."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from shared.storage.engines import Database


class Statements(list[str]):
    """The statements sent, in order, without their parameters."""

    def touching(self, table: str) -> list[str]:
        """Return the statements that name a table."""
        return [statement for statement in self if table in statement]


@contextmanager
def statements_of(database: Database) -> Iterator[Statements]:
    """Collect the statements that go through a service's engine inside the block.

    with statements_of(database) as one:
        ...
    assert len(one) == len(five_hundred)
    """
    seen = Statements()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
