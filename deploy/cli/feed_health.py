"""How feeds do, what their kind needs to know, and the secret of somebody else's brokers. Part of `caselight feed`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from deploy.cli.client import ADMINISTRATOR, As, CannotError, Person, plainly, show_table
from deploy.cli.feed_parts import Code, find, read_document
from deploy.cli.steps import console

_FILE = typer.Argument(exists=True, dir_okay=False, readable=True, help="Names and values, in YAML.")
_LAST = 7


def register(app: typer.Typer) -> None:
    """Add these commands to `caselight feed`."""
    app.command("health")(health)
    app.command("settings")(settings)
    app.command("secret")(secret)


def health(
    code: Annotated[str, typer.Argument(metavar="[FEED]", help="One feed, with its last days; all without.")] = "",
    person: As = ADMINISTRATOR,
) -> None:
    """Show how feeds do: what is silent, late, odd or turned away, the gravest first."""
    with plainly():
        who = Person(person)
        if not code:
            _all(who.get("intake", "/feed-health")["items"])
            return
        found = who.get("intake", f"/feeds/{find(who, code)['feed_id']}/health")
    console.print(f"{found['name']} ({found['code']}): {found['state']}; last came {_at(found['last_at'])}")
    for each in found["signals"]:
        facts = ", ".join(f"{name} {value}" for name, value in each["facts"].items() if value not in ("", None))
        console.print(f"{each['signal']} since {_at(each['since'])}: {facts}")
    for each in found["refusals"]:
        console.print(f"turned away {each['times']} times, last {_at(each['last_at'])}: {each['detail']}")
    table = Table(box=None, pad_edge=False)
    for title in ("day", "expected", "items", "taken", "set aside", "turned away"):
        table.add_column(title)
    for day in found["days"][-_LAST:]:
        table.add_row(
            day["day"], "yes" if day["expected"] else "no", f"{day['items']:,}", f"{day['accepted']:,}",
            f"{day['quarantined']:,}", f"{day['refused']:,}",
        )  # fmt: skip
    show_table(table)


def settings(code: Code, file: Annotated[Path, _FILE], person: As = ADMINISTRATOR) -> None:
    """Give a feed what its kind needs to know: keys and accounts of Canvas, brokers of a topic, ids of OneRoster."""
    with plainly():
        who = Person(person)
        feed = find(who, code)
        body = {"version": feed["version"], "settings": read_document(file)}
        who.ask("PATCH", "intake", f"/feeds/{feed['feed_id']}", json=body)
    console.print(f"Saved. {code} uses them from now on.")


def secret(code: Code, person: As = ADMINISTRATOR) -> None:
    """Give a topic the secret its brokers ask for, from standard input. It is sealed, and never shown again."""
    with plainly():
        given = typer.prompt("Secret", hide_input=True) if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
        if not given:
            raise CannotError("Write the secret to standard input: caselight feed secret CODE < FILE")
        who = Person(person)
        who.ask("PUT", "intake", f"/feeds/{find(who, code)['feed_id']}/secret", json={"secret": given})
    console.print("Saved, sealed. The one before it has ended.")


def _all(items: list[Mapping[str, Any]]) -> None:
    if not items:
        console.print("No feeds yet. Add one: caselight feed add --help")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("code", "name", "campus", "state", "also", "last came"):
        table.add_column(title)
    for each in items:
        also = ", ".join(signal["signal"] for signal in each["signals"][1:])
        table.add_row(each["code"], each["name"], each["campus"], each["state"], also, _at(each["last_at"]))
    show_table(table)


def _at(at: str | None) -> str:
    return (at or "never")[:16]
