"""The tables program starts with."""

from alembic import op

from services.program.storage import tables as own
from shared.storage import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    for statement in (*tables.create("program", "program"), *own.create("program")):
        op.execute(statement)
