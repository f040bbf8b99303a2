"""`caselight`: every area of commands is a module of `deploy.cli`, named once in `AREAS`."""

from importlib import import_module

import typer

# The one place to add commands: a module named here has `register(app)`, which adds its commands or its sub-app.
AREAS = ("infrastructure", "demo", "people", "program", "imports", "feeds", "status", "dead_letters")

app = typer.Typer(
    name="caselight",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold what a person wrote
    help="Caselight: case management for universities. Start with `caselight up`, then `caselight doctor`.",
)

for _area in AREAS:
    import_module(f"deploy.cli.{_area}").register(app)

if __name__ == "__main__":
    app()
