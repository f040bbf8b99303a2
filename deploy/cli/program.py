"""The program (campuses, staff, rotas, policies) from a file."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.table import Table

from deploy.cli.client import ADMINISTRATOR, As, CannotError, Person, plainly, show_table
from deploy.cli.steps import console

program_app = typer.Typer(no_args_is_help=True, help="Campuses, staff, rotas and policies.")
_MARKS = {"add": "[green]add[/green]", "change": "[yellow]change[/yellow]", "remove": "[red]remove[/red]"}


def register(app: typer.Typer) -> None:
    """Add these commands to `caselight`."""
    app.add_typer(program_app, name="program")


@program_app.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="YAML.")],
    person: As = ADMINISTRATOR,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Make the program what FILE says. Says what changes before it does anything; what FILE leaves out stays."""
    with plainly():
        who, document = Person(person), read(file)
        changes = plan(who, document)
        show(changes)
        if dry_run or not changes:
            return
        if not yes and not (sys.stdin.isatty() and typer.confirm(f"Make these {len(changes)} changes?")):
            raise CannotError("Nothing was changed. Say --yes to make these changes without being asked.")
        carry_out(who, document)
    console.print(f"{len(changes)} changes made")


def read(file: Path) -> dict[str, Any]:
    """Return a document. Raises CannotError where it is no YAML, with the place."""
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise CannotError(f"{file} is no YAML in UTF-8{place}.") from error
    if not isinstance(document, dict):
        raise CannotError(f"{file} must have campuses, staff, rotas or policies at its top.")
    return document


def plan(person: Person, document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what applying the document would change."""
    answer = person.post("program", "/program:apply", _json({"document": document, "dry_run": True}))
    return list(answer["changes"])


def carry_out(person: Person, document: dict[str, Any]) -> list[dict[str, Any]]:
    """Apply the document and return what that changed."""
    answer = person.post("program", "/program:apply", _json({"document": document, "dry_run": False}))
    return list(answer["changes"])


def _json(value: Any) -> Any:  # noqa: ANN401 - whatever YAML holds
    """Return what YAML read as JSON says it: its dates and times as text."""
    match value:
        case dict():
            return {str(name): _json(each) for name, each in value.items()}
        case list():
            return [_json(each) for each in value]
        case str() | int() | float() | bool() | None:
            return value
        case _:
            return value.isoformat() if hasattr(value, "isoformat") else str(value)


def show(changes: list[dict[str, Any]]) -> None:
    """Print changes, one a line."""
    if not changes:
        console.print("The program is so already; nothing to change.")
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for change in changes:
        table.add_row(_MARKS[change["change"]], change["key"], ", ".join(change["fields"]))
    show_table(table)
