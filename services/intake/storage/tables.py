"""Intake's own tables as the first migration makes them. Later changes are migrations; this stays as it is."""

from collections.abc import Iterator

from shared.privacy import tables as keys
from shared.storage import tables
from shared.storage.security import protect

_STUDENTS = """
CREATE TABLE students (
    student_id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    campus text NOT NULL,
    campuses text[] NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    advisor_id text NOT NULL,
    attributes text NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'vanished')),
    version bigint NOT NULL,
    seen_in uuid NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX students_email ON students (email) WHERE email <> '';
CREATE INDEX students_home ON students (campus, student_id);
"""

_IMPORTS = """
CREATE TABLE imports (
    import_id uuid PRIMARY KEY,
    campus text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('roster', 'flags', 'referrals')),
    source text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'finished', 'broken_off')),
    row_count bigint NOT NULL DEFAULT 0,
    accepted bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    referrals_made bigint NOT NULL DEFAULT 0,
    started_by text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz
);

CREATE TABLE import_rejects (
    reject_id uuid PRIMARY KEY,
    import_id uuid NOT NULL,
    campus text NOT NULL,
    line bigint NOT NULL,
    column_name text NOT NULL,
    reason text NOT NULL,
    accepted text NOT NULL,
    raw bytea NOT NULL
);
CREATE INDEX import_rejects_import ON import_rejects (import_id, reject_id);
"""

_FLAGS = """
CREATE TABLE flags (
    flag_id uuid PRIMARY KEY,
    campus text NOT NULL,
    student_id uuid,
    student_number text NOT NULL,
    source text NOT NULL,
    source_key text NOT NULL,
    content bytea NOT NULL,
    reason_code text NOT NULL,
    severity smallint NOT NULL CHECK (severity BETWEEN 1 AND 3),
    course text NOT NULL,
    section text NOT NULL,
    term text NOT NULL,
    comment bytea,
    raised_at timestamptz NOT NULL,
    cleared_at timestamptz,
    recorded_at timestamptz NOT NULL,
    counted_in uuid,
    import_id uuid NOT NULL,
    UNIQUE (source, source_key)
);
CREATE INDEX flags_student ON flags (student_id, raised_at) WHERE student_id IS NOT NULL;
CREATE INDEX flags_waiting ON flags (student_number) WHERE student_id IS NULL;
CREATE INDEX flags_counted ON flags (counted_in) WHERE counted_in IS NOT NULL;

CREATE TABLE threshold_firings (
    referral_id uuid PRIMARY KEY,
    student_id uuid NOT NULL,
    campus text NOT NULL,
    fired_at timestamptz NOT NULL,
    flag_count integer NOT NULL,
    course_count integer NOT NULL,
    policy_edition text NOT NULL,
    UNIQUE (student_id, campus, fired_at)
);
"""

_REFERRALS = """
CREATE TABLE referrals (
    referral_id uuid PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    campus text NOT NULL,
    sensitivity text NOT NULL CHECK (sensitivity IN ('standard', 'titleix')),
    student_id uuid,
    match_basis text NOT NULL CHECK (match_basis IN ('', 'exact_id', 'exact_email', 'person')),
    matched_by text NOT NULL,
    matched_at timestamptz,
    state text NOT NULL CHECK (state IN ('matching', 'triage_due', 'triaged')),
    decision text NOT NULL CHECK (decision IN (
        '', 'open_case', 'attach', 'watch_no_case', 'redirect', 'duplicate', 'not_our_student', 'spam')),
    reason_code text NOT NULL,
    decided_by text NOT NULL,
    triaged_at timestamptz,
    family text NOT NULL,
    concerns text[] NOT NULL,
    level text NOT NULL CHECK (level IN ('none', 'mild', 'moderate', 'elevated', 'critical')),
    found_by text NOT NULL CHECK (found_by IN ('', 'screening', 'urgency', 'rule')),
    urgency text NOT NULL,
    source_kind text NOT NULL,
    channel text NOT NULL,
    relationship text NOT NULL,
    source text NOT NULL,
    source_event_id text NOT NULL,
    referrer_id text NOT NULL,
    live boolean NOT NULL,
    happened_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('received', 'reviewed', 'acted', 'closed')),
    case_id uuid,
    version bigint NOT NULL,
    import_id uuid,
    screened_with text NOT NULL,
    hits text NOT NULL,
    narrative bytea,
    about bytea,
    referrer bytea,
    CHECK (family <> 'misconduct_sex' OR sensitivity = 'titleix'),
    UNIQUE (source, source_event_id)
);
CREATE INDEX referrals_desk ON referrals (campus, state, referral_id);
CREATE INDEX referrals_student ON referrals (student_id) WHERE student_id IS NOT NULL;
CREATE INDEX referrals_case ON referrals (case_id) WHERE case_id IS NOT NULL;

CREATE TABLE danger_watches (
    referral_id uuid PRIMARY KEY,
    campus text NOT NULL,
    reference text NOT NULL,
    raised_at timestamptz NOT NULL,
    claim uuid,
    claimed_at timestamptz,
    mailed_at timestamptz
);
CREATE INDEX danger_watches_waiting ON danger_watches (raised_at) WHERE mailed_at IS NULL;

CREATE TABLE duty_grants (
    page_id uuid NOT NULL,
    staff_id text NOT NULL,
    referral_id uuid NOT NULL,
    campus text NOT NULL,
    function text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (page_id, staff_id)
);
CREATE INDEX duty_grants_referral ON duty_grants (referral_id);
"""

_ACTOR = "current_setting('caselight.actor', true)"
# A net, not the decision: whoever holds a grant or stands on the case's team has the row shown to `decide()`.
_GRANTED = f"""EXISTS (
    SELECT 1 FROM duty_grants AS held
    WHERE held.referral_id = referrals.referral_id AND held.staff_id = {_ACTOR})"""  # noqa: S608 - our own names
_ON_TEAM = f"""EXISTS (
    SELECT 1 FROM teams_snapshots AS team
    WHERE team.key = 'case:' || referrals.case_id
      AND position(convert_to('"' || {_ACTOR} || '"', 'UTF8') IN team.body) > 0)"""  # noqa: S608 - our own names
_ON_ANOTHER_CAMPUS = "campuses && string_to_array(coalesce(current_setting('caselight.campuses', true), ''), ',')"


def statements() -> Iterator[str]:
    """Yield the statements that make every table of the service and put it under row security."""
    yield from tables.create("intake", "program", "teams", "roster")
    yield from keys.create("intake")
    for made in (_STUDENTS, _IMPORTS, _FLAGS, _REFERRALS):
        yield from (statement for statement in made.split(";") if statement.strip())
    yield from protect("intake", "students", also=_ON_ANOTHER_CAMPUS)
    yield from protect("intake", "imports", also=f"started_by = {_ACTOR}")
    yield from protect("intake", "import_rejects")
    yield from protect("intake", "flags")
    yield from protect("intake", "threshold_firings")
    yield from protect("intake", "duty_grants", also=f"staff_id = {_ACTOR}")
    yield from protect("intake", "referrals", walled=True, also=f"{_GRANTED} OR {_ON_TEAM}")
    yield from protect("intake", "danger_watches")
