"""How the installation does: each service, and what it all adds up to."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from deploy.cli.client import ADMINISTRATOR, As, CannotError, MayNotError, Person, plainly, show_table, staff
from deploy.cli.steps import console
from deploy.local.installation import services
from shared.clock import SystemClock
from shared.settings import OWNERS

_BARS = " ▁▂▃▄▅▆▇█"
_READERS = ("director", "supervisor")
_TIMES = {
    "referrals_triaged": "received to triaged",
    "cases_accepted": "case opened to accepted",
    "cases_attempted": "case opened to first attempt",
    "cases_contacted": "case opened to first contact",
    "pages_accepted": "page raised to accepted",
    "pages_unreached": "page raised to unreached",
}
Rows = Sequence[Mapping[str, Any]]


def register(app: typer.Typer) -> None:
    """Add these commands to `caselight`."""
    app.command()(status)


def status(
    person: As = ADMINISTRATOR,
    weeks: Annotated[int, typer.Option(min=1, max=100, help="How far back the figures go.")] = 12,
) -> None:
    """Show how each service does (for operators), and the figures of the last weeks (for directors)."""
    with plainly():
        show_services(Person(person))
        show_figures(Person(person), weeks)


# ---------------------------------------------------------------------------------------------------- services


def show_services(person: Person) -> None:
    """Print one line a service."""
    names = [name for name in services() if name in OWNERS]
    with ThreadPoolExecutor(len(names)) as pool:
        answers = dict(zip(names, pool.map(lambda name: _status(person, name), names), strict=True))
    if all(isinstance(answer, MayNotError) for answer in answers.values()):
        console.print(f"How the services do is for operators to see, not for {person.name}.", markup=False)
        return
    if all(isinstance(answer, CannotError) and not isinstance(answer, MayNotError) for answer in answers.values()):
        raise CannotError("No service answers. Start them: caselight up; what else may be wrong: caselight doctor")
    table = Table(box=None, pad_edge=False)
    for title in ("service", "ready", "outbox", "replicas", "dead letters", "timers"):
        table.add_column(title)
    for name, answer in answers.items():
        table.add_row(name, *([_no_line(answer)] if isinstance(answer, CannotError) else _line(answer)))
    show_table(table)
    for name, answer in answers.items():
        for trouble in _first_line(answer) if isinstance(answer, CannotError) else _troubles(answer):
            console.print(f"[red]{name}[/red]: {escape(trouble.removeprefix(f'{name} ').removeprefix(f'{name}: '))}")


def _no_line(error: CannotError) -> str:
    return "[yellow]not shown[/yellow]" if isinstance(error, MayNotError) else "[red]no answer[/red]"


def _first_line(error: CannotError) -> list[str]:
    return str(error).splitlines()[:1]


def _status(person: Person, service: str) -> dict[str, Any] | CannotError:
    try:
        return dict(person.get(service, "/status"))
    except CannotError as error:
        return error


def _line(answer: Mapping[str, Any]) -> Iterable[str]:
    outbox, letters, timers = answer["outbox"], answer["dead_letters"], answer["timers"]
    yield "yes" if answer["ready"] else "[yellow]not yet[/yellow]"
    yield f"{outbox['rows']}" + (f", oldest {outbox['oldest_seconds']:.0f} s" if outbox["rows"] else "")
    yield ", ".join(_short(topic) + ("" if read else " (reading)") for topic, read in answer["replicas"].items())
    yield f"[red]{letters['dead']}[/red]" if letters["dead"] else "none"
    yield f"{timers['waiting']}" + (f", {timers['late']} late" if timers["late"] else "")


def _troubles(answer: Mapping[str, Any]) -> list[str]:
    letters = answer["dead_letters"]
    found = [f"{loop} {what}" for loop, what in answer["troubles"].items()]
    if letters["dead"]:
        waiting = f"{letters['waiting']} events wait behind them, {letters['parked']} keys are parked"
        found.append(f"{letters['dead']} dead letters; {waiting}. Look: caselight dead-letters list")
    return found


def _short(topic: str) -> str:
    return topic.rsplit(".", 1)[-1]


# ----------------------------------------------------------------------------------------------------- figures


def show_figures(person: Person, weeks: int) -> None:
    """Print the figures, as whoever may read them: the person, else the first director of the program."""
    try:
        found, reader = _figures(person, weeks), person
    except CannotError as error:
        director = _director(person)
        if director is None:
            raise CannotError(f"No figures: {error}") from error
        found, reader = _figures(director, weeks), director
    loads = reader.get("analytics", "/figures/caseloads")["rows"]
    as_of = f"{found['as_of'][:19].replace('T', ' ')} UTC" if found["as_of"] else "never"
    console.print(f"\nFigures as {reader.name} may see them, as of {as_of}, counted {found['lag_seconds']:.1f} s after")
    show_table(campuses_table(found, weeks))
    show_table(pages_table(found))
    show_table(times_table(found["rows"]))
    if loads:
        console.print("Open cases: " + ", ".join(f"{each['staff_id']} {each['open_cases']}" for each in loads))


def _figures(person: Person, weeks: int) -> dict[str, Any]:
    since = _today() - timedelta(weeks=weeks)
    return dict(person.get("analytics", "/figures", since=since.isoformat()))


def _today() -> date:
    return SystemClock().now().date()


def _director(person: Person) -> Person | None:
    """Return a director of the program, of the system before one of a campus. Locally every token can be minted."""
    held = [
        (role["campus"] != "*", role["name"] != "director", each["staff_id"])
        for each in staff(person)
        for role in each["roles"]
        if role["name"] in _READERS
    ]
    return Person(min(held)[2]) if held else None


def campuses_table(found: Mapping[str, Any], weeks: int) -> Table:
    """Return one line a campus: what came in, what became of it, and the weeks as bars."""
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    weekly: defaultdict[str, list[int]] = defaultdict(lambda: [0] * weeks)
    last = _today()
    for row in found["rows"]:
        sums[row["campus"], row["kind"]] += row["count"]
        back = (last - date.fromisoformat(row["day"])).days // 7
        if row["kind"] == "flags" and 0 <= back < weeks:
            weekly[row["campus"]][weeks - 1 - back] += row["count"]
    still: defaultdict[str, int] = defaultdict(int)
    for each in found["open_cases"]:
        still[each["campus"]] += each["count"]
    table = Table(box=None, pad_edge=False)
    for title in ("campus", "flags", "by week", "referrals", "triaged", "cases", "open"):
        table.add_column(title, justify="left" if title in ("campus", "by week") else "right", overflow="fold")
    for campus in found["campuses"]:
        kinds = ("referrals", "referrals_triaged", "cases_opened")
        table.add_row(
            campus, f"{sums[campus, 'flags']:,}", bars(weekly[campus]), *(f"{sums[campus, kind]:,}" for kind in kinds),
            f"{still[campus]:,}",
        )  # fmt: skip
    return table


def pages_table(found: Mapping[str, Any]) -> Table:
    """Return one line a campus: how often somebody was paged, and what came of it."""
    sums = Counter[tuple[str, str]]()
    for row in found["rows"]:
        sums[row["campus"], row["kind"]] += row["count"]
    table = Table(box=None, pad_edge=False)
    for title in ("campus", "pages", "accepted", "unreached"):
        table.add_column(title, justify="left" if title == "campus" else "right")
    for campus in found["campuses"]:
        kinds = ("pages_raised", "pages_accepted", "pages_unreached")
        table.add_row(campus, *(f"{sums[campus, kind]:,}" for kind in kinds))
    return table


def bars(values: Sequence[int]) -> str:
    """Draw numbers as bars of one character, the largest the highest."""
    most = max(values, default=0) or 1
    return "".join(_BARS[-(-value * (len(_BARS) - 1) // most)] for value in values)


def times_table(rows: Rows) -> Table:
    """Return how long things take, over all campuses shown."""
    counts: defaultdict[str, int] = defaultdict(int)
    seconds: defaultdict[str, float] = defaultdict(float)
    longest: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        if row["mean_seconds"] is not None:
            counts[row["kind"]] += row["count"]
            seconds[row["kind"]] += row["count"] * row["mean_seconds"]
            longest[row["kind"]] = max(longest[row["kind"]], row["longest_seconds"])
    table = Table(box=None, pad_edge=False)
    for title in ("time from", "how many", "mean", "longest"):
        table.add_column(title, justify="left" if title == "time from" else "right")
    for kind, words in _TIMES.items():
        if counts[kind]:
            table.add_row(words, f"{counts[kind]:,}", spoken(seconds[kind] / counts[kind]), spoken(longest[kind]))
    return table


def spoken(seconds: float) -> str:
    """Say a duration in the unit a person would."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
