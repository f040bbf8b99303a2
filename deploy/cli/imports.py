"""Bring things in: a roster, flags and referrals by file, and one referral by hand."""

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.cli.client import ADMINISTRATOR, As, CannotError, Person, plainly, show_table
from deploy.cli.steps import console

REJECTED = 3  # the exit code when rows were not taken
_PIECE = 256 * 1024
_SAY_EVERY_S = 5.0
_STATES = {
    "matching": "received; a person finds out whom it is about",
    "triage_due": "received; a person decides what is done",
    "triaged": "received, and passed on",
}

File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="CSV in UTF-8.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be taken; nothing changes.")]
Source = Annotated[str, typer.Option(help="Which feed the file is from; its ids are unique within it.")]

roster_app = typer.Typer(no_args_is_help=True, help="The students of the campuses.")
flags_app = typer.Typer(no_args_is_help=True, help="Early alerts.")
referrals_app = typer.Typer(no_args_is_help=True, help="Referrals that come as a file.")


def register(app: typer.Typer) -> None:
    """Add these commands to `caselight`."""
    app.add_typer(roster_app, name="roster")
    app.add_typer(flags_app, name="flags")
    app.add_typer(referrals_app, name="referrals")
    app.command()(refer)


@roster_app.command("import")
def import_roster(
    file: File,
    person: As = ADMINISTRATOR,
    complete: Annotated[bool, typer.Option("--complete", help="Students of its campuses not in it have left.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Import a roster: student_id, campus_code, name, email; more columns are kept. Again, it is a comparison."""
    _import(Person(person), "/roster/imports", file, {"dry_run": dry_run, "complete": complete})


@flags_app.command("import")
def import_flags(
    file: File, person: As = ADMINISTRATOR, source: Source = "file", dry_run: DryRun = False
) -> None:  # fmt: skip
    """Import flags. What the source has sent before changes nothing; the threshold rule looks at what is new.

    Columns needed: campus_code, student_id, course_code, reason_code, raised_at.

    If you have them: alert_id, student_email, term_code, section, severity, comment, cleared_at.
    """
    _import(Person(person), "/flags/imports", file, {"source": source, "dry_run": dry_run})


@referrals_app.command("import")
def import_referrals(
    file: File, person: As = ADMINISTRATOR, source: Source = "file", dry_run: DryRun = False
) -> None:  # fmt: skip
    """Import referrals. Danger that is hours old when it arrives becomes work to review and wakes nobody.

    Columns needed: campus_code, narrative, happened_at.

    About whom: student_id, student_email, description.

    If you have them: source_event_id, source_kind, concerns, urgency, relationship, referred_by_name,
    referred_by_email.
    """
    _import(Person(person), "/referrals/imports", file, {"source": source, "dry_run": dry_run})


def _import(person: Person, path: str, file: Path, query: Mapping[str, object]) -> None:
    with plainly():
        answer = upload(person, path, file, query)
        show(answer, file, dry_run=bool(query.get("dry_run")))
    if answer["rejected"]:
        raise typer.Exit(REJECTED)


def upload(person: Person, path: str, file: Path, query: Mapping[str, object]) -> dict[str, Any]:
    """Send a file piece by piece and return what the service made of it. Raises CannotError."""
    asked = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
    with _Watched(file) as pieces:
        return dict(
            person.ask(
                "POST",
                "intake",
                path,
                params=asked,
                content=pieces,
                headers={"Content-Type": "text/csv; charset=utf-8"},
            )
        )


class _Watched:
    """Yields a file's bytes in pieces, and shows how far it is: a bar for a person, a line now and then for a log."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn(), console=console,
            transient=True, disable=not console.is_terminal,
        )  # fmt: skip

    def __enter__(self) -> Iterator[bytes]:
        self._progress.start()
        return self._pieces()

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _pieces(self) -> Iterator[bytes]:
        size, sent, said = self._file.stat().st_size, 0, time.monotonic()
        task = self._progress.add_task(self._file.name, total=size)
        with self._file.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
                sent += len(piece)
                self._progress.update(task, completed=sent)
                if not console.is_terminal and time.monotonic() - said > _SAY_EVERY_S:
                    said = time.monotonic()
                    console.print(f"{self._file.name}: {sent * 100 // max(1, size)} % sent")
        self._progress.update(task, description=f"{self._file.name}: being stored")


def show(answer: Mapping[str, Any], file: Path, *, dry_run: bool = False) -> None:
    """Print what became of an import: counts, and what was not taken and why."""
    counts = [f"{answer['rows']:,} rows", f"{answer['accepted']:,} accepted", f"{answer['unchanged']:,} unchanged"]
    counts.append(f"{answer['rejected']:,} rejected")
    if answer.get("vanished"):
        counts.append(f"{answer['vanished']:,} no longer there")
    if answer["referrals_made"] and answer["referrals_made"] != answer["accepted"]:
        counts.append(f"{answer['referrals_made']:,} referrals made of them by the threshold rule")
    console.print(f"{file.name}: {', '.join(counts)}{' (nothing was changed: dry run)' if dry_run else ''}")
    rejects = answer.get("rejects") or []
    if not rejects:
        return
    table = Table(box=None, pad_edge=False)
    for title in ("row", "column", "why", "what would be taken"):
        table.add_column(title)
    for reject in rejects:
        taken = reject["accepted_values"]
        wanted = ", ".join(map(str, taken)) if isinstance(taken, list) else str(taken or "")
        table.add_row(str(reject["row"]), str(reject["column"] or ""), str(reject["reason"]), wanted)
    show_table(table)
    if answer["rejected"] > len(rejects) and answer["import_id"]:
        console.print(f"... and {answer['rejected'] - len(rejects):,} more: GET /imports/{answer['import_id']}/rejects")


def refer(
    narrative: Annotated[str, typer.Argument(metavar="WORDS", help="What you saw or heard; - reads it from a pipe.")],
    *,
    campus: Annotated[str, typer.Option(help="Code of the campus.")],
    student_id: Annotated[str, typer.Option(help="The student's id at the campus, if you know it.")] = "",
    student_email: Annotated[str, typer.Option(help="The student's address, if you know it.")] = "",
    description: Annotated[str, typer.Option(help="Whom it is about, if you do not know their id.")] = "",
    concern: Annotated[list[str] | None, typer.Option(help="A coded concern; may be given again.")] = None,
    urgency: Annotated[str, typer.Option(help="routine, soon, urgent or emergency.")] = "routine",
    source_kind: Annotated[
        str, typer.Option("--from", help="self, peer, faculty, staff, parent, police, ...")
    ] = "staff",
    relationship: Annotated[str, typer.Option(help="How you know them.")] = "",
    person: As = ADMINISTRATOR,
) -> None:
    """Refer somebody about whom you are concerned. Prints the reference to ask after it with."""
    words = sys.stdin.read() if narrative == "-" else narrative
    about = {"student_id": student_id, "email": student_email, "description": description}
    body = {
        "campus": campus,
        "about": {name: value for name, value in about.items() if value},
        "concerns": concern or [],
        "urgency": urgency,
        "narrative": words,
        "source_kind": source_kind,
        "relationship": relationship,
    }
    with plainly():
        if not words.strip():
            raise CannotError("Say in words what you saw or heard.")
        answer = Person(person).post("intake", "/referrals", body)
        console.print(f"Reference {answer['reference']}: {_STATES.get(answer['state'], answer['state'])}")
