"""How feeds do, in words and pictures: one sentence for what is wrong, and thirty days of rows beside what is usual."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple

from shared.web.ui import charts
from shared.web.ui.charts import Chart
from shared.web.ui.times import absolute

# What a state is called, and the mark it takes. The first four ask for somebody today.
STATES: Mapping[str, tuple[str, str]] = {
    "silent": ("Silent", "late"),
    "late": ("Late", "late"),
    "refused": ("Turned away", "late"),
    "errors": ("Read in part", "late"),
    "unknown_codes": ("Values without a meaning", "soon"),
    "new_columns": ("New columns", "soon"),
    "volume_low": ("Less than usual", "soon"),
    "volume_high": ("More than usual", "soon"),
    "well": ("On time", "good"),
    "off": ("Not watched", ""),
}
_TO_DO: Mapping[str, str] = {
    "silent": "Ask whoever runs the sending system whether it still sends, and whether its token or key has ended.",
    "late": "If it comes later today this is over by itself.",
    "refused": "What the sender can change stands below. Nothing is lost: it can be sent again.",
    "errors": "Look at what was set aside, mend the mapping or the rows, and play them back.",
    "unknown_codes": "Say in the mapping what the values mean, then play back what waits.",
    "new_columns": "Add them to the mapping if they matter. If not, put the mapping in use once more.",
    "volume_low": "Ask the sending system whether its export was complete.",
    "volume_high": "Ask whether something was sent twice, or for too long a time.",
}
_SMALL, _LARGE = (300, 120), (640, 180)
MOST_CARDS = 6


class Trouble(NamedTuple):
    """Something wrong, as people read it."""

    word: str
    kind: str
    sentence: str
    to_do: str
    since: str


class Card(NamedTuple):
    """A feed at a glance."""

    feed_id: str
    name: str
    word: str
    kind: str
    sentence: str
    chart: Chart


def of_all(items: Sequence[Mapping[str, Any]], now: datetime, zone: str) -> dict[str, Any]:
    """Return what the page of all feeds shows of health: some at a glance, and every feed's state by its id."""
    return {
        "cards": [card(each, now, zone) for each in items if each["days"]],
        "health_of": {each["feed_id"]: STATES.get(each["state"], ("Needs a look", "soon")) for each in items},
        "in_trouble": sum(each["state"] not in ("well", "off") for each in items),
        "watched": sum(each["state"] != "off" for each in items),
    }


def of_one(health: Mapping[str, Any] | None, now: datetime, zone: str) -> dict[str, Any]:
    """Return what the page of one feed shows of health; nothing of it while intake does not tell."""
    if health is None:
        return {"health": None}
    said = sentence(health, now, zone)
    return {
        "health": health,
        "health_word": STATES.get(health["state"], ("Needs a look", "soon")),
        "health_said": said,
        "troubles": troubles(health, now, zone),
        "health_chart": picture(health, said),
        "health_usual": usual(health),
        "health_looked": clock(health["looked_at"], now, zone) if health["looked_at"] else "",
        "signal_words": {signal: word for signal, (word, _) in STATES.items()},
    }


def card(health: Mapping[str, Any], now: datetime, zone: str) -> Card:
    """Return a feed at a glance, for the page of all."""
    word, kind = STATES.get(health["state"], ("Needs a look", "soon"))
    said = sentence(health, now, zone)
    return Card(health["feed_id"], health["name"], word, kind, said, picture(health, said, *_SMALL))


def troubles(health: Mapping[str, Any], now: datetime, zone: str) -> list[Trouble]:
    """Return what is wrong with a feed, the gravest first."""
    return [
        Trouble(
            *STATES.get(each["signal"], ("Needs a look", "soon")),
            _said(each["signal"], each["facts"], now, zone),
            _TO_DO.get(each["signal"], ""),
            clock(each["since"], now, zone),
        )
        for each in health["signals"]
    ]


def sentence(health: Mapping[str, Any], now: datetime, zone: str) -> str:
    """Say how a feed does, in one sentence or two."""
    if health["signals"]:
        return _said(health["signals"][0]["signal"], health["signals"][0]["facts"], now, zone)
    if health["state"] == "off":
        return "It is not in use, so nothing is expected of it."
    if not health["last_at"]:
        return "Nothing has come yet, and nothing is late."
    return f"Nothing is wrong. It last came {clock(health['last_at'], now, zone)}."


