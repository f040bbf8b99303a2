"""What a benchmark says: figures with their reference and goal, shown as a table and kept as JSON."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

OUTPUT = Path("build/bench.json")


@dataclass(frozen=True)
class Figure:
    """One measured value. `ratio` is value / reference; `ok` is None where there is no goal to meet."""

    name: str
    value: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
    goal: str = ""
    ok: bool | None = None


def figure(
    name: str, value: float, unit: str, *, reference: float | None = None, goal: str = "", ok: bool | None = None
) -> Figure:
    """Return a figure, its ratio worked out."""
    ratio = round(value / reference, 3) if reference else None
    rounded = None if reference is None else round(reference, 2)
    return Figure(name, round(value, 2), unit, rounded, ratio, goal, ok)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def say(*lines: str) -> None:
    """Print lines at once, for whoever waits."""
    sys.stdout.write("\n".join((*lines, "")))
    sys.stdout.flush()


def show(figures: list[Figure]) -> None:
    """Print the table."""
    table = Table(title="Caselight: measured on this machine, each beside its reference from the same run")
    for column in ("name", "value", "unit", "reference", "ratio", "goal", "met"):
        table.add_column(column, justify="left" if column in ("name", "unit", "goal") else "right")
    for item in figures:
        met = "" if item.ok is None else ("yes" if item.ok else "NO")
        cells = (item.name, f"{item.value:,.2f}", item.unit, _cell(item.reference), _cell(item.ratio), item.goal, met)
        table.add_row(*cells)
    Console(width=150).print(table)


def keep(figures: list[Figure]) -> None:
    """Write `build/bench.json`."""
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps([asdict(item) for item in figures], indent=1) + "\n", encoding="utf-8")


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"
