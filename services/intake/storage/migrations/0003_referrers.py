"""Referrers: what they come back with, questions, answers, attachments; and what became of referrals after triage."""

from alembic import op

from shared.storage.security import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# A retracted referral has left the desk without a decision.
_REFERRALS = (
    "ALTER TABLE referrals ADD COLUMN marks text[] NOT NULL DEFAULT '{}'",
    "ALTER TABLE referrals DROP CONSTRAINT referrals_state_check",
    """
    ALTER TABLE referrals ADD CONSTRAINT referrals_state_check
        CHECK (state IN ('matching', 'triage_due', 'triaged', 'retracted'))
    """,
)

# `told` is the status that the referrer's last notice was about. `salt` and `phrase` are null without a passphrase.
_REFERRERS = """
CREATE TABLE referrers (
    referral_id uuid PRIMARY KEY,
    campus text NOT NULL,
    sensitivity text NOT NULL CHECK (sensitivity IN ('standard', 'titleix')),
    visibility text NOT NULL CHECK (visibility IN ('open', 'shielded', 'anonymous')),
    language text NOT NULL,
    notices boolean NOT NULL,
    told text NOT NULL DEFAULT '',
    salt bytea,
    phrase bytea,
    moved_to uuid,
    made_at timestamptz NOT NULL
)
"""

_MESSAGES = """
CREATE TABLE referral_messages (
    message_id uuid PRIMARY KEY,
    referral_id uuid NOT NULL,
    campus text NOT NULL,
    sensitivity text NOT NULL CHECK (sensitivity IN ('standard', 'titleix')),
    kind text NOT NULL CHECK (kind IN ('question', 'answer', 'addition')),
    author_id text NOT NULL,
    answers uuid,
    body bytea NOT NULL,
    level text NOT NULL CHECK (level IN ('none', 'mild', 'moderate', 'elevated', 'critical')),
    screened_with text NOT NULL,
    hits text NOT NULL,
    written_at timestamptz NOT NULL
)
"""

_ATTACHMENTS = """
CREATE TABLE attachments (
    attachment_id uuid PRIMARY KEY,
    referral_id uuid NOT NULL,
    message_id uuid,
    campus text NOT NULL,
    sensitivity text NOT NULL CHECK (sensitivity IN ('standard', 'titleix')),
    kind text NOT NULL,
    size integer NOT NULL,
    name bytea NOT NULL,
    content bytea NOT NULL,
    added_at timestamptz NOT NULL
)
"""

# What people did with a referral beside deciding it once: `other_id` is the referral it is a duplicate of, was split
# from, or was moved to or from; `code` is the reason, or where it was sent.
_TURNS = """
CREATE TABLE referral_turns (
    turn_id uuid PRIMARY KEY,
    referral_id uuid NOT NULL,
    campus text NOT NULL,
    sensitivity text NOT NULL CHECK (sensitivity IN ('standard', 'titleix')),
    kind text NOT NULL CHECK (kind IN (
        'redirected', 'duplicate_of', 'split_from', 'split_into', 'moved_to', 'moved_from', 'retracted', 'reopened')),
    code text NOT NULL,
    other_id uuid,
    done_by text NOT NULL,
    done_at timestamptz NOT NULL
)
"""

_INDEXES = (
    "CREATE INDEX referral_messages_referral ON referral_messages (referral_id, message_id)",
    "CREATE INDEX attachments_referral ON attachments (referral_id, attachment_id)",
    "CREATE INDEX referral_turns_referral ON referral_turns (referral_id, turn_id)",
)

# Runs as its owner: whoever comes back has no role, so row security shows them nothing until it is known that the
# referral is theirs. It tells where the referral is and what the passphrase must hash to, and nothing of the matter.
_WAY_BACK = """
CREATE FUNCTION way_back(of_reference text, of_id uuid)
RETURNS TABLE (referral_id uuid, campus text, sensitivity text, salt bytea, phrase bytea, moved_to uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT referrals.referral_id, referrals.campus, referrals.sensitivity, referrers.salt, referrers.phrase,
           referrers.moved_to
    FROM referrals JOIN referrers ON referrers.referral_id = referrals.referral_id
    WHERE referrals.reference = of_reference OR referrals.referral_id = of_id
$body$
"""


def upgrade() -> None:
    """Make them."""
    for statement in (*_REFERRALS, _REFERRERS, _MESSAGES, _ATTACHMENTS, _TURNS, *_INDEXES, _WAY_BACK):
        op.execute(statement)
    for table in ("referrers", "referral_messages", "attachments", "referral_turns"):
        for statement in protect("intake", table, walled=True):
            op.execute(statement)
    op.execute("REVOKE EXECUTE ON FUNCTION way_back(text, uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION way_back(text, uuid) TO intake_api, intake_worker")
