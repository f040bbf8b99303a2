"""More of a student, other ways to find them, whom to call for them, and which students are one person."""

from alembic import op

from shared.storage.security import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_STUDENTS = """
ALTER TABLE students
    ADD COLUMN name_in_use text NOT NULL DEFAULT '',
    ADD COLUMN pronouns text NOT NULL DEFAULT '',
    ADD COLUMN birth_date date,
    ADD COLUMN study_program text NOT NULL DEFAULT '',
    ADD COLUMN level text NOT NULL DEFAULT '',
    ADD COLUMN residence text NOT NULL DEFAULT '',
    ADD COLUMN athlete boolean,
    ADD COLUMN veteran boolean,
    ADD COLUMN minor boolean,
    ADD COLUMN directory_opt_out boolean NOT NULL DEFAULT false,
    ADD COLUMN marks text NOT NULL DEFAULT '{}',
    ADD COLUMN same_as uuid REFERENCES students (student_id),
    ADD CONSTRAINT students_not_themselves CHECK (same_as <> student_id);
CREATE INDEX students_same_as ON students (same_as) WHERE same_as IS NOT NULL;

CREATE TABLE student_names (
    name_id uuid PRIMARY KEY,
    student_id uuid NOT NULL,
    campus text NOT NULL,
    campuses text[] NOT NULL,
    kind text NOT NULL CHECK (kind IN ('name', 'in_use', 'former', 'alias', 'email', 'number')),
    source text NOT NULL CHECK (source IN ('roster', 'history', 'person')),
    value text NOT NULL,
    norm text NOT NULL,
    alike text NOT NULL,
    added_by text NOT NULL,
    added_at timestamptz NOT NULL,
    UNIQUE (student_id, kind, norm)
);
CREATE INDEX student_names_whole ON student_names (norm, kind);
CREATE INDEX student_names_student ON student_names (student_id);
CREATE INDEX student_names_alike ON student_names USING gin (campuses, alike gin_trgm_ops)
    WHERE kind NOT IN ('email', 'number');

CREATE TABLE enrollments (
    student_id uuid NOT NULL,
    campus text NOT NULL,
    campuses text[] NOT NULL,
    term text NOT NULL,
    course text NOT NULL,
    section text NOT NULL,
    instructor_id text NOT NULL,
    PRIMARY KEY (student_id, term, course, section)
);
CREATE INDEX enrollments_instructor ON enrollments (instructor_id) WHERE instructor_id <> '';

CREATE TABLE student_contacts (
    student_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('emergency', 'missing_person')),
    campus text NOT NULL,
    campuses text[] NOT NULL,
    sealed bytea NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (student_id, kind)
);

CREATE TABLE merges (
    merge_id uuid PRIMARY KEY,
    campus text NOT NULL,
    campuses text[] NOT NULL,
    student_id uuid NOT NULL REFERENCES students (student_id),
    same_as uuid NOT NULL REFERENCES students (student_id),
    reason_code text NOT NULL,
    merged_by text NOT NULL,
    merged_at timestamptz NOT NULL,
    undo_reason_code text NOT NULL DEFAULT '',
    undone_by text NOT NULL DEFAULT '',
    undone_at timestamptz,
    version bigint NOT NULL,
    CHECK (student_id <> same_as)
);
CREATE UNIQUE INDEX merges_in_force ON merges (student_id) WHERE undone_at IS NULL;
CREATE INDEX merges_into ON merges (same_as);

CREATE TABLE match_decisions (
    decision_id uuid PRIMARY KEY,
    referral_id uuid NOT NULL,
    campus text NOT NULL,
    sensitivity text NOT NULL,
    student_id uuid,
    decision text NOT NULL CHECK (decision IN ('matched', 'rejected', 'unmatched', 'not_on_roster', 'left_open')),
    reason_code text NOT NULL,
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL
);
CREATE INDEX match_decisions_referral ON match_decisions (referral_id, decision_id);

CREATE INDEX referrals_unmatched ON referrals (campus, received_at)
    WHERE student_id IS NULL AND match_basis <> 'not_on_roster';
ALTER TABLE referrals DROP CONSTRAINT referrals_match_basis_check;
ALTER TABLE referrals ADD CONSTRAINT referrals_match_basis_check
    CHECK (match_basis IN ('', 'exact_id', 'exact_email', 'person', 'not_on_roster'));
"""

