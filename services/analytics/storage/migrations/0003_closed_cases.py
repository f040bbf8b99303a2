"""Closed cases count."""

from alembic import op

from services.analytics.domain.figures import KINDS

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let figures be of every kind there is now."""
    op.execute("ALTER TABLE figures DROP CONSTRAINT figures_kind_check")
    op.execute(f"ALTER TABLE figures ADD CHECK (kind IN ({', '.join(repr(kind) for kind in KINDS)}))")
