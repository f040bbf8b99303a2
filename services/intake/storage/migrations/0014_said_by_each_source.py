"""What each source says of a flag that several raised: in words, and since when it needs nothing for them."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. `source_cleared_at` is what the first source said, while the flag stands for the others."""
    op.execute("ALTER TABLE flags ADD COLUMN source_cleared_at timestamptz")
    op.execute("ALTER TABLE flag_sources ADD COLUMN comment bytea, ADD COLUMN cleared_at timestamptz")
