"""The first schema of the console."""

from alembic import op

from services.console.storage import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make it."""
    for statement in tables.create("console"):
        op.execute(statement)