def picture(health: Mapping[str, Any], said: str, width: int = _LARGE[0], height: int = _LARGE[1]) -> Chart:
    """Return the last days of a feed, with the same figures as a table."""
    days, limits = health["days"], health["band"]
    points = [(_label(days, place), float(day["items"]), _kind(health, day, limits)) for place, day in enumerate(days)]
    finding = f"{health['name']}, rows a day for {len(days)} days. {said}"
    band = None if limits is None else (limits["low"], limits["high"] if limits["high"] is not None else limits["low"])
    chart = charts.columns(
        finding, f"{health['name']}, rows a day", points, names=("Day", "Rows"), band=band, width=width, height=height
    )
    x, _, wide, _, _ = chart.bars[-1]
    ends = [(round(x + wide, 1), height - 7, "end", _short(days[-1]["day"]))]
    texts = [*(each for each in chart.texts if each[3]), *ends]
    columns = ("Day", "Expected", "Rows", "Taken", "There already", "Not wanted", "Set aside", "Turned away")
    return replace(chart, columns=columns, rows=[_row(day) for day in reversed(days)], texts=texts)


def clock(at: str, now: datetime, zone: str) -> str:
    """Return a time as it stands within a sentence: `today, 8:42 am`."""
    said = absolute(datetime.fromisoformat(at), now, zone)
    return said[0].lower() + said[1:] if said.startswith(("Today", "Yesterday", "Tomorrow")) else said


def usual(health: Mapping[str, Any]) -> str:
    """Say how many rows a day should bring, and who says so."""
    limits = health["band"]
    if limits is None:
        return "How much is usual is known after eight days."
    who = "as its owner says" if limits["said"] else "as its last days did"
    if limits["high"] is None:
        return f"At least {limits['low']:,.0f} rows a day, {who}."
    return f"{limits['low']:,.0f} to {limits['high']:,.0f} rows a day, {who}."


def _said(signal: str, facts: Mapping[str, Any], now: datetime, zone: str) -> str:
    if signal in ("silent", "late"):
        last, due = facts.get("last_at"), facts.get("expected_by")
        said = f"Nothing since {clock(last, now, zone)}." if last else "Nothing has come yet."
        return f"{said} It was expected by {clock(due, now, zone)}." if due else said
    words = {
        "refused": "{times} deliveries were turned away as a whole, and none has come through since.",
        "errors": "{quarantined} of the last {items} rows could not be read.",
        "unknown_codes": "{items} rows hold a value that the mapping has no meaning for.",
        "volume_low": "{items} rows came; {low} or more are usual.",
        "volume_high": "{items} rows came; no more than {high} are usual.",
    }
    if signal == "new_columns":
        return f"The file has columns that were not in it before: {', '.join(facts.get('columns', ()))}."
    if signal not in words:
        return "Something about it is not as it should be."
    return words[signal].format_map(
        {name: f"{value:,}" if isinstance(value, int) else value for name, value in facts.items()}
    )


def _kind(health: Mapping[str, Any], day: Mapping[str, Any], limits: Mapping[str, Any] | None) -> str:
    """Return how a day is drawn: missing, outside what is usual, or as it should be."""
    items = day["items"]
    if not items and not day["deliveries"]:
        today = day is health["days"][-1]
        missing = day["expected"] and _watched(health, day) and (not today or health["state"] in ("late", "silent"))
        return "none" if missing else ""
    outside = limits is not None and (items < limits["low"] or (limits["high"] is not None and items > limits["high"]))
    return "out" if outside else ""


def _watched(health: Mapping[str, Any], day: Mapping[str, Any]) -> bool:
    """Whether the feed was there already: before its first delivery, or its first miss, nothing was missing."""
    begins = [each["day"] for each in health["days"] if each["deliveries"]]
    missed = [each["since"][:10] for each in (*health.get("history", ()), *health["signals"])]
    return bool(day["day"] >= min([*begins, *missed], default="9999"))


def _label(days: Sequence[Mapping[str, Any]], place: int) -> str:
    """Return the label under a day: the first has one, and the last by its own place."""
    return "" if place else _short(days[place]["day"])


def _short(day: str) -> str:
    at = date.fromisoformat(day)
    return f"{at:%b} {at.day}"


def _row(day: Mapping[str, Any]) -> tuple[object, ...]:
    figures = (day["items"], day["accepted"], day["unchanged"] + day["merged"], day["skipped"])
    rest = (day["quarantined"], day["refused"])
    return _short(day["day"]), "yes" if day["expected"] else "no", *(f"{each:,}" for each in (*figures, *rest))
