"""Late reviews are listed by when they were asked for: their ids are derived and say nothing of time."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put the index that the listing needs in place of the one by id."""
    op.execute("DROP INDEX late_reviews_open")
    op.execute("CREATE INDEX late_reviews_newest ON late_reviews (asked_at DESC, id DESC)")
