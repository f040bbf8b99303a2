"""Columns, cells and rows: what is accepted, and what is said where it is not. Words never quote the cell."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import cells, flag_rows, referral_rows, roster_rows
from services.intake.domain.columns import columns_of
from services.intake.domain.flag_rows import FlagReader
from services.intake.domain.referral_rows import ReferralReader
from services.intake.domain.rejects import RAW_LIMIT, BadCell, raw_of
from services.intake.domain.roster_rows import RosterReader, new_student
from services.intake.domain.signals import concerns_of
from shared.refusal import Refused

NOW = datetime(2026, 9, 14, 12, tzinfo=UTC)
ZONES = {"NORTH": ZoneInfo("America/New_York"), "SOUTH": ZoneInfo("UTC")}


def test_columns_are_found_by_other_headings_and_in_any_order() -> None:
    header = ["Raised On", " REASON ", "Course-Code", "SIS ID", "Campus", "Colour"]
    columns = columns_of(header, flag_rows.SHAPE)
    assert [columns[name] for name in flag_rows.SHAPE.required] == [4, 3, 2, 1, 0]
    assert columns.more == {"colour": 5}
    assert columns["comment"] == -1


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (["campus_code", "student_id", "course", "reason"], "Missing columns: raised_at."),
        (["campus_code", "studnet_id", "course", "reason", "raised_at"], "Is studnet_id meant as student_id?"),
        (["Nora Quist", "N1", "NORTH"], "Found: none that is known. Columns not understood: 3."),
    ],
)
def test_a_missing_column_is_named_with_what_was_found(header: list[str], said: str) -> None:
    with pytest.raises(Refused) as refused:
        columns_of(header, flag_rows.SHAPE)
    assert said in refused.value.detail
    assert "Quist" not in refused.value.detail
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("read", "cell"),
    [
        (cells.identifier, "=HYPERLINK(1)"),
        (cells.identifier, "1.2E+15"),
        (cells.identifier, "a" * 65),
        (cells.identifier, "two words"),
        (cells.code, "+cmd"),
        (cells.code, "caf\u00e9"),
        (cells.email, "nobody"),
        (cells.email, "a@b,c@d"),
    ],
)
def test_a_wrong_cell_is_explained_without_being_quoted(read: Callable[[str, str], str], cell: str) -> None:
    with pytest.raises(BadCell) as bad:
        read(cell, "column")
    assert cell not in bad.value.reason + bad.value.accepted


@pytest.mark.parametrize("cell", ["=1+1", "@SUM(A1)", "+1+2", "-2+3", "-cmd", "\t=1"[1:]])
def test_what_a_spreadsheet_would_run_is_rejected(cell: str) -> None:
    with pytest.raises(BadCell, match="formula"):
        cells.words(cell, "comment", 100)


@pytest.mark.parametrize("cell", ["- late again", "-5", "+1 555 0100", "a = b", ""])
def test_words_that_only_begin_with_a_sign_are_taken(cell: str) -> None:
    assert cells.words(cell, "comment", 100) == cell


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-09-14T10:00:00+02:00", datetime(2026, 9, 14, 8, tzinfo=UTC)),
        ("2026-09-14T10:00:00Z", datetime(2026, 9, 14, 10, tzinfo=UTC)),
        ("2026-09-14 08:00", datetime(2026, 9, 14, 12, tzinfo=UTC)),
        ("2026-09-14", datetime(2026, 9, 14, 4, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_the_zone_of_the_campus(cell: str, expected: datetime) -> None:
    assert cells.instant(cell, "raised_at", ZONES["NORTH"], NOW) == expected


@pytest.mark.parametrize(
    "cell", ["", "2026-02-30", "14/09/2026", "2026-09-16", "1889-01-01", "0001-01-01", "9999-12-31T23:59:59-23:59"]
)
def test_times_that_cannot_be_are_rejected(cell: str) -> None:
    with pytest.raises(BadCell):
        cells.instant(cell, "raised_at", ZONES["NORTH"], NOW)


@given(st.text(max_size=20))
def test_no_cell_makes_a_reader_fail_otherwise(cell: str) -> None:
    readers: list[Callable[[], Any]] = [
        lambda: cells.identifier(cell, "c"),
        lambda: cells.code(cell, "c"),
        lambda: cells.email(cell, "c"),
        lambda: cells.words(cell, "c", 10),
        lambda: cells.campus(cell, "c", ZONES),
        lambda: cells.choice(cell, "c", {"a": "a"}),
        lambda: cells.instant(cell, "c", ZONES["NORTH"], NOW),
    ]
    for read in readers:
        with contextlib.suppress(BadCell):
            read()


def flags(header: str = "alert_id,campus_code,student_id,course_code,reason_code,raised_at") -> FlagReader:
    return FlagReader(columns_of(header.split(","), flag_rows.SHAPE), ZONES, NOW)


def test_a_flag_is_read_and_a_row_of_another_width_is_not() -> None:
    reader = flags()
    line = ["A1", "NORTH", "N1", "BIO", "LATE_WORK", "2026-09-01"]
    rows, rejects = reader.read([(2, line), (3, [*line, "more"]), (4, line[:-1])])
    assert (rows[0].source_key, rows[0].severity, rows[0].course) == ("A1", 1, "BIO")
    assert rows[0].raised_at == datetime(2026, 9, 1, 4, tzinfo=UTC)
    assert [(reject.row, reject.reason) for reject in rejects] == [(3, "7 cells, not 6"), (4, "5 cells, not 6")]


def test_flags_that_say_the_same_have_the_same_content_whatever_their_id() -> None:
    line = ["", "NORTH", "N1", "BIO", "LATE_WORK", "2026-09-01"]
    (one, two, three), _ = flags().read([(2, line), (3, ["A9", *line[1:]]), (4, [*line[:-1], "2026-09-02"])])
    assert one.content == two.content
    assert one.source_key != two.source_key
    assert one.content != three.content
    assert one.source_key == one.content.hex()


def test_a_referral_row_is_read_with_its_defaults() -> None:
    header = ["campus_code", "narrative", "happened_at", "concerns", "urgency", "student_email"]
    reader = ReferralReader(columns_of(header, referral_rows.SHAPE), ZONES, NOW)
    line = ["SOUTH", "Quiet lately.", "2026-09-01", "mood; Grades|mood", "", "Nora@X.example"]
    (row,), _ = reader.read([(2, line)])
    assert (row.concerns, row.urgency, row.source_kind) == (("mood", "grades"), "routine", "other")
    assert row.about.email == "nora@x.example"
    _, rejects = reader.read(
        [(2, ["SOUTH", "x", "2026-09-01", "astrology", "", ""]), (3, ["SOUTH", "", "2026-09-01", "", "", ""])]
    )
    assert [reject.column for reject in rejects] == ["concerns", "narrative"]


def test_a_student_row_is_read_and_compared_with_what_is_known() -> None:
    header = ["student_id", "campus_code", "name", "email", "house", "advisor"]
    reader = RosterReader(columns_of(header, roster_rows.SHAPE), ZONES)
    line = ["N1", "NORTH; SOUTH", "Nora Quist", "NORA@x.example", "senior", "ana"]
    (row,), _ = reader.read([(2, line)])
    student = new_student(UUID(int=1), row)
    assert (student.campus, student.campuses, student.email) == ("NORTH", ("NORTH", "SOUTH"), "nora@x.example")
    assert (student.advisor_id, student.attributes) == ("ana", (("house", "senior"),))
    assert student.as_said(row) is None
    (other,), _ = reader.read([(2, [*line[:4], "junior", "ana"])])
    changed = student.as_said(other)
    assert changed is not None
    assert (changed.version, changed.published_like(student)) == (2, True)
    back = student.gone().as_said(row)
    assert back is not None
    assert (back.status, back.version) == ("active", 3)
    _, rejects = reader.read([(2, ["N1", "NROTH", "Nora", "", "", ""]), (3, ["", "NORTH", "Nora", "", "", ""])])
    assert [reject.column for reject in rejects] == ["campus_code", "student_id"]
    assert "nearest: NORTH" in rejects[0].accepted


def test_a_rejected_row_is_kept_cut_short_and_storable() -> None:
    raw = raw_of(["a,b", 'say "x"', "nul\x00", "\udce9", "y" * RAW_LIMIT])
    assert raw.startswith('"a,b","say ""x""",nul\\x00,\\udce9,')
    assert len(raw) <= RAW_LIMIT + 20
    raw.encode()


def test_reason_codes_speak_of_concerns() -> None:
    assert concerns_of(["LATE_WORK", "Low Test Scores", "Excessive Absences", "WITHDREW", "Other"]) == (
        "attendance",
        "missing_work",
        "grades",
        "withdrawal",
    )


def test_tomorrow_is_the_latest_a_flag_may_be() -> None:
    at = NOW + timedelta(hours=23)
    assert cells.instant(at.isoformat(), "raised_at", ZONES["SOUTH"], NOW) == at
