"""Who somebody is: tokens for people of a development installation, and the list of them."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.client import ADMINISTRATOR, CannotError, Person, plainly, show_table, staff
from deploy.cli.steps import console


def register(app: typer.Typer) -> None:
    """Add these commands to `caselight`."""
    app.command()(token)
    app.command()(people)


def token(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="A staff id of the program.")],
    hours: Annotated[float, typer.Option(min=0.01, max=24, help="How long it is good for.")] = 12,
) -> None:
    """Print a token that proves to be PERSON (development only: it is minted with the local signing key)."""
    with plainly():
        known = _known()
        if known and person not in known:
            show(known, Console(stderr=True, highlight=False))
            raise CannotError(f"The program knows no {person}. Take one of these.")
        print(Person(person).token(timedelta(hours=hours)))


def people() -> None:
    """List everybody in the program with their roles."""
    with plainly():
        known = {each["staff_id"]: dict(each) for each in staff(Person(ADMINISTRATOR))}
        if not known:
            raise CannotError("The program has no staff yet: caselight program apply FILE, or caselight demo")
        show(known, console)


def _known() -> dict[str, dict[str, object]]:
    """Return the staff by id; nothing when the program cannot be read, because a token must not depend on that."""
    try:
        return {each["staff_id"]: dict(each) for each in staff(Person(ADMINISTRATOR))}
    except CannotError:
        return {}


def show(known: dict[str, dict[str, object]], where: Console) -> None:
    """Print people with their roles; beside a token that is for standard error."""
    table = Table(box=None, pad_edge=False)
    for title in ("person", "name", "roles"):
        table.add_column(title)
    for id_, each in known.items():
        roles = each["roles"]
        held = roles if isinstance(roles, list) else []
        table.add_row(id_, str(each["name"]), ", ".join(f"{role['name']} ({role['campus']})" for role in held))
    show_table(table, where)
