"""When a student was last reached: who has not been for longest is found by it. All cases of an owner by one index."""

from collections.abc import Iterator

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def statements() -> Iterator[str]:
    """Yield everything, in order."""
    yield "ALTER TABLE cases ADD COLUMN last_reached_at timestamptz"
    # What `Contact.two_way` says, of the contacts there are.
    yield """
        UPDATE cases SET last_reached_at = reached.at
        FROM (SELECT case_id, max(at) AS at FROM contacts
              WHERE party = 'student'
                AND (direction = 'in' OR outcome_code IN ('reached', 'replied', 'declined', 'kept'))
              GROUP BY case_id) AS reached
        WHERE cases.case_id = reached.case_id
    """
    # A list of somebody's cases has closed ones in it too.
    yield "DROP INDEX cases_of_owner"
    yield "CREATE INDEX cases_of_owner ON cases (owner_id, case_id) WHERE owner_id IS NOT NULL"


def upgrade() -> None:
    """Make it."""
    for statement in statements():
        op.execute(statement)
