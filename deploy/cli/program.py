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
# What the service adds to what a document says.
_NOT_SAID = ("version", "calendar_version", "approved_at")
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
        if not yes and not (sys.stdin.isatty() and typer.confirm(f"Make {counted(changes)}?")):
            raise CannotError("Nothing was changed. Say --yes to make these changes without being asked.")
        tell(carry_out(who, document))


@program_app.command("proposals")
def proposals(person: As = ADMINISTRATOR) -> None:
    """List what waits for a second person."""
    with plainly():
        found = Person(person).get("program", "/proposals", state="waiting")["items"]
    if not found:
        console.print("Nothing waits for a second person.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("proposal", "policy", "campus", "change", "by", "since"):
        table.add_column(heading)
    for each in found:
        table.add_row(
            each["proposal_id"], each["name"], each["campus"], each["change"], each["proposed_by"],
            each["proposed_at"][:16],
        )  # fmt: skip
    show_table(table)


@program_app.command("approve")
def approve(proposal: Annotated[str, typer.Argument(help="Its id: caselight program proposals")], person: As) -> None:
    """Agree to a proposal. It takes another administrator than who made it: say --as PERSON."""
    with plainly():
        agreed = Person(person).post("program", f"/proposals/{proposal}/approve")
    console.print(f"{agreed['name']} of {agreed['campus']}: proposed by {agreed['proposed_by']}, approved by {person}")


@program_app.command("reject")
def reject(
    proposal: Annotated[str, typer.Argument(help="Its id: caselight program proposals")],
    reason: Annotated[str, typer.Option(help="A code such as too_many.")],
    person: As,
) -> None:
    """Refuse a proposal, or take back one's own."""
    with plainly():
        refused = Person(person).post("program", f"/proposals/{proposal}/reject", {"reason_code": reason})
    console.print(f"{refused['name']} of {refused['campus']}: {refused['state']}")


@program_app.command("roll-back")
def roll_back(
    campus: Annotated[str, typer.Argument(help='Whose rules over flags: a campus, or "*".')],
    to: Annotated[str, typer.Option(help="An edition that was in force, or `shipped`.")],
    person: As = ADMINISTRATOR,
) -> None:
    """Put an earlier edition of the rules over flags in force again, at once."""
    with plainly():
        body = {"campus": campus, "name": "threshold", "edition": to}
        change = Person(person).post("program", "/policies:roll-back", body)
    console.print(f"{change['key']}: back to {to}")


def tell(changes: list[dict[str, Any]]) -> None:
    """Say what was done, and what waits for somebody else."""
    waiting = [change for change in changes if change["needs_approval"] and change["proposal_id"]]
    console.print(f"{counted([change for change in changes if change not in waiting])} made")
    for change in waiting:
        console.print(
            f"{change['key']} is proposed. Another administrator agrees with:"
            f" caselight program approve {change['proposal_id']} --as PERSON"
        )


@program_app.command("show")
def show_program(person: As = ADMINISTRATOR) -> None:
    """Print the program as a document: change a part of it and `apply` that. Conflicts show to administrators only."""
    with plainly():
        said = Person(person).get("program", "/program")
    print(yaml.safe_dump(document_of(said), sort_keys=False, allow_unicode=True, width=120), end="")


def document_of(said: dict[str, Any]) -> dict[str, Any]:
    """Return the program that was read as a document that says the same."""
    return {name: [_entry(thing) for thing in things] for name, things in said.items() if isinstance(things, list)}


def _entry(thing: dict[str, Any]) -> dict[str, Any]:
    said = {
        name: value for name, value in thing.items() if name not in _NOT_SAID and (name, value) != ("status", "active")
    }
    return dict(_without_nulls(said))


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Leave out what is not set; a policy's value may be null and mean it, so those stay."""
    match value:
        case dict():
            return {
                name: each if name == "values" else _without_nulls(each)
                for name, each in value.items()
                if each is not None
            }
        case list():
            return [_without_nulls(each) for each in value]
        case _:
            return value


def counted(changes: list[dict[str, Any]]) -> str:
    """Say how many changes."""
    return "1 change" if len(changes) == 1 else f"{len(changes)} changes"


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
        second = " (a second person has to agree)" if change["needs_approval"] else ""
        table.add_row(_MARKS[change["change"]], change["key"], ", ".join(change["fields"]) + second)
    show_table(table)
