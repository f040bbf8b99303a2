"""A flag that says somebody is not active ends with a sign of activity, such as that they sign in."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let `active` be why a flag was cleared."""
    op.execute("ALTER TABLE flags DROP CONSTRAINT flags_cleared_reason_check")
    op.execute(
        "ALTER TABLE flags ADD CONSTRAINT flags_cleared_reason_check CHECK (cleared_reason IN ("
        "'', 'source', 'active', 'expired', 'resolved', 'excused', 'mistake', 'withdrawn', 'duplicate', 'other'))"
    )
