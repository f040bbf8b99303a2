"""Files and single referrals, as a person brings them in."""

from pathlib import Path

import pytest

from deploy.demo import term
from deploy.local import processes
from tests.integration.commands.conftest import Commands

pytestmark = pytest.mark.usefixtures("ready")

ROSTER = "student_id,campus_code,name,email,house\n"
FLAGS = "alert_id,campus_code,student_id,course_code,reason_code,severity,raised_at\n"


@pytest.fixture(scope="module")
def ready(served: None, sample: term.Term) -> None:
    """The sample's program is in force, and intake knows it."""
    caselight = Commands()
    code, said = caselight("program", "apply", sample.program, "--yes")
    assert code == 0, said
    assert processes.wait_until(lambda: caselight("roster", "import", sample.roster, "--dry-run")[0] == 0, 30)


def file(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8", newline="")
    return path


def test_a_roster_goes_in_and_a_second_time_changes_nothing(caselight: Commands, tmp_path: Path) -> None:
    roster = file(tmp_path, "few.csv", ROSTER + "T1,NORTH,Ada Abara,ada@students.example.edu,East\n")

    assert caselight("roster", "import", roster, "--dry-run") == (
        0, "few.csv: 1 rows, 1 accepted, 0 unchanged, 0 rejected (nothing was changed: dry run)\n",
    )  # fmt: skip
    assert caselight("roster", "import", roster) == (0, "few.csv: 1 rows, 1 accepted, 0 unchanged, 0 rejected\n")
    assert caselight("roster", "import", roster) == (0, "few.csv: 1 rows, 0 accepted, 1 unchanged, 0 rejected\n")


def test_bad_rows_are_shown_with_row_column_reason_and_what_would_be_taken(
    caselight: Commands, tmp_path: Path
) -> None:  # fmt: skip
    flags = file(
        tmp_path, "mixed.csv",
        FLAGS
        + "A1,NORTH,T1,BIO 101,LATE_WORK,1,2026-09-14T10:00:00Z\n"
        + "A2,NOWHERE,T1,BIO 101,LATE_WORK,1,2026-09-14T10:00:00Z\n"
        + "A3,NORTH,T1,BIO 101,LATE_WORK,9,2026-09-14T10:00:00Z\n",
    )  # fmt: skip
    code, said = caselight("flags", "import", flags, "--source", "test")

    assert code == 3
    assert "3 rows, 1 accepted, 0 unchanged, 2 rejected" in said
    [first, second] = [line for line in said.splitlines() if line[:1] in "34"]
    assert "campus_code" in first
    assert "NORTH" in first
    assert "severity" in second

    code, again = caselight("flags", "import", flags, "--source", "test")
    assert (code, "0 accepted, 1 unchanged, 2 rejected" in again) == (3, True)


def test_a_file_without_its_columns_is_refused_whole_with_the_nearest_names(
    caselight: Commands, tmp_path: Path
) -> None:
    flags = file(
        tmp_path, "wrong.csv", "alert_id,campus,studnt_id,course,reason,raised_at\nA1,NORTH,T1,BIO,X,2026-09-14\n"
    )
    code, said = caselight("flags", "import", flags)

    assert code == 1
    assert "Missing columns: student_id" in said
    assert "Is studnt_id meant" in said


def test_who_has_no_right_to_import_is_told_so(caselight: Commands, sample: term.Term) -> None:
    code, said = caselight("roster", "import", sample.roster, "--as", "ferrante")

    assert (code, "ferrante may not do this" in said) == (1, True)


def test_a_referral_by_hand_gets_a_reference(caselight: Commands) -> None:
    words = "She has been skipping meals to make the plan last."
    code, said = caselight(
        "refer",
        words,
        "--campus",
        "NORTH",
        "--student-id",
        "T1",
        "--concern",
        "food",
        "--from",
        "faculty",
        "--as",
        "oduya",
    )

    assert code == 0, said
    assert said.startswith("Reference ")
    assert words not in said

    code, piped = caselight("refer", "-", "--campus", "NORTH", "--as", "ferrante", typed=words)
    assert (code, piped.startswith("Reference ")) == (0, True)


def test_a_referral_without_words_or_with_an_unknown_code_says_what_is_wrong(caselight: Commands) -> None:
    code, said = caselight("refer", " ", "--campus", "NORTH")
    assert (code, "in words" in said) == (1, True)

    code, said = caselight("refer", "x", "--campus", "NORTH", "--urgency", "whenever")
    assert (code, "/body/urgency" in said) == (1, True)
