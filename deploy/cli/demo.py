"""The demonstration: everything set up and started, and a sample term lived through."""

import time
from typing import Annotated

import typer

from deploy.cli.client import plainly
from deploy.cli.infrastructure import plain_errors, show_addresses
from deploy.cli.steps import Steps, console
from deploy.local import lifecycle
from deploy.local.installation import adopt, state_folder


def register(app: typer.Typer) -> None:
    """Add these commands to `caselight`."""
    app.command()(demo)


def demo(
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget all data of this installation first.")] = False,
) -> None:
    """Start everything on this machine, play a sample term through it, and tell what happened."""
    from deploy.demo.play import play  # noqa: PLC0415 - other commands need not wait for these to load
    from deploy.demo.story import how_to, tell  # noqa: PLC0415

    began = time.monotonic()
    state = state_folder()
    with plain_errors(), plainly():
        with Steps() as steps:
            if fresh:
                lifecycle.forget(state, steps)
            lifecycle.up(state, steps)
            adopt(state)
            played = play(state, steps)
        tell(played, console)
        console.print()
        show_addresses()
        how_to(console)
    console.print(f"\nThis took {time.monotonic() - began:.0f} s.")
