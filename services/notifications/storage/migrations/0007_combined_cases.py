"""Which cases were combined into which, for what is read of them later."""

from alembic import op

from shared.storage.security import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. `into_case` is where the matter is now, also when that case gave way in its turn."""
    op.execute(
        "CREATE TABLE combined_cases"
        " (case_id uuid PRIMARY KEY, into_case uuid NOT NULL, campus text NOT NULL, student_id uuid)"
    )
    op.execute("CREATE INDEX combined_cases_into ON combined_cases (into_case)")
    for statement in protect("notifications", "combined_cases", "actor"):
        op.execute(statement)
