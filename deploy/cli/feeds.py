"""Feeds: machines that send. Add one, look after it, give it a new token, send something as its sender would."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.table import Table

from deploy.cli import feed_health, feed_mappings, feed_quarantine
from deploy.cli.client import ADMINISTRATOR, As, CannotError, Person, complaint, plainly, show_table
from deploy.cli.feed_parts import Code, Document, all_feeds, find, read_document, show_results, show_token
from deploy.cli.steps import console
from deploy.local.installation import url
from services.intake.domain.signatures import HEADER, sign
from shared.clock import SystemClock

feed_app = typer.Typer(no_args_is_help=True, help="Machines that send: files, requests, events.")
_SENT_TO = ("http_push", "canvas", "caliper", "referrals_api")
_COUNTS = ("items", "accepted", "unchanged", "merged", "skipped", "quarantined")


def register(app: typer.Typer) -> None:
    """Add these commands to `caselight`."""
    feed_mappings.register(feed_app)
    feed_quarantine.register(feed_app)
    feed_health.register(feed_app)
    app.add_typer(feed_app, name="feed")


@feed_app.command("add")
def add(
    code: Annotated[str, typer.Argument(help="A short name for machines, such as registrar-alerts.")],
    *,
    name: Annotated[str, typer.Option(help="A name for people.")],
    kind: Annotated[
        str, typer.Option(help="file_drop, http_push, canvas, caliper, oneroster, topic or referrals_api.")
    ],
    owner: Annotated[str, typer.Option(help="Staff id of whoever looks after it.")],
    campus: Annotated[str, typer.Option(help="Code of its campus; * where its mapping names one.")],
    brings: Annotated[str, typer.Option(help="flags, referrals or roster.")] = "flags",
    mapping: Annotated[str, typer.Option(help="A shipped mapping: caselight feed mapping shipped.")] = "",
    document: Document = None,
    activate: Annotated[bool, typer.Option("--activate", help="Put the mapping in use at once.")] = False,
    rate: Annotated[int, typer.Option(help="Items a minute at most.")] = 60_000,
    days: Annotated[str, typer.Option(help="Days on which something should come, such as 01234; Monday is 0.")] = "",
    by: Annotated[str, typer.Option(help="By when, by the campus's clock, such as 06:30.")] = "",
    low: Annotated[int, typer.Option(help="Fewest items on such a day.")] = 0,
    high: Annotated[int, typer.Option(help="Most items on such a day; 0 for any number.")] = 0,
    quiet: Annotated[int, typer.Option(help="Minutes without anything that are too long in opening hours.")] = 0,
    settings: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="What its kind needs to know, in YAML.")
    ] = None,
    person: As = ADMINISTRATOR,
) -> None:
    """Add a feed. Prints the token its sender needs: it is shown this once."""
    body: dict[str, Any] = {
        "code": code,
        "name": name,
        "kind": kind,
        "brings": brings,
        "campus": campus,
        "owner_id": owner,
        "mapping": mapping,
        "rate_per_minute": rate,
        "expected": {"days": [int(day) for day in days if day.isdigit()], "by": by, "low": low, "high": high},
    }
    body["expected"]["quiet_minutes"] = quiet
    with plainly():
        if document is not None:
            body["document"] = read_document(document)
        if settings is not None:
            body["settings"] = read_document(settings)
        who = Person(person)
        answer = who.post("intake", "/feeds", body)
        feed = answer["feed"]
        console.print(f"{feed['name']} ({code}) is added: {feed['feed_id']}")
        if kind in _SENT_TO:
            console.print(f"Its sender sends to {_address(feed)}")
        if answer["token"]:
            show_token(answer["token"])
        if activate:
            feed = who.post("intake", f"/feeds/{feed['feed_id']}/mappings/1/activate")
        if feed["state"] == "draft":
            console.print(
                f"It takes nothing in yet. Next: caselight feed try {code} FILE; caselight feed activate {code}"
            )


@feed_app.command("list")
def list_(
    campus: Annotated[str, typer.Option(help="Only this campus's.")] = "", person: As = ADMINISTRATOR
) -> None:  # fmt: skip
    """List feeds, with what they set aside and when something last came."""
    with plainly():
        found = list(all_feeds(Person(person), campus))
    if not found:
        console.print("No feeds yet. Add one: caselight feed add --help")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("code", "name", "kind", "brings", "campus", "owner", "state", "mapping", "set aside", "last came"):
        table.add_column(title)
    for feed in found:
        table.add_row(
            feed["code"], feed["name"], feed["kind"], feed["brings"], feed["campus"], feed["owner_id"], feed["state"],
            str(feed["mapping_version"] or "-"), f"{feed['waiting']:,}", (feed["last_at"] or "never")[:16],
        )  # fmt: skip
    show_table(table)


@feed_app.command("show")
def show(code: Code, person: As = ADMINISTRATOR) -> None:
    """Show a feed: its tokens, the versions of its mapping, what came last, what is set aside."""
    with plainly():
        who = Person(person)
        feed = find(who, code)
        path = f"/feeds/{feed['feed_id']}"
        versions = who.get("intake", f"{path}/mappings")["items"]
        deliveries = who.get("intake", f"{path}/deliveries")["items"][:10]
    console.print(f"{feed['name']} ({code}): {feed['kind']} of {feed['brings']}, campus {feed['campus']}")
    if feed["kind"] in _SENT_TO:
        console.print(f"It is sent to {_address(feed)}")
    console.print(f"{feed['state']}; owner {feed['owner_id']}; at most {feed['rate_per_minute']:,} items a minute")
    for token in feed["tokens"]:
        until = f"until {token['ends_at'][:16]}" if token["ends_at"] else "without an end"
        console.print(f"token {token['token_id']} of {token['made_at'][:16]}, good {until}")
    for each in versions:
        said = " ".join(filter(None, (each["note"], "(in use)" if each["in_use"] else "")))
        console.print(f"mapping {each['version']} of {each['made_at'][:16]} by {each['made_by']} {said}")
    _show_deliveries(deliveries)
    console.print(f"{feed['waiting']:,} set aside: caselight feed quarantine list {code}")


@feed_app.command("rotate")
def rotate(
    code: Code,
    overlap_hours: Annotated[float, typer.Option(help="How long the old token stays good beside it.")] = 24.0,
    person: As = ADMINISTRATOR,
) -> None:
    """Make a new token. The old one stays good for a while, so that no delivery is lost in between."""
    with plainly():
        who = Person(person)
        path = f"/feeds/{find(who, code)['feed_id']}/tokens"
        show_token(who.post("intake", path, {"overlap_hours": overlap_hours}))
        console.print(f"The one before it is good for {overlap_hours:g} more hours.")


@feed_app.command("end-token")
def end_token(
    code: Code, token_id: Annotated[str, typer.Argument(help="As `feed show` shows it.")], person: As = ADMINISTRATOR
) -> None:  # fmt: skip
    """End a token now: it leaked, or its sender uses the new one."""
    with plainly():
        who = Person(person)
        who.post("intake", f"/feeds/{find(who, code)['feed_id']}/tokens/{token_id}/end")
        console.print("The token has ended.")


@feed_app.command("pause")
def pause(code: Code, person: As = ADMINISTRATOR) -> None:
    """Turn deliveries away for now; senders send them again later, files wait in their folder."""
    _set_state(person, code, "paused")


@feed_app.command("resume")
def resume(code: Code, person: As = ADMINISTRATOR) -> None:
    """Take deliveries in again."""
    _set_state(person, code, "active")


@feed_app.command("retire")
def retire(code: Code, person: As = ADMINISTRATOR) -> None:
    """End a feed for good, with its tokens. What it brought stays."""
    _set_state(person, code, "retired")


@feed_app.command("send")
def send(
    code: Code,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="JSON, as it is sent.")],
    token: Annotated[str, typer.Option(envvar="CASELIGHT_FEED_TOKEN", help="The feed's token.", prompt=True)],
    person: As = ADMINISTRATOR,
) -> None:
    """Send a file as the feed's sender would, signed with its token: to see that a feed works from end to end."""
    with plainly():
        feed, body = find(Person(person), code), file.read_bytes()
        headers = {
            HEADER: sign(token, body, SystemClock().now()),
            "Content-Type": "application/x-ndjson" if file.suffix in {".ndjson", ".jsonl"} else "application/json",
        }
        answer = _deliver(_here(feed), body, headers)
    show_results(answer["counts"], answer["results"])


