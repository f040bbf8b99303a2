"""What feeds sent and could not be read: look, mend, have it read again, discard. Part of `caselight feed`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from deploy.cli.client import ADMINISTRATOR, As, CannotError, Person, plainly, show_table
from deploy.cli.feed_parts import Code, find
from deploy.cli.steps import console

quarantine_app = typer.Typer(no_args_is_help=True, help="What a feed sent and could not be read.")

Item = Annotated[str, typer.Argument(metavar="ITEM", help="As `quarantine list FEED --reason CODE` shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Only items of this reason, by its code.")]
Column = Annotated[str, typer.Option("--column", help="With --reason: only of this column.")]
Items = Annotated[list[str] | None, typer.Option("--item", help="Only this item; may be given again.")]


def register(app: typer.Typer) -> None:
    """Add these commands to `caselight feed`."""
    app.add_typer(quarantine_app, name="quarantine")


@quarantine_app.command("list")
def list_(code: Code, reason: Reason = "", column: Column = "", person: As = ADMINISTRATOR) -> None:
    """List what waits, by reason; with --reason, item by item."""
    with plainly():
        who = Person(person)
        path = f"/feeds/{find(who, code)['feed_id']}/quarantine"
        if reason:
            asked = {"code": reason, "column": column}
            _show_items(who.get("intake", f"{path}/items", **asked)["items"])
            return
        groups = who.get("intake", path)["items"]
    if not groups:
        console.print("Nothing is set aside.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("items", "reason", "column", "why", "what would be taken", "oldest"):
        table.add_column(title)
    for each in groups:
        table.add_row(
            f"{each['items']:,}", each["code"], each["column"], each["reason"], each["accepted"], each["oldest"][:16]
        )
    show_table(table)


@quarantine_app.command("show")
def show(code: Code, item: Item, person: As = ADMINISTRATOR) -> None:
    """Show what an item said. This is recorded: it may be about somebody."""
    with plainly():
        who = Person(person)
        found = who.get("intake", f"/feeds/{find(who, code)['feed_id']}/quarantine/items/{item}")
    console.print(f"{found['place']}: {found['column']} {found['reason']} {found['accepted']}")
    print(found["raw"])
    if found["mended_raw"] is not None:
        console.print("Mended to say:")
        print(found["mended_raw"])


@quarantine_app.command("mend")
def mend(
    code: Code,
    item: Item,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What it should say.")],
    person: As = ADMINISTRATOR,
) -> None:
    """Say what an item should say; what it said is kept. Then have it read again: quarantine replay."""
    with plainly():
        who = Person(person)
        path = f"/feeds/{find(who, code)['feed_id']}/quarantine/items/{item}/mend"
        who.post("intake", path, {"raw": file.read_text(encoding="utf-8")})
        console.print(f"Mended. Have it read: caselight feed quarantine replay {code} --item {item}")


@quarantine_app.command("replay")
def replay(
    code: Code, reason: Reason = "", column: Column = "", item: Items = None, person: As = ADMINISTRATOR
) -> None:  # fmt: skip
    """Have what waits read again by the mapping in use. Nothing is made twice."""
    with plainly():
        done, still = _all(Person(person), code, "replay", _chosen(reason, column, item))
    console.print(f"{done:,} taken in, {still:,} still wait.")


@quarantine_app.command("discard")
def discard(
    code: Code,
    why: Annotated[str, typer.Option("--why", help="Why it is never taken in.")],
    *,
    reason: Reason = "",
    column: Column = "",
    item: Items = None,
    everything: Annotated[bool, typer.Option("--all", help="All that waits.")] = False,
    person: As = ADMINISTRATOR,
) -> None:
    """Decide that items are never taken in. They are kept, with why."""
    with plainly():
        if not (reason or item or everything):
            raise CannotError("Say which: --reason CODE, --item ITEM, or --all.")
        done, _ = _all(Person(person), code, "discard", {**_chosen(reason, column, item), "reason": why})
    console.print(f"{done:,} discarded.")


def _chosen(reason: str, column: str, items: list[str] | None) -> dict[str, Any]:
    return {"item_ids": items or None, "code": reason or None, "column": column}


def _all(who: Person, code: str, what: str, body: dict[str, Any]) -> tuple[int, int]:
    """Do something with all items chosen, some hundreds at a time."""
    path, done, still = f"/feeds/{find(who, code)['feed_id']}/quarantine/{what}", 0, 0
    while True:
        answer = who.post("intake", path, body)
        done, still = done + answer["done"], still + answer["still"]
        if not answer["after"]:
            return done, still
        body["after"] = answer["after"]


def _show_items(items: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("item", "where", "column", "why", "times", "since"):
        table.add_column(title)
    for each in items:
        table.add_row(
            each["item_id"], each["place"], each["column"], each["reason"], str(each["times"]), each["received_at"][:16]
        )
    show_table(table)
