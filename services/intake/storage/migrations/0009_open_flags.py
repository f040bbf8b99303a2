"""Flags that may expire are found without reading those that were cleared long ago."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.execute("CREATE INDEX flags_open ON flags (campus, raised_at, flag_id) WHERE cleared_at IS NULL")