# Everybody whom merges make one with these students, up to whom they all go by and down to whoever was merged into
# any of them. As its owner, because who must keep away from one of them keeps away from all; it gives ids alone.
_SAME = """
CREATE FUNCTION same_students(asked uuid[]) RETURNS TABLE (student_id uuid, root uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    WITH RECURSIVE up AS (
        SELECT s.student_id, s.same_as, s.student_id AS began FROM students AS s WHERE s.student_id = ANY (asked)
        UNION
        SELECT s.student_id, s.same_as, up.began FROM up JOIN students AS s ON s.student_id = up.same_as
    ), down AS (
        SELECT up.student_id, up.student_id AS root FROM up WHERE up.same_as IS NULL
        UNION
        SELECT s.student_id, down.root FROM down JOIN students AS s ON s.same_as = down.student_id
    )
    SELECT down.student_id, down.root FROM down
$body$
"""

# Row security would keep a search by likeness from its index, so this runs as the owner, and says itself which
# campuses it looks at: those asked for, and of them only those the transaction was opened for (NULL is all). It gives
# ids, never a name; what may be shown of them is decided, and audited, one by one. A single word is looked for within
# names. The campus is part of the index, hence a branch for each way of asking: it halves the time.
_BRANCH = """
            SELECT names.student_id, {likeness} AS likeness FROM student_names AS names
            WHERE {one_word} AND {matches} AND names.kind NOT IN ('email', 'number') AND {there}"""
_WORDS = ("each.query LIKE '% %'", "names.alike % each.query", "similarity(names.alike, each.query)")
_WORD = ("each.query NOT LIKE '% %'", "each.query <% names.alike", "word_similarity(each.query, names.alike)")
_SOMEWHERE = "names.campuses && (SELECT codes FROM held)"
_BRANCHES = " UNION ALL ".join(
    _BRANCH.format(one_word=one_word, matches=matches, likeness=likeness, there=there)
    for one_word, matches, likeness in (_WORDS, _WORD)
    for there in (_SOMEWHERE, "(SELECT codes FROM held) IS NULL")
)
_ALIKE = f"""
CREATE FUNCTION students_alike(asked text[], on_campuses text[], at_most integer)
RETURNS TABLE (student_id uuid, likeness real)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET pg_trgm.similarity_threshold = 0.34 SET pg_trgm.word_similarity_threshold = 0.7 AS $body$
    WITH context AS MATERIALIZED (
        SELECT coalesce(current_setting('caselight.actor', true), '') AS actor,
               string_to_array(coalesce(current_setting('caselight.campuses', true), ''), ',') AS opened
    ), held AS MATERIALIZED (
        SELECT CASE WHEN actor = '' THEN '{{}}'
                    WHEN '*' = ANY (on_campuses) AND '*' = ANY (opened) THEN NULL
                    WHEN '*' = ANY (on_campuses) THEN opened
                    WHEN '*' = ANY (opened) THEN on_campuses
                    ELSE ARRAY(SELECT unnest(on_campuses) INTERSECT SELECT unnest(opened)) END AS codes
        FROM context
    )
    SELECT found.student_id, max(found.likeness)
    FROM unnest(asked) AS each (query)
    CROSS JOIN LATERAL (
        SELECT alike.student_id, alike.likeness FROM ({_BRANCHES}
        ) AS alike
        ORDER BY alike.likeness DESC, alike.student_id LIMIT at_most
    ) AS found
    GROUP BY found.student_id
    ORDER BY max(found.likeness) DESC, found.student_id LIMIT at_most
$body$
"""  # noqa: S608 - put together of constants
_ON_ANOTHER_CAMPUS = "campuses && string_to_array(coalesce(current_setting('caselight.campuses', true), ''), ',')"
# Names that are on the roster already become comparable in SQL; the next import of the student writes them anew.
_FILL = """
INSERT INTO student_names (name_id, student_id, campus, campuses, kind, source, value, norm, alike, added_by, added_at)
SELECT gen_random_uuid(), student_id, campus, campuses, 'name', 'roster', name, plain, plain, 'service:intake',
       changed_at
FROM students, trim(regexp_replace(lower(unaccent(name)), '[^[:alnum:]]+', ' ', 'g')) AS plain
"""


def upgrade() -> None:
    """Make them."""
    for statement in (*_STUDENTS.split(";"), _SAME, _ALIKE):
        if statement.strip():
            op.execute(statement)
    for function in ("same_students(uuid[])", "students_alike(text[], text[], integer)"):
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO intake_api, intake_worker")
    for table in ("student_names", "enrollments", "student_contacts", "merges"):
        for statement in protect("intake", table, also=_ON_ANOTHER_CAMPUS):
            op.execute(statement)
    for statement in protect("intake", "match_decisions", walled=True):
        op.execute(statement)
    op.execute(_FILL)
