"""What a draft of rules would have made, shaped for its page: sentences, a chart, a table by campus and week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.console import flagging
from services.console.visit import Visit
from shared.web.ui import charts
from shared.web.ui.charts import Chart
from shared.web.ui.times import calendar_day


@dataclass(frozen=True)
class Result:
    """A trial on past flags. `table` has a row for each campus: its name, a cell for each week, and the sum."""

    headline: str
    sentence: str
    figures: Sequence[tuple[str, str, str]]
    chart: Chart | None
    weeks: Sequence[str]
    table: Sequence[tuple[str, Sequence[tuple[int, str]], int]]
    rules: Sequence[tuple[str, str, int]]
    against: Sequence[str]
    examples: Sequence[Mapping[str, Any]]


def result(visit: Visit, found: Mapping[str, Any]) -> Result:
    """Shape an answer of intake."""
    tried, present = found["tried"], found["in_force"]
    weeks = sorted({week["week_of"] for week in tried["weeks"]})
    return Result(
        headline=f"These rules would have made {_count(tried['referrals'], 'referral')}",
        sentence=_sentence(found),
        figures=[
            ("Personal concerns, at once", f"{tried['at_once']:,}", ""),
            ("Referred by a person before", f"{tried['earlier_referred']:,}", "within 30 days"),
            ("Referred by a person later", f"{tried['later_referred']:,}", _days(tried["later_median_days"])),
            ("To outreach lists", f"{tried['beyond']:,}", _weeks_beyond(tried["weeks_beyond"])),
        ],
        chart=_chart(tried["weeks"], weeks, found["capacities"]),
        weeks=[_label(tried["weeks"], week) for week in weeks],
        table=_table(visit, tried["weeks"], weeks),
        rules=[(flagging.name(each["name"]), each["mode"], each["firings"]) for each in tried["rules"]],
        against=_against(tried, present) if present else [],
        examples=found["examples"],
    )


def _sentence(found: Mapping[str, Any]) -> str:
    tried = found["tried"]
    flags, students = _count(found["flags"], "flag"), _count(found["students"], "student")
    return f"For {_count(tried['students'], 'student')}, out of {flags} of {students}."


def _chart(
    cells: Sequence[Mapping[str, Any]], weeks: Sequence[str], capacities: Sequence[Mapping[str, Any]]
) -> Chart | None:
    if not weeks:
        return None
    sums = {week: sum(cell["referrals"] for cell in cells if cell["week_of"] == week) for week in weeks}
    beyond = {week: any(cell["beyond"] for cell in cells if cell["week_of"] == week) for week in weeks}
    most = max(sums, key=lambda week: sums[week])
    limits = [each["referrals_per_week"] for each in capacities]
    limit = sum(limits) if limits and None not in limits else None
    over = sum(beyond.values())
    finding = f"The most in the week of {calendar_day(most)}: {_count(sums[most], 'referral')}"
    finding += f"; above what can be taken in {_count(over, 'week')}." if limit is not None else "."
    points = [(_label(cells, week), float(sums[week]), "out" if beyond[week] else "") for week in weeks]
    band = (float(limit), float(limit)) if limit is not None else None
    return charts.columns(finding, "Referrals by week", points, names=("Week", "Referrals"), band=band)


def _label(cells: Sequence[Mapping[str, Any]], week: str) -> str:
    term_week = next((cell["term_week"] for cell in cells if cell["week_of"] == week and cell["term_week"]), None)
    day = date.fromisoformat(week)
    return f"Week {term_week}" if term_week else f"{day:%b} {day.day}"


def _table(
    visit: Visit, cells: Sequence[Mapping[str, Any]], weeks: Sequence[str]
) -> list[tuple[str, Sequence[tuple[int, str]], int]]:
    counts = {(cell["campus"], cell["week_of"]): cell["referrals"] for cell in cells}
    most = max(counts.values(), default=0)
    rows: list[tuple[str, Sequence[tuple[int, str]], int]] = []
    for campus in sorted({campus for campus, _ in counts}):
        own = [counts.get((campus, week), 0) for week in weeks]
        shaded = [(count, flagging.ramp(count, most)) for count in own]
        rows.append((visit.campus_name(campus), shaded, sum(own)))
    return rows


def _against(tried: Mapping[str, Any], present: Mapping[str, Any]) -> list[str]:
    return [
        f"Referrals: {tried['referrals']:,} instead of {present['referrals']:,}",
        f"Of those, later referred by a person: {tried['later_referred']:,} instead of {present['later_referred']:,}",
        f"To outreach lists: {tried['beyond']:,} instead of {present['beyond']:,}",
    ]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _days(days: float | None) -> str:
    return "" if days is None else f"median {days:g} days later"


def _weeks_beyond(weeks: int) -> str:
    return f"in {_count(weeks, 'week')}" if weeks else ""
