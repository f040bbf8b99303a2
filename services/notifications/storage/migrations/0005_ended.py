"""Pages end with what became of the student."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a page be ended."""
    op.execute("ALTER TABLE pages DROP CONSTRAINT pages_state_check")
    op.execute(
        "ALTER TABLE pages ADD CONSTRAINT pages_state_check"
        " CHECK (state IN ('notifying', 'accepted', 'unreached_owned', 'ended'))"
    )
