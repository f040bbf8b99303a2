"""The tables analytics starts with."""

from alembic import op

from services.analytics.storage import tables as analytics
from shared.storage import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    for statement in (*tables.create("analytics", "program"), *analytics.create("analytics")):
        op.execute(statement)
