"""Messages to students."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a delivery go to a student: to whom, asked of intake when it is sent."""
    op.execute("ALTER TABLE deliveries DROP CONSTRAINT deliveries_kind_check")
    op.execute(
        "ALTER TABLE deliveries ADD CONSTRAINT deliveries_kind_check"
        " CHECK (kind IN ('page', 'emergency', 'taken', 'notice', 'referrer', 'feed', 'student'))"
    )
