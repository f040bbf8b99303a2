"""What services could not handle: look at it, have it tried again, or give it up."""

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from deploy.cli.client import ADMINISTRATOR, As, Person, plainly, show_table
from deploy.cli.steps import console
from shared.settings import OWNERS

dead_letters_app = typer.Typer(no_args_is_help=True, help="Events that a service could not handle.")


def _one_of_ours(name: str) -> str:
    if name and name not in OWNERS:
        raise typer.BadParameter(f"there is no service {name}; there are {', '.join(OWNERS)}")
    return name


Service = Annotated[str, typer.Option(help="Which service's.", callback=_one_of_ours)]
Ids = Annotated[list[str], typer.Argument(metavar="ID", help="As `dead-letters list` shows them; one or more.")]


def register(app: typer.Typer) -> None:
    """Add these commands to `caselight`."""
    app.add_typer(dead_letters_app, name="dead-letters")


@dead_letters_app.command("list")
def list_(
    service: Annotated[str, typer.Option(help="Only this service's; all if left out.", callback=_one_of_ours)] = "",
    person: As = ADMINISTRATOR,
) -> None:
    """List what waits for somebody: dead letters, and the events behind them."""
    with plainly():
        who = Person(person)
        found = [(name, each) for name in ([service] if service else OWNERS) for each in letters(who, name)]
    if not found:
        console.print("No dead letters.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("service", "id", "state", "event", "error", "tries", "since"):
        table.add_column(title)
    for name, each in found:
        error = f"{each['error_class']} {each['error_place']}".strip()
        state = "retry asked" if each["retry_asked"] else each["state"]
        table.add_row(
            name, each["id"], state, each["event_type"], error, str(each["attempts"]), each["recorded_at"][:19]
        )
    show_table(table)


def letters(person: Person, service: str) -> list[dict[str, Any]]:
    """Return all dead letters of a service, oldest first."""
    found: list[dict[str, Any]] = []
    after: dict[str, object] = {}
    while True:
        answer = person.get(service, "/dead-letters", **after)
        found += answer["items"]
        if answer["after"] is None:
            return found
        after = {"after": answer["after"]}


@dead_letters_app.command("show")
def show(
    letter: Annotated[str, typer.Argument(metavar="ID")], service: Service, person: As = ADMINISTRATOR
) -> None:  # fmt: skip
    """Show one with its headers and value: ids and codes, since no text travels."""
    with plainly():
        console.print_json(json.dumps(Person(person).get(service, f"/dead-letters/{letter}")))


@dead_letters_app.command("retry")
def retry(ids: Ids, service: Service, person: As = ADMINISTRATOR) -> None:
    """Have the worker try these again, and then what waits behind them."""
    with plainly():
        changed = Person(person).post(service, "/dead-letters:retry", {"ids": ids})["changed"]
    console.print(f"{changed} will be tried again")


@dead_letters_app.command("discard")
def discard(
    ids: Ids,
    service: Service,
    reason: Annotated[str, typer.Option(help="Why, as a code such as sent_by_mistake; it is kept.")],
    person: As = ADMINISTRATOR,
) -> None:
    """Give these up for good; what waits behind them goes on."""
    with plainly():
        changed = Person(person).post(service, "/dead-letters:discard", {"ids": ids, "reason": reason})["changed"]
    console.print(f"{changed} given up")
