"""A function that says which ids of a file are in use, also by rows that row security hides from who imports."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Runs as its owner. Without it an id that another campus uses would fail a whole batch on its unique constraint.
_IDS_IN_USE = """
CREATE FUNCTION ids_in_use(kind text, of_source text, ids text[]) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT number FROM students WHERE kind = 'roster' AND number = ANY (ids)
    UNION ALL SELECT source_key FROM flags WHERE kind = 'flags' AND source = of_source AND source_key = ANY (ids)
    UNION ALL SELECT source_event_id FROM referrals
        WHERE kind = 'referrals' AND source = of_source AND source_event_id = ANY (ids)
$body$
"""


def upgrade() -> None:
    """Make the function, for whoever answers or works; it tells that an id is used and nothing else."""
    op.execute(_IDS_IN_USE)
    op.execute("REVOKE EXECUTE ON FUNCTION ids_in_use(text, text, text[]) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ids_in_use(text, text, text[]) TO intake_api, intake_worker")
