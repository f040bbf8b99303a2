"""Which cases were combined into which, for what is read of them later."""

from alembic import op

from shared.storage.security import protect

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. `into_case` is where the matter is now, also when that case gave way in its turn."""
    op.execute("CREATE TABLE combined_cases (case_id uuid PRIMARY KEY, into_case uuid NOT NULL, campus text NOT NULL)")
    op.execute("CREATE INDEX combined_cases_into ON combined_cases (into_case)")
    for statement in protect("intake", "combined_cases"):
        op.execute(statement)
