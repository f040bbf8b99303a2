"""Codes, days and refusals reach people in words, and nothing is said of a time that it was not true of."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from services.console import casework, feeds, flagging, reading
from services.console.program_forms import Field, Shown, ShownRows, show
from shared.web.ui.charts import columns

if TYPE_CHECKING:
    from services.console.visit import Visit

NOW = datetime(2026, 9, 14, 10, tzinfo=UTC)
CASE: dict[str, Any] = {
    "owner_id": "ana", "owner_name": "Ana Ruiz", "assignment_sentence": "Ana Ruiz: chosen by Sam Supervisor",
    "opened_at": "2026-09-14T09:00:00+00:00", "contact_log": [],
}  # fmt: skip


def told(*changes: tuple[str, str]) -> list[tuple[str, str]]:
    """Return title and text of a time line, the first first."""
    visit = cast("Visit", SimpleNamespace(now=NOW, zone="UTC", staff_name=str))
    notes = {
        "notes": [],
        "changes": [
            {"how": how, "code": code, "by": "Sam Supervisor", "at": f"2026-09-14T09:0{place}:00+00:00"}
            for place, (how, code) in enumerate(changes, start=1)
        ],
    }
    return [(each.title, each.text) for each in reversed(casework.timeline(visit, CASE, notes))]


def test_who_owns_a_case_now_is_not_said_of_the_time_it_was_opened() -> None:
    assert told() == [("Case opened", "Given to Ana Ruiz: chosen by Sam Supervisor")]
    assert told(("declined", "capacity"), ("assigned", "capacity"), ("accepted", "")) == [
        ("Case opened", ""),
        ("Declined", "Has too many cases"),
        ("Given to Ana Ruiz", "Too many cases"),
        ("Accepted", ""),
    ]


@pytest.mark.parametrize(
    ("days", "by", "low", "high", "words"),
    [
        ([], "", 0, 0, "Nothing is expected at a certain time"),
        ([0, 1, 2, 3, 4], "06:30", 20, 1400, "Monday to Friday by 6:30 am, 20 to 1,400 rows"),
        ([0, 2], "18:05", 3, 0, "Mon, Wed by 6:05 pm, at least 3 rows"),
        (list(range(7)), "", 0, 0, "Every day"),
    ],
)
def test_what_a_feed_should_bring_is_a_sentence(days: list[int], by: str, low: int, high: int, words: str) -> None:
    assert feeds.expected({"expected": {"days": days, "by": by, "low": low, "high": high}}) == words


def test_concerns_read_as_one_sentence_and_a_course_names_its_section() -> None:
    assert reading.concerns_of({"concerns": ["mood", "self_harm"]}) == "Mood, self-harm"
    assert flagging.place({"course": "BIO101", "section": "2"}) == "BIO101, section 2"


def test_what_the_program_finds_wrong_is_said_for_people() -> None:
    technical = "String should match pattern '^[^@]+$'."
    parts = (Field("email", "E-mail", "email"), Field("name", "Name"))
    errors = {"email": technical, "name": "String should have at least 1 character."}
    shown: list[Shown | ShownRows] = show(parts, {}, errors, "UTC")
    assert [each.error for each in shown] == [
        "This does not look like an e-mail address. It needs an @, as in name@example.edu",
        "Name: write something here",
    ]
    assert show(parts[:1], {}, {"email": "Somebody else has it."}, "UTC")[0].error == "Somebody else has it."


@pytest.mark.parametrize(("most", "marks"), [(1, ["1", "0"]), (21, ["21", "0"]), (40, ["40", "20", "0"])])
def test_a_scale_of_whole_things_is_marked_with_whole_numbers(most: float, marks: list[str]) -> None:
    chart = columns("Most came on Monday.", "Rows", [("Mon", most, "")], names=("Day", "Rows"))
    assert [words for _, _, anchor, words in chart.texts if anchor == "end"] == marks
