"""The mappings of feeds: write a version, try it on a sample, put it in use or go back. Part of `caselight feed`."""

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.table import Table

from deploy.cli.client import ADMINISTRATOR, As, CannotError, Person, plainly, show_table
from deploy.cli.feed_parts import Code, Document, find, read_document, show_results, show_rows
from deploy.cli.steps import console

mapping_app = typer.Typer(no_args_is_help=True, help="What the items of a feed mean, as versioned documents.")
_SAMPLE_LIMIT = 200_000

Sample = Annotated[
    Path, typer.Argument(metavar="SAMPLE", exists=True, dir_okay=False, readable=True, help="A piece of what it sends.")
]


def register(app: typer.Typer) -> None:
    """Add these commands to `caselight feed`."""
    app.add_typer(mapping_app, name="mapping")
    app.command("try")(try_)
    app.command()(activate)


def try_(
    code: Code,
    sample: Sample,
    *,
    document: Document = None,
    version: Annotated[int, typer.Option(help="A version of its mapping; the one in use if left out.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Also say what is there already.")] = False,
    person: As = ADMINISTRATOR,
) -> None:
    """Show what a mapping makes of a sample. Nothing is kept."""
    with plainly():
        who = Person(person)
        feed = find(who, code)
        body: dict[str, Any] = {"sample": _beginning(sample), "dry_run": dry_run}
        if document is not None:
            body["document"] = read_document(document)
        elif version or not feed["mapping_version"]:
            body["version"] = version or 1
        answer = who.post("intake", f"/feeds/{feed['feed_id']}/mappings/try", body)
    show_rows(answer["rows"])
    show_results(answer["counts"], answer["results"])
    if answer["new_columns"]:
        console.print(f"Columns the mapping does not read: {', '.join(answer['new_columns'])}")
    console.print("Nothing was kept.")


def activate(
    code: Code,
    version: Annotated[int, typer.Argument(help="The newest if left out; an earlier one goes back to it.")] = 0,
    person: As = ADMINISTRATOR,
) -> None:
    """Put a version of the mapping in use: the next one, or an earlier one again."""
    with plainly():
        who = Person(person)
        path = f"/feeds/{find(who, code)['feed_id']}/mappings"
        versions = who.get("intake", path)["items"]
        if not versions:
            raise CannotError(f"{code} has no mapping yet: caselight feed mapping add {code} --document FILE")
        feed = who.post("intake", f"{path}/{version or versions[0]['version']}/activate")
        console.print(f"{code} is {feed['state']} and reads by version {feed['mapping_version']}.")


@mapping_app.command("shipped")
def shipped(
    name: Annotated[str, typer.Argument(help="Print this one as YAML, to begin from.")] = "", person: As = ADMINISTRATOR
) -> None:  # fmt: skip
    """List the mappings that come with the product, or print one."""
    with plainly():
        found = {each["name"]: each for each in Person(person).get("intake", "/feed-mappings")["items"]}
        if name and name not in found:
            raise CannotError(f"There is no shipped mapping {name}. There are: {', '.join(found)}")
    if name:
        _print(found[name]["document"])
        return
    table = Table(box=None, pad_edge=False)
    for title in ("name", "brings", "reads", "for", "what it is"):
        table.add_column(title)
    for each in found.values():
        table.add_row(each["name"], each["brings"], each["reads"], ", ".join(each["kinds"]), each["about"])
    show_table(table)


@mapping_app.command("add")
def add(
    code: Code,
    document: Document = None,
    mapping: Annotated[str, typer.Option("--shipped", help="A shipped one as it stands.")] = "",
    note: Annotated[str, typer.Option(help="What changed, for whoever comes after.")] = "",
    person: As = ADMINISTRATOR,
) -> None:
    """Keep a next version of a feed's mapping. It is checked, and not in use before `feed activate`."""
    with plainly():
        who = Person(person)
        body: dict[str, Any] = {"note": note, "shipped": mapping}
        if document is not None:
            body["document"] = read_document(document)
        answer = who.post("intake", f"/feeds/{find(who, code)['feed_id']}/mappings", body)
        console.print(f"Version {answer['version']} is kept. Put it in use: caselight feed activate {code}")


@mapping_app.command("show")
def show(
    code: Code,
    version: Annotated[int, typer.Argument(help="The one in use if left out.")] = 0,
    person: As = ADMINISTRATOR,
) -> None:
    """Print a version of a feed's mapping as YAML."""
    with plainly():
        who = Person(person)
        versions = who.get("intake", f"/feeds/{find(who, code)['feed_id']}/mappings")["items"]
        wanted = (each for each in versions if (each["version"] == version if version else each["in_use"]))
        found = next(wanted, None)
        if found is None:
            raise CannotError(f"{code} has no such version: caselight feed show {code}")
    _print(found["document"])


def _beginning(sample: Path) -> str:
    """Return as much of a file as is tried, in whole lines."""
    with sample.open("rb") as file:
        text = file.read(_SAMPLE_LIMIT).decode("utf-8", "replace")
        return text if not file.read(1) else text.rpartition("\n")[0]


def _print(document: dict[str, Any]) -> None:
    print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), end="")
