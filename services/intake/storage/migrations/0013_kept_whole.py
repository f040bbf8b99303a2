"""What is set aside is kept whole where it can be; where only its beginning is, that is said."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE quarantine ADD COLUMN whole boolean NOT NULL DEFAULT true")
