"""What leaves as a file is text in every cell."""

import pytest

from services.console.listing import as_csv, safe_cell
from services.console.pages.sign_in import safe_back


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_nothing_in_a_file_is_a_formula(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"


def test_plain_words_and_numbers_stay_as_they_are() -> None:
    assert [safe_cell(value) for value in ("Ana", 12, None, "a=b")] == ["Ana", "12", "", "a=b"]


def test_a_file_says_that_it_is_one() -> None:
    answer = as_csv("pages", ["Name"], [["=HYPERLINK(1)"]])
    assert answer.headers["content-disposition"] == 'attachment; filename="pages.csv"'
    assert bytes(answer.body).decode() == "\ufeffName\r\n'=HYPERLINK(1)\r\n"


@pytest.mark.parametrize("path", ["/", "/triage?state=new&after=01", "/cases/0190?x=%2F%2Fevil"])
def test_a_way_back_that_is_ours_is_kept(path: str) -> None:
    assert safe_back(path) == path