def _address(feed: Mapping[str, Any]) -> str:
    """Return where a sender finds the feed: at intake's public address, where one is set."""
    return f"{os.environ.get('CASELIGHT_REFERRERS_URL', '').rstrip('/') or url('intake')}{_path(feed)}"


def _here(feed: Mapping[str, Any]) -> str:
    return f"{url('intake')}{_path(feed)}"


def _path(feed: Mapping[str, Any]) -> str:
    return f"/feeds/{feed['feed_id']}/deliveries"


def _deliver(address: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    try:
        answer = httpx.post(address, content=body, headers=dict(headers), timeout=60, trust_env=False)
    except httpx.TransportError as error:
        raise CannotError(f"intake does not answer ({type(error).__name__}). Start it: caselight up") from error
    if not answer.is_success:
        raise CannotError("\n".join(complaint(answer, "the sender", "intake")))
    return dict(answer.json())


def _set_state(person: str, code: str, state: str) -> None:
    with plainly():
        who = Person(person)
        feed = find(who, code)
        body = {"version": feed["version"], "state": state}
        changed = who.ask("PATCH", "intake", f"/feeds/{feed['feed_id']}", json=body)
        console.print(f"{code} is {changed['state']}.")


def _show_deliveries(deliveries: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("came", "items", "taken", "unchanged", "merged", "skipped", "set aside", "mapping"):
        table.add_column(title)
    for each in deliveries:
        counts = (f"{each[name]:,}" for name in _COUNTS)
        table.add_row(each["started_at"][:19], *counts, str(each["mapping_version"]))
    show_table(table)
