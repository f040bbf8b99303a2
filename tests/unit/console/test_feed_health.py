"""Health of feeds in words and pictures: a sentence that tells the finding, and a table of what was drawn."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.console.feed_health import STATES, of_all, of_one, picture, sentence, troubles, usual

NOW = datetime(2026, 9, 16, 14, tzinfo=UTC)


def health(*signals: tuple[str, dict[str, Any]], items: tuple[int, ...] = (), **more: Any) -> dict[str, Any]:
    counts = items or (30,) * 30
    days = [
        {
            "day": str((NOW - timedelta(days=len(counts) - 1 - place)).date()), "expected": True, "items": count,
            "deliveries": int(count > 0), "accepted": count, "unchanged": 0, "merged": 0, "skipped": 0,
            "quarantined": 0, "refused": 0,
        }
        for place, count in enumerate(counts)
    ]  # fmt: skip
    return {
        "feed_id": "f", "name": "Badges", "state": signals[0][0] if signals else "well", "days": days, "history": [],
        "signals": [{"signal": signal, "since": NOW.isoformat(), "facts": facts} for signal, facts in signals],
        "band": {"low": 20.0, "high": 40.0, "said": True}, "last_at": "2026-09-15T10:02:00+00:00",
        "looked_at": NOW.isoformat(),
    } | more  # fmt: skip


SILENT = ("silent", {"last_at": "2026-09-13T10:02:00+00:00", "expected_by": "2026-09-16T06:30:00-04:00"})


def test_a_feed_that_does_well_says_when_it_last_came() -> None:
    assert sentence(health(), NOW, "UTC") == "Nothing is wrong. It last came Tue Sep 15, 10:02 am."
    assert sentence(health(last_at=None), NOW, "UTC") == "Nothing has come yet, and nothing is late."
    assert sentence(health(state="off"), NOW, "UTC").startswith("It is not in use")


def test_a_silent_feed_says_since_when_and_by_when_on_the_clock_of_its_reader() -> None:
    assert sentence(health(SILENT), NOW, "America/New_York") == (
        "Nothing since Sun Sep 13, 6:02 am. It was expected by today, 6:30 am."
    )


@pytest.mark.parametrize("signal", [each for each in STATES if each not in ("well", "off")])
def test_every_state_has_a_word_a_sentence_and_something_to_do(signal: str) -> None:
    facts = {"items": 2_140, "quarantined": 9, "times": 3, "low": 20, "high": 40, "columns": ["house"]}
    (trouble,) = troubles(health((signal, facts)), NOW, "UTC")
    assert trouble.word
    assert trouble.sentence.endswith(".")
    assert trouble.to_do.endswith(".")
    assert "{" not in trouble.sentence


def test_a_signal_of_a_later_release_is_shown_without_falling_over() -> None:
    (trouble,) = troubles(health(("tired", {})), NOW, "UTC")
    assert trouble.word == "Needs a look"


def test_the_picture_tells_its_finding_and_its_table_every_day() -> None:
    chart = picture(health(SILENT, items=(*(30,) * 10, 90, 5, *(30,) * 16, 0, 0)), "Nothing since Sunday.")
    assert chart.finding == "Badges, rows a day for 30 days. Nothing since Sunday."
    kinds = [kind for *_, kind in chart.bars]
    assert [kinds[place] for place in (0, 10, 11, 28, 29)] == [
        "bar", "bar bar--out", "bar bar--out", "bar bar--none", "bar bar--none",
    ]  # fmt: skip
    assert len(chart.rows) == 30
    assert chart.rows[0][:3] == ("Sep 16", "yes", "0")
    assert [words for *_, words in chart.texts if words[:3] in ("Aug", "Sep")] == ["Aug 18", "Sep 16"]


def test_what_has_not_come_yet_today_is_not_missing_nor_what_was_not_expected() -> None:
    assert [kind for *_, kind in picture(health(items=(30, 30, 0)), "It does well.").bars][-1] == "bar"
    before = health(items=(0, 0, 30))
    assert {kind for *_, kind in picture(before, "It does well.").bars} == {"bar"}


def test_how_much_is_usual_says_who_says_so() -> None:
    assert usual(health()) == "20 to 40 rows a day, as its owner says."
    assert (
        usual(health(band={"low": 20.0, "high": None, "said": False}))
        == "At least 20 rows a day, as its last days did."
    )
    assert "eight days" in usual(health(band=None))


def test_all_at_a_glance_counts_those_in_trouble() -> None:
    shown = of_all([health(SILENT), health(), health(state="off", days=[])], NOW, "UTC")
    assert (shown["in_trouble"], shown["watched"], len(shown["cards"])) == (1, 2, 2)
    assert shown["cards"][0].word == "Silent"
    assert of_one(None, NOW, "UTC") == {"health": None}
