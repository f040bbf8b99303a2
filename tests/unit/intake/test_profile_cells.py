"""What a roster file may say of a student beside who they are: what is read, and what is said where it is not."""

from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.intake.domain import roster_rows
from services.intake.domain.columns import columns_of
from services.intake.domain.people import Contact, Section
from services.intake.domain.profile_cells import BESIDE, LONGEST_LIST, PROFILE
from services.intake.domain.rejects import BadCell
from services.intake.domain.roster_rows import RosterReader, StudentRow, new_student

ZONES = {"NORTH": ZoneInfo("UTC")}
TAUGHT = Section("2026F", "CHEM110", "4", "osei")
ADA = Contact("Ada", "mother", "+1 555 0100", "ada@example.org")
MANY = ";".join(f"n{n}" for n in range(LONGEST_LIST + 1))


def read(heads: str, line: str) -> StudentRow:
    """Read one line of a roster file with these columns beside the four it must have."""
    header = ["student_id", "campus_code", "name", "email", *heads.split(",")]
    (row,), _ = RosterReader(columns_of(header, roster_rows.SHAPE), ZONES).read(
        [(2, ["N1", "NORTH", "Nora Quist", "", *line.split(",")])]
    )
    return row


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("birth_date", "2006-02-03", date(2006, 2, 3)),
        ("birth_date", " ", None),
        ("athlete", "Y", True),
        ("veteran", "no", False),
        ("minor", "", None),
        ("directory_opt_out", "", False),
        ("directory_opt_out", "TRUE", True),
        ("name_in_use", " Wren ", "Wren"),
    ],
)
def test_a_cell_of_the_profile(column: str, cell: str, value: object) -> None:
    assert PROFILE[column](cell, column) == value


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("birth_date", "31/12/2005"), ("birth_date", "1066-10-14"), ("athlete", "maybe"), ("residence", "=A1"),
        ("directory_opt_out", "perhaps"), ("name_in_use", "a" * 201),
    ],
)  # fmt: skip
def test_a_cell_of_the_profile_that_is_none(column: str, cell: str) -> None:
    with pytest.raises(BadCell) as bad:
        PROFILE[column](cell, column)
    assert bad.value.accepted
    assert cell not in bad.value.reason


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("sections", "2026F:CHEM110/4/osei; BIO101", (TAUGHT, Section("", "BIO101", "", ""))),
        ("sections", "", ()),
        ("aliases", "Wren Holt;; Wrenna ;Wren Holt", ("Wren Holt", "Wrenna")),
        ("emergency_contacts", "Ada | mother | +1 555 0100 | Ada@Example.org", (ADA,)),
        ("missing_person_contacts", "Jo", (Contact("Jo"),)),
    ],
)  # fmt: skip
def test_a_list_in_a_cell(column: str, cell: str, value: object) -> None:
    assert BESIDE[column][1](cell, column) == value


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("sections", "a/b/c/d"), ("sections", "2026F:"), ("aliases", MANY),
        ("emergency_contacts", "| mother"), ("emergency_contacts", "Ada|mother|call me"),
        ("missing_person_contacts", "Ada|a|1|b|c"), ("emergency_contacts", "Ada|||nowhere"),
    ],
)  # fmt: skip
def test_a_list_that_is_none(column: str, cell: str) -> None:
    with pytest.raises(BadCell):
        BESIDE[column][1](cell, column)


def test_what_a_file_does_not_speak_of_stays_and_an_empty_cell_empties_it() -> None:
    student = new_student(UUID(int=1), read("residence,pronouns,advisor,aliases", "Elm 2,she,ana,Meg"))
    same = student.as_said(read("residence", "Elm 2"))
    assert same is None, "a file with fewer columns and nothing new changes nothing"
    emptied = student.as_said(read("residence,aliases", ","))
    assert emptied is not None
    assert (emptied.profile.residence, emptied.profile.pronouns, emptied.advisor_id) == ("", "she", "ana")
    assert dict(emptied.marks)["aliases"] != dict(student.marks)["aliases"]


def test_a_visa_class_is_known_by_name_and_left_out() -> None:
    row = read("visa_status,house", "F-1,blue")
    assert row.attributes == (("house", "blue"),)
    assert "F-1" not in repr(row)


def test_whoever_is_merged_says_so_to_the_others_and_nothing_else() -> None:
    student = new_student(UUID(int=1), read("pronouns", "she"))
    merged = student.merged(UUID(int=2))
    assert (merged.snapshot().same_as, merged.version) == (UUID(int=2), 2)
    assert merged.merged(None).snapshot().same_as is None
    assert "Quist" not in repr(merged.snapshot())
