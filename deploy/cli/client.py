"""Commands as a person's HTTP client: what a command may do is what the person may do."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from io import StringIO
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.steps import console
from deploy.local.installation import ADMINISTRATOR, adopt, url
from shared.access.tokens import mint
from shared.clock import SystemClock
from shared.ids import new_id
from shared.refusal import Refused
from shared.settings import Settings

__all__ = ["ADMINISTRATOR", "As", "CannotError", "MayNotError", "Person", "plainly", "show_table", "staff"]

As = Annotated[
    str, typer.Option("--as", metavar="PERSON", envvar="CASELIGHT_PERSON", help="Whose rights to use: a staff id.")
]
_WIDEST = 240
# An import answers when its last row is stored.
_TIMEOUT = httpx.Timeout(30.0, read=900.0, write=900.0)


class CannotError(Exception):
    """Something a person can mend, in one or more plain lines."""


class MayNotError(CannotError):
    """What somebody else may do, not this person."""


class Person:
    """Somebody who asks services of the local installation, with tokens minted by its signing key."""

    def __init__(self, name: str, settings: Settings | None = None) -> None:
        self.name = name
        self._settings = settings or adopt()

    def token(self, lifetime: timedelta = timedelta(minutes=5)) -> str:
        """Return a token. Raises CannotError where tokens come from somewhere else."""
        if self._settings.environment == "production":
            raise CannotError("Tokens of a production installation come from its sign-in, not from this command.")
        try:
            return mint(self._settings, self.name, now=SystemClock().now(), lifetime=lifetime)
        except (Refused, OSError) as error:
            raise CannotError("There is no signing key here yet. Start the local installation: caselight up") from error

    def get(self, service: str, path: str, **query: object) -> Any:  # noqa: ANN401 - JSON
        """Return what a service answers. Raises CannotError with what to do."""
        return self.ask("GET", service, path, params=query)

    def post(self, service: str, path: str, body: object = None, **more: Any) -> Any:  # noqa: ANN401 - JSON
        """Send something, with an Idempotency-Key of its own, and return the answer."""
        return self.ask("POST", service, path, json=body, **more)

    def ask(self, method: str, service: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON
        """Send a request and return the JSON of a good answer."""
        headers = {"Authorization": f"Bearer {self.token()}", **more.pop("headers", {})}
        if method == "POST":
            headers.setdefault("Idempotency-Key", str(new_id()))
        try:
            with httpx.Client(base_url=url(service), timeout=_TIMEOUT, trust_env=False) as client:
                answer = client.request(method, path, headers=headers, **more)
        except httpx.ConnectError as error:
            raise CannotError(f"{service} does not answer at {url(service)}. Start it: caselight up") from error
        except httpx.TransportError as error:
            raise CannotError(f"{service} broke off ({type(error).__name__}). Look: caselight doctor") from error
        if not answer.is_success:
            kind = MayNotError if answer.status_code == HTTPStatus.FORBIDDEN else CannotError
            raise kind("\n".join(complaint(answer, self.name, service)))
        return answer.json()


def complaint(answer: httpx.Response, person: str, service: str) -> Iterator[str]:
    """Say what an answer that is none means, in plain lines."""
    said = _problem(answer)
    detail, faults = said.get("detail") or answer.reason_phrase, said.get("errors", ())
    # A single fault is what the detail says already; only its place is new.
    alone = len(faults) == 1 and faults[0]["detail"] == detail
    place = f" (at {faults[0]['pointer']})" if alone and faults[0]["pointer"] else ""
    match answer.status_code:
        case HTTPStatus.FORBIDDEN:
            yield f"{person} may not do this: {detail} Take somebody who may with --as PERSON (caselight people)."
        case HTTPStatus.UNAUTHORIZED:
            yield f"{service} does not accept this installation's token: {detail} Restart it: caselight up"
        case HTTPStatus.SERVICE_UNAVAILABLE:
            yield f"{service} is not ready: {detail}"
        case _:
            yield f"{service}: {detail}{place}"
    if not alone:
        yield from (f"  {fault['pointer'] or '/'}: {fault['detail']}" for fault in faults)


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        said = answer.json()
    except ValueError:  # a proxy or a crash answered, not a service of ours
        return {}
    return said if isinstance(said, Mapping) else {}


def staff(person: Person) -> Sequence[Mapping[str, Any]]:
    """Return everybody in the program, as this person may read them."""
    return list(person.get("program", "/program", kind="staff")["staff"])


def show_table(table: Table, where: Console = console) -> None:
    """Print a table as wide as it is, without blanks at the ends of lines, unless a person's window is narrower."""
    if where.is_terminal:
        where.print(table)
        return
    drawn = StringIO()
    Console(file=drawn, width=_WIDEST, highlight=False).print(table)
    where.file.writelines(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines())


@contextmanager
def plainly() -> Iterator[None]:
    """Turn what a person can mend into plain lines on standard error and exit code 1."""
    try:
        yield
    except CannotError as error:
        print(f"caselight: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
