"""Which source has raised flags on a campus, and for which reason: most alerts then need no look at others' flags."""

from alembic import op

from shared.storage.security import protect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, of what has been raised so far, and put it under row security."""
    op.execute(
        "CREATE TABLE flag_reasons ("
        " campus text NOT NULL, reason_code text NOT NULL, source text NOT NULL,"
        " PRIMARY KEY (campus, reason_code, source))"
    )
    op.execute(
        "INSERT INTO flag_reasons (campus, reason_code, source) SELECT DISTINCT campus, reason_code, source FROM flags"
    )
    for statement in protect("intake", "flag_reasons"):
        op.execute(statement)
