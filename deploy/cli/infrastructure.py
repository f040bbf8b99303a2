"""Commands that touch infrastructure: up, down, doctor, serve, migrate, topics."""

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import asyncpg
import typer
from rich.table import Table

from deploy.cli import doctor as checks
from deploy.cli.client import show_table
from deploy.cli.steps import Steps, console
from deploy.local import lifecycle, services
from deploy.local.home import Home
from deploy.local.installation import MAIL, PROVIDER, adopt, state_folder, url
from deploy.local.installation import services as known_services
from deploy.local.processes import StartError
from deploy.local.topics import declared
from deploy.serve import Role, port_of
from deploy.serve import serve as serve_service
from shared.messaging import topics as broker
from shared.settings import SERVICES
from shared.storage import migrations

topics_app = typer.Typer(no_args_is_help=True, help="Kafka topics: make them, or compare them with their declaration.")


def register(app: typer.Typer) -> None:
    """Add these commands to `caselight`."""
    for command in (up, down, doctor, serve, migrate):
        app.command()(command)
    app.add_typer(topics_app, name="topics")


def up() -> None:
    """Start everything on this machine: stack, databases, topics, mail and services. Repeating it changes nothing."""
    with plain_errors():
        with Steps() as steps:
            lifecycle.up(state_folder(), steps)
        show_addresses()


def down(
    forget: Annotated[bool, typer.Option("--forget", help="Delete all data of this installation as well.")] = False,
) -> None:
    """Stop everything that `caselight up` started. Data stay, unless told otherwise."""
    with plain_errors(), Steps() as steps:
        (lifecycle.forget if forget else lifecycle.down)(state_folder(), steps)
    console.print("Everything is stopped.")


def doctor() -> None:
    """Look at everything that can be wrong, and say the command that mends it. Exits with 1 when something is wrong."""
    adopt()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a finding says what its lines would
    findings = asyncio.run(checks.examine(state_folder()))
    for finding in findings:
        mark = "[green]good [/green]" if finding.good else "[red]wrong[/red]"
        console.print(f"{mark}  {finding.what}")
        if not finding.good and finding.mend:
            console.print(f"       mend it with: {finding.mend}")
    wrong = sum(not finding.good for finding in findings)
    console.print(f"{len(findings)} checks, {wrong} wrong")
    if wrong:
        raise typer.Exit(1)


def serve(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")],
    role: Annotated[Role, typer.Option(help="Answer HTTP, run the loops, or both.")] = "both",
    host: Annotated[str, typer.Option(envvar="CASELIGHT_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port; default from CASELIGHT_<SERVICE>_PORT.")] = None,
) -> None:
    """Run one service in this process until it is told to stop (SIGTERM drains)."""
    settings = adopt()
    _must_be_ours(service)
    with plain_errors():
        code = serve_service(settings, service, role, host, port or port_of(settings, service))
    raise typer.Exit(code)


def _must_be_ours(service: str) -> None:
    if service not in SERVICES:
        raise typer.BadParameter(f"there is no service {service}; there are {', '.join(SERVICES)}")


def migrate(
    names: Annotated[list[str] | None, typer.Argument(metavar="SERVICE", help="Default: all services.")] = None,
) -> None:
    """Bring database schemas to the version this release needs."""
    settings = adopt()
    for name in names or ():
        _must_be_ours(name)
    with plain_errors():
        for name in names or known_services():
            console.print(f"{name}: version {asyncio.run(migrations.upgrade(settings, name))}")


@topics_app.command("apply")
def topics_apply() -> None:
    """Make the topics that are missing. Never changes one that exists."""
    settings = adopt()
    with plain_errors():
        made = asyncio.run(broker.apply(settings.kafka_bootstrap, declared(settings.topic_prefix)))
    console.print(f"made {', '.join(made)}" if made else "all topics are there")


@topics_app.command("check")
def topics_check() -> None:
    """Compare the topics with their declaration. Exits with 1 when they differ."""
    settings = adopt()
    with plain_errors():
        problems = asyncio.run(broker.check(settings.kafka_bootstrap, declared(settings.topic_prefix)))
    for problem in problems:
        console.print(problem)
    if problems:
        raise typer.Exit(1)
    console.print("all topics are as declared")


def show_addresses() -> None:
    """Print where everything answers."""
    home = Home(state_folder())
    table = Table(box=None, pad_edge=False)
    for title in ("service", "address", "running"):
        table.add_column(title)
    beside = {MAIL: os.environ["CASELIGHT_INBOX_URL"], PROVIDER: os.environ["CASELIGHT_OIDC_ISSUER"]}
    for name, lives in services.running(home, known_services()).items():
        address = beside.get(name) or url(name)
        table.add_row(name, address, "yes" if lives else "no")
    show_table(table)
    console.print(f"Logs: {services.logs(home)}")
    console.print(f"[bold]Open {url('console')}[/bold] and pick whom to sign in as.")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what a person can mend into one plain line and exit code 1; a bug keeps its trace."""
    try:
        yield
    except (StartError, broker.TopicError, migrations.SchemaTooOldError) as trouble:
        print(f"caselight: {trouble}", file=sys.stderr)
        raise typer.Exit(1) from trouble
    except (asyncpg.PostgresError, OSError) as trouble:
        # The text of a database error may quote data; its class says enough together with the doctor.
        print(f"caselight: {type(trouble).__name__}. Run `caselight doctor`.", file=sys.stderr)
        raise typer.Exit(1) from trouble
