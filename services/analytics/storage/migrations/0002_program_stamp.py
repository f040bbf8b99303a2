"""One row that tells whether the program has changed since it was read."""

from alembic import op

from shared.storage.tables import stamp

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the stamp and the trigger that changes it."""
    for statement in stamp("analytics", "program"):
        op.execute(statement)
