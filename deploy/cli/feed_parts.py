"""What the commands about feeds share: finding one by its code, reading a mapping, telling what became of items."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.table import Table

from deploy.cli.client import CannotError, Person, show_table
from deploy.cli.steps import console

Code = Annotated[str, typer.Argument(metavar="FEED", help="The feed's code, as `caselight feed list` shows it.")]
Document = Annotated[
    Path | None, typer.Option("--document", exists=True, dir_okay=False, readable=True, help="A mapping, in YAML.")
]
_FATES = ("accepted", "unchanged", "merged", "skipped", "quarantined")
_WORDS = {
    "accepted": "taken", "unchanged": "there already", "merged": "known from another feed",
    "skipped": "not wanted by the mapping", "quarantined": "set aside",
}  # fmt: skip


def all_feeds(who: Person, campus: str = "") -> Iterator[dict[str, Any]]:
    """Yield the feeds a person may see."""
    after: dict[str, object] = {"campus": campus}
    while True:
        answer = who.get("intake", "/feeds", **after)
        yield from answer["items"]
        if not answer["after"]:
            return
        after["after"] = answer["after"]


def find(who: Person, code: str) -> dict[str, Any]:
    """Return the feed with a code. Raises CannotError where there is none."""
    feed = next((feed for feed in all_feeds(who) if code in (feed["code"], feed["feed_id"])), None)
    if feed is None:
        raise CannotError(f"There is no feed {code}, or it is not yours to see. Look: caselight feed list")
    return feed


def read_document(path: Path) -> dict[str, Any]:
    """Return a mapping from a file. Raises CannotError for what is no YAML."""
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        line = f" at line {place.line + 1}" if place is not None else ""
        raise CannotError(f"{path.name} is no YAML{line}.") from error
    if not isinstance(said, dict):
        raise CannotError(f"{path.name} is no mapping: it has no names and values.")
    return {name: value for name, value in said.items() if name != "for"}


def show_token(token: Mapping[str, str]) -> None:
    """Print a token just made."""
    console.print("Its token, shown this once; give it to the sender by a safe way:")
    print(token["secret"])


def show_results(counts: Mapping[str, int], results: Sequence[Mapping[str, str]]) -> None:
    """Print what became of items: counts, and those that were set aside with why."""
    said = [f"{counts[fate]:,} {_WORDS[fate]}" for fate in _FATES if counts[fate]]
    console.print(f"{counts['items']:,} items: {', '.join(said) or 'none'}")
    aside = [result for result in results if result["outcome"] == "quarantined"]
    if not aside:
        return
    table = Table(box=None, pad_edge=False)
    for title in ("where", "column", "why", "what would be taken"):
        table.add_column(title)
    for result in aside[:20]:
        table.add_row(result["place"], result["column"], result["reason"], result["accepted"])
    show_table(table)


def show_rows(rows: Sequence[Mapping[str, str]]) -> None:
    """Print the first rows that a mapping made, by field."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name)
    for row in rows[:5]:
        table.add_row(*(row.get(name, "")[:40] for name in names))
    show_table(table)
