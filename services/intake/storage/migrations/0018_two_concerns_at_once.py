"""Two people may have a personal concern about one student at one instant: each makes a referral of its own."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let two firings be of one instant. No flag is counted twice: one transaction at a time counts."""
    op.execute("DROP INDEX threshold_firings_once")
    op.execute("CREATE INDEX threshold_firings_student ON threshold_firings (student_id, campus, fired_at)")
