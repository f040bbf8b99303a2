"""Intake's first tables."""

from alembic import op

from services.intake.storage.tables import statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    for statement in statements():
        op.execute(statement)
