"""The first and the latest delivery read by a version of a mapping are found without reading those between."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.execute(
        "CREATE INDEX imports_version ON imports (feed_id, mapping_version, started_at)"
        " WHERE feed_id IS NOT NULL AND row_count > 0"
    )
