"""The first schema of cases."""

from collections.abc import Iterator

from alembic import op

from services.cases.domain.codes import (
    Direction,
    Mode,
    Outcome,
    Party,
    Resolution,
    State,
)
from shared.events.codes import Level
from shared.storage import tables
from shared.storage.security import protect

revision = "0001"
down_revision = None


def _in(column: str, *codes: str) -> str:
    return f"CHECK ({column} IN ({', '.join(repr(str(code)) for code in codes)}))"


_OPEN = "state IN ('new', 'assigned', 'outreach', 'engaged')"

# Rows point at cases without foreign keys where a batch writes hundreds of them: each key would cost a look-up and a
# lock on a row that the same transaction holds already.
_TABLES = f"""
CREATE TABLE cases (
    case_id uuid PRIMARY KEY,
    campus text NOT NULL,
    student_id uuid,
    family text NOT NULL,
    sensitivity text NOT NULL {_in("sensitivity", "standard", "sensitive", "clinical", "titleix")},
    state text NOT NULL {_in("state", *State)},
    level text NOT NULL {_in("level", *Level)},
    concerns text[] NOT NULL,
    added_concerns text[] NOT NULL,
    reason_code text NOT NULL,
    assignment jsonb NOT NULL,
    owner_id text,
    owner_since timestamptz,
    accepted_at timestamptz,
    declined_by text[] NOT NULL,
    outreach_due timestamptz,
    report_due timestamptz NOT NULL,
    calendar_version text NOT NULL,
    clocks_edition text NOT NULL,
    next_contact_due timestamptz,
    contacts integer NOT NULL,
    first_attempt_at timestamptz,
    engaged_at timestamptz,
    referred_at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    ended_at timestamptz,
    merged_into uuid REFERENCES cases,
    apart boolean NOT NULL,
    version bigint NOT NULL,
    changed_by text NOT NULL,
    changed_how text NOT NULL,
    changed_at timestamptz NOT NULL,
    CHECK (family <> 'misconduct_sex' OR sensitivity = 'titleix'),
    CHECK ((state = 'merged') = (merged_into IS NOT NULL)),
    CHECK ((state = 'merged') = (ended_at IS NOT NULL))
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX one_open_case ON cases (student_id, campus, family) WHERE {_OPEN} AND NOT apart;
CREATE INDEX cases_of_student ON cases (student_id) WHERE student_id IS NOT NULL;
CREATE INDEX cases_of_campus ON cases (campus, case_id);
CREATE INDEX cases_of_owner ON cases (owner_id, case_id) WHERE owner_id IS NOT NULL AND {_OPEN};

CREATE TABLE referrals (
    referral_id uuid PRIMARY KEY,
    campus text NOT NULL,
    sensitivity text NOT NULL,
    case_id uuid,
    student_id uuid,
    level text NOT NULL {_in("level", *Level)},
    placed_at timestamptz
);
CREATE INDEX referrals_of_case ON referrals (case_id) WHERE case_id IS NOT NULL;

CREATE TABLE team_members (
    member_id uuid PRIMARY KEY,
    campus text NOT NULL,
    sensitivity text NOT NULL,
    case_id uuid,
    referral_id uuid,
    staff_id text NOT NULL,
    capacity text NOT NULL {_in("capacity", "cover", "member", "guest", "duty")},
    since timestamptz NOT NULL,
    until timestamptz,
    CHECK (case_id IS NOT NULL OR referral_id IS NOT NULL)
);
CREATE INDEX team_members_of_case ON team_members (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX team_members_waiting ON team_members (referral_id) WHERE case_id IS NULL;

CREATE TABLE contacts (
    contact_id uuid PRIMARY KEY,
    campus text NOT NULL,
    sensitivity text NOT NULL,
    case_id uuid NOT NULL REFERENCES cases,
    mode text NOT NULL {_in("mode", *Mode)},
    direction text NOT NULL {_in("direction", *Direction)},
    outcome_code text NOT NULL {_in("outcome_code", *Outcome)},
    party text NOT NULL {_in("party", *Party)},
    made_by text NOT NULL,
    at timestamptz NOT NULL,
    next_due timestamptz,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX contacts_of_case ON contacts (case_id, contact_id);

CREATE TABLE combinations (
    combination_id uuid PRIMARY KEY,
    campus text NOT NULL,
    sensitivity text NOT NULL,
    case_id uuid NOT NULL REFERENCES cases,
    other_case_id uuid NOT NULL REFERENCES cases,
    student_id uuid NOT NULL,
    asked_at timestamptz NOT NULL,
    decision text {_in("decision", *Resolution)},
    reason text NOT NULL,
    decided_by text,
    decided_at timestamptz,
    CHECK (case_id <> other_case_id),
    CHECK ((decision IS NULL) = (decided_by IS NULL))
);
CREATE INDEX combinations_open ON combinations (campus, combination_id) WHERE decision IS NULL;

CREATE TABLE students (
    student_id uuid PRIMARY KEY
);

CREATE TABLE caseloads (
    staff_id text PRIMARY KEY,
    open_cases integer NOT NULL
) WITH (fillfactor = 50);

CREATE INDEX roster_merged ON roster_snapshots (substring(body FROM position('"same_as":"'::bytea IN body) + 11 FOR 36))
    WHERE position('"same_as":"'::bytea IN body) > 0;
"""

# Who is on the team sees a case from any campus. Runs as the owner: policies that ask each other's tables recurse.
_ON_TEAM = """
CREATE FUNCTION on_team(asked uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT EXISTS (SELECT 1 FROM cases WHERE case_id = asked AND owner_id = current_setting('caselight.actor', true))
        OR EXISTS (SELECT 1 FROM team_members
                   WHERE case_id = asked AND staff_id = current_setting('caselight.actor', true))
$$
"""
_MATTERS = ("cases", "referrals", "team_members", "contacts")


def statements() -> Iterator[str]:
    """Yield everything, in order."""
    yield from tables.create("cases", "program", "roster", "teams")
    yield from (statement for statement in _TABLES.split(";") if statement.strip())
    yield _ON_TEAM
    for table in _MATTERS:
        yield from protect("cases", table, also="on_team(case_id)", walled=True)
    yield from protect("cases", "combinations", also="on_team(case_id) OR on_team(other_case_id)", walled=True)
    for table in ("students", "caseloads"):
        yield from protect("cases", table, "actor")


def upgrade() -> None:
    """Make it."""
    for statement in statements():
        op.execute(statement)
