"""Notes, drafts, holds and closing."""

from collections.abc import Iterator

from alembic import op

from services.cases.domain.codes import CloseCode, ContactOutcome, HoldReason, NoteKind, State
from shared.privacy import tables as keys
from shared.storage.security import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _in(column: str, *codes: str) -> str:
    return f"CHECK ({column} IN ({', '.join(repr(str(code)) for code in codes)}))"


_OPEN = "state IN ('new', 'assigned', 'outreach', 'engaged', 'on_hold')"

_CASES = f"""
ALTER TABLE cases DROP CONSTRAINT cases_state_check;
ALTER TABLE cases ADD {_in("state", *State)};
ALTER TABLE cases ADD COLUMN held_from text {_in("held_from", *State)},
    ADD COLUMN hold_reason text {_in("hold_reason", *HoldReason)},
    ADD COLUMN review_at timestamptz,
    ADD COLUMN close_code text {_in("close_code", *CloseCode)},
    ADD COLUMN contact_outcome text {_in("contact_outcome", *ContactOutcome)},
    ADD CHECK ((state = 'on_hold') = (held_from IS NOT NULL AND review_at IS NOT NULL AND hold_reason IS NOT NULL)),
    ADD CHECK ((state = 'closed') = (close_code IS NOT NULL AND contact_outcome IS NOT NULL));
ALTER TABLE cases DROP CONSTRAINT {{ended}};
ALTER TABLE cases ADD CHECK ((state IN ('closed', 'merged')) = (ended_at IS NOT NULL));
DROP INDEX one_open_case;
CREATE UNIQUE INDEX one_open_case ON cases (student_id, campus, family) WHERE {_OPEN} AND NOT apart;
DROP INDEX cases_of_owner;
CREATE INDEX cases_of_owner ON cases (owner_id, case_id) WHERE owner_id IS NOT NULL AND {_OPEN};
"""
_TABLES = f"""
CREATE TABLE notes (
    note_id uuid PRIMARY KEY,
    campus text NOT NULL,
    sensitivity text NOT NULL,
    case_id uuid NOT NULL REFERENCES cases,
    kind text NOT NULL {_in("kind", *NoteKind)},
    author_id text NOT NULL,
    edition integer NOT NULL,
    begun_at timestamptz NOT NULL,
    signed_at timestamptz,
    CHECK ((edition = 0) = (signed_at IS NULL))
);
CREATE INDEX notes_of_case ON notes (case_id, note_id);

CREATE TABLE note_texts (
    text_id uuid PRIMARY KEY,
    note_id uuid NOT NULL REFERENCES notes ON DELETE CASCADE,
    campus text NOT NULL,
    sensitivity text NOT NULL,
    case_id uuid NOT NULL,
    record_id uuid NOT NULL,
    edition integer NOT NULL,
    reason_code text NOT NULL,
    written_by text NOT NULL,
    written_at timestamptz NOT NULL,
    sealed bytea NOT NULL,
    UNIQUE (note_id, edition)
);
CREATE INDEX note_texts_of_case ON note_texts (case_id);

CREATE TABLE case_changes (
    change_id uuid PRIMARY KEY,
    campus text NOT NULL,
    sensitivity text NOT NULL,
    case_id uuid NOT NULL,
    how text NOT NULL,
    code text NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX case_changes_of_case ON case_changes (case_id, change_id);

CREATE TABLE open_pages (
    page_id uuid PRIMARY KEY,
    campus text NOT NULL,
    sensitivity text NOT NULL,
    referral_id uuid,
    case_id uuid,
    is_open boolean NOT NULL,
    said_at timestamptz NOT NULL
);
CREATE INDEX open_pages_of_referral ON open_pages (referral_id) WHERE is_open;
"""
# Named by Postgres when it was made: the one check of the first migration that speaks of the end of a case.
_ENDED = """
SELECT conname FROM pg_constraint
WHERE conrelid = 'cases'::regclass AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%ended_at%'
"""


_ON_TEAM_OF_ITS_CASE = """EXISTS (
    SELECT 1 FROM referrals WHERE referrals.referral_id = open_pages.referral_id AND on_team(referrals.case_id))"""


def statements(ended: str) -> Iterator[str]:
    """Yield everything, in order."""
    for made in (_CASES.format(ended=ended), _TABLES):
        yield from (statement for statement in made.split(";") if statement.strip())
    yield from keys.create("cases")
    for table in ("notes", "note_texts", "case_changes"):
        yield from protect("cases", table, also="on_team(case_id)", walled=True)
    yield from protect("cases", "open_pages", also=_ON_TEAM_OF_ITS_CASE, walled=True)


def upgrade() -> None:
    """Make them."""
    ended = op.get_bind().exec_driver_sql(_ENDED).scalar_one()
    for statement in statements(ended):
        op.execute(statement)
