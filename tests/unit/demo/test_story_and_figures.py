"""The small pieces that commands and the demo are told with."""

from pathlib import Path

import httpx
import pytest

from deploy.cli.client import CannotError, complaint
from deploy.cli.program import read
from deploy.cli.status import bars, campuses_table, pages_table, spoken, times_table
from deploy.demo.play import links_of, totals, until
from deploy.demo.story import _cases_told


def test_bars_draw_the_largest_highest_and_nothing_for_nothing() -> None:
    assert bars([0, 1, 4, 8]) == " ▁▄█"
    assert bars([0, 0]) == "  "
    assert bars([]) == ""


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.0 s"), (119, "119.0 s"), (120, "2.0 min"), (7200, "2.0 h"), (172_800, "2.0 d")]
)
def test_durations_are_said_in_the_unit_a_person_would_use(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


def test_each_link_of_a_mail_belongs_to_the_reference_before_it() -> None:
    mail = """2 pages wait for you to take them.

Reference: K7Q-2M4X-9RTD
Level:     critical
To take it, or to say that you cannot:
http://127.0.0.1:8104/a/first

Reference: ZZZ-2M4X-9RTD
To take it: http://127.0.0.1:8104/a/second
"""

    assert links_of(mail) == {
        "K7Q-2M4X-9RTD": "http://127.0.0.1:8104/a/first",
        "ZZZ-2M4X-9RTD": "http://127.0.0.1:8104/a/second",
    }


def test_figures_are_summed_by_kind_and_by_campus_and_times_weighed_by_count() -> None:
    rows = [
        {"campus": "NORTH", "day": "2026-09-14", "kind": "referrals", "code": code, "count": count,
         "mean_seconds": None, "longest_seconds": None}
        for code, count in (("self", 2), ("peer", 3))
    ]  # fmt: skip
    timed = [
        {"campus": "NORTH", "day": "2026-09-14", "kind": "cases_accepted", "code": level, "count": count,
         "mean_seconds": mean, "longest_seconds": 2 * mean}
        for level, count, mean in (("mild", 1, 10.0), ("moderate", 3, 50.0))
    ]  # fmt: skip

    assert totals({"rows": rows}) == {"referrals": 5}
    table = times_table([*rows, *timed])
    assert [list(column.cells) for column in table.columns] == [
        ["case opened to accepted"], ["4"], ["40.0 s"], ["100.0 s"],
    ]  # fmt: skip
    found = {"rows": rows, "campuses": ["NORTH"], "open_cases": [{"campus": "NORTH", "family": "health", "count": 7}]}
    cells = [next(iter(column.cells)) for column in campuses_table(found, weeks=4).columns]
    assert cells[:2] == ["NORTH", "0"]
    assert "5" in cells
    assert "7" in cells
    paged = [{**rows[0], "kind": kind, "count": count} for kind, count in (("pages_raised", 4), ("pages_accepted", 3))]
    pages = pages_table({"rows": paged, "campuses": ["NORTH"]})
    assert [list(column.cells) for column in pages.columns] == [["NORTH"], ["4"], ["3"], ["0"]]


def test_the_story_speaks_of_cases_in_the_words_of_the_console() -> None:
    case = {
        "owner_id": "ana", "family": "safety_self", "campus": "NORTH", "assignment_code": "load",
        "assignment_sentence": "Ana has the fewest cases.",
    }  # fmt: skip
    told = "\n".join(_cases_told([case, case | {"family": None}], {"ana": "Ana Ruiz"}))
    assert "safety of the student" in told
    assert "safety_self" not in told


def test_a_complaint_names_the_person_the_reason_and_every_field() -> None:
    problem = {
        "detail": "The request is not valid.",
        "errors": [{"pointer": "/body/a", "detail": "Too long."}, {"pointer": "/body/b", "detail": "Missing."}],
    }
    lines = list(complaint(httpx.Response(422, json=problem), "okafor", "intake"))
    assert lines == ["intake: The request is not valid.", "  /body/a: Too long.", "  /body/b: Missing."]

    single = {"detail": "Missing.", "errors": [{"pointer": "/body/b", "detail": "Missing."}]}
    assert list(complaint(httpx.Response(422, json=single), "okafor", "intake")) == ["intake: Missing. (at /body/b)"]

    [forbidden] = complaint(httpx.Response(403, json={"detail": "No."}), "okafor", "intake")
    assert "okafor may not do this" in forbidden
    [proxy] = complaint(httpx.Response(502, text="<html>"), "okafor", "intake")
    assert proxy == "intake: Bad Gateway"


def test_a_document_must_be_a_mapping_and_its_dates_travel_as_text(tmp_path: Path) -> None:
    document = tmp_path / "program.yaml"
    document.write_text("- a list\n")
    with pytest.raises(CannotError, match="must have campuses"):
        read(document)


def test_waiting_ends_with_words_when_it_takes_too_long() -> None:
    assert until(lambda: 7, "anything") == 7
    with pytest.raises(CannotError, match="opening the cases did not happen within 0 s"):
        until(lambda: None, "opening the cases", within=0)
