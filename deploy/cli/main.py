"""`caselight`: every area of commands is a module of its own, named once in `AREAS`."""

from __future__ import annotations

import typer

app = typer.Typer(name="caselight", no_args_is_help=True, help="Case management for universities.")


if __name__ == "__main__":
    app()
