"""A visit: one request of somebody signed in, and all that a page of the console needs."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, cast
from urllib.parse import quote

from fastapi import Depends
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse

from services.console import counts, nav
from services.console.cookies import SAID, SESSION, csrf, is_csrf
from services.console.owners import Answer, Asker
from services.console.people import Names, resolve
from services.console.site import ITSELF, Console, console_of
from services.console.storage import drafts, sessions
from services.console.storage.sessions import Session
from shared.access.actors import EVERYWHERE, Actor, Role
from shared.access.rules import STAFF_ROLES
from shared.ids import new_id
from shared.program import Program
from shared.web.ui import templates_of
from shared.web.ui.brands import Brand, brand
from shared.web.ui.frames import ConsoleFrame

# A page that looks after itself says so: that is nothing its reader did.
LOOKS = "X-Caselight-Live"
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class SignInNeeded(Exception):  # noqa: N818 - what to do about it
    """Nobody is signed in. `back` is where to go afterwards; `kept` that it is a form somebody had typed."""

    def __init__(self, back: str, *, kept: bool = False, ended: bool = False) -> None:
        super().__init__()
        self.back = back
        self.kept = kept
        self.ended = ended


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, with the roles they hold now."""

    id: str
    name: str
    roles: tuple[Role, ...] = ()

    def has(self, *names: str) -> bool:
        """Return whether any of these roles is held, anywhere."""
        return any(role.name in names for role in self.roles)

    @property
    def is_staff(self) -> bool:
        """Whether any role is more than signing in gives."""
        return self.has(*STAFF_ROLES)


# What a page says of an owner that did not answer.
AWAY = {
    "program": "Who is on duty and the names of staff are away; what was last known is shown.",
    "intake": "Referrals, flags and names are away; short references are shown.",
    "cases": "Cases are away.",
    "notifications": "Pages are away. Look at your mail: it arrives all the same.",
    "analytics": "Figures are away.",
}


@dataclass
class Visit:
    """What a page gets. Everything asked for is asked as this person, and decided by whoever owns it."""

    request: Request
    console: Console
    session: Session
    token: str
    person: Person
    campus: str
    program: Program
    now: datetime
    numbers: dict[str, int] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)

    @property
    def asker(self) -> Asker:
        """For whom owners are asked."""
        return Asker(self.person.id, self.session.authenticated_at)

    async def ask(
        self, service: str, path: str, *, headers: Mapping[str, str] | None = None, **params: object
    ) -> Answer:
        """Ask an owner. It has 800 ms; an answer always comes, and says when it is none."""
        return self._noted(await self.console.owners.ask(self.asker, service, path, params, headers))

    async def ask_with_body(self, service: str, path: str, body: Any) -> Answer:  # noqa: ANN401 - JSON
        """Ask a question that is too long for an address, or that holds what must not stand in one."""
        return self._noted(await self.console.owners.ask_with_body(self.asker, service, path, body))

    async def together(self, *questions: Awaitable[Answer]) -> list[Answer]:
        """Ask several at once, and return their answers in order."""
        return list(await asyncio.gather(*questions))

    async def tell(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 - JSON
        *,
        key: str = "",
        **more: Any,  # noqa: ANN401 - httpx's own
    ) -> Answer:
        """Have something done. `key` is the form's own, so that sending it twice does it once."""
        return await self.console.owners.tell(self.asker, service, method, path, body, key=key or str(new_id()), **more)

    def _noted(self, answer: Answer) -> Answer:
        if answer.missing:
            self.away.add(answer.service)
        return answer

    async def names(self, student_ids: Sequence[str | None]) -> Names:
        """Return students' names, in one question. Who cannot be named shows as a short reference."""
        names = await resolve(self.console.owners, self.asker, student_ids)
        if names.away:
            self.away.add("intake")
        return names

    def staff_name(self, staff_id: str | None) -> str:
        """Return the name of a member of staff, as the program has it."""
        if not staff_id:
            return "nobody"
        found = self.program.staff.get(staff_id)
        return found.name if found else staff_id

    def campus_name(self, code: str) -> str:
        """Return the name of a campus."""
        found = self.program.campuses.get(code)
        return found.name if found else "All campuses" if code == EVERYWHERE else code

    @property
    def campuses(self) -> list[Brand]:
        """The campuses the person may look at, by name."""
        held = {role.campus for role in self.person.roles if role.name in STAFF_ROLES}
        codes = self.program.campuses.keys() if EVERYWHERE in held else held & self.program.campuses.keys()
        return sorted((self.brand(code) for code in codes), key=lambda each: (each.name, each.code))

    def brand(self, code: str) -> Brand:
        """Return how a campus is shown."""
        found = self.program.campuses.get(code)
        return brand(code, found.name if found else code, getattr(found, "color", ""))

    @property
    def zone(self) -> str:
        """The zone that times are shown in: the campus's, or that of the person's own."""
        known = self.program.staff.get(self.person.id)
        code = self.campus if self.campus != EVERYWHERE else known.campus if known else EVERYWHERE
        found = self.program.campuses.get(code)
        return found.zone if found else "UTC"

    def count(self, path: str, number: int) -> None:
        """Say how many a list shows: the number beside its entry of the menu, here and on the next pages."""
        self.numbers[path] = number
        self.console.counts.keep(self.person.id, self.campus, {path: number})

    def page(self, name: str, status: int = HTTPStatus.OK, *, live: bool = True, **values: object) -> HTMLResponse:
        """Answer with a page in the frame. A `live` one hears of changes; one with nothing that changes need not."""
        said = self.console.cookies.said(self.request, self.token)
        frame = self.frame(said=said, live="/live" if live and self.person.is_staff else "")
        mine: dict[str, object] = {
            "frame": frame, "visit": self, "csrf": frame.csrf, "form_key": str(new_id()), "now": self.now,
        }  # fmt: skip
        response = templates_of(self.request).respond(self.request, name, status, None, **(mine | values))
        if said:
            self.console.cookies.drop(response, SAID)
        return response

    def part(self, name: str, **values: object) -> HTMLResponse:
        """Answer with a part of a page, for a script that puts it in its place."""
        mine: dict[str, object] = {
            "visit": self, "csrf": csrf(self.token), "form_key": str(new_id()), "now": self.now,
        }  # fmt: skip
        return templates_of(self.request).respond(self.request, name, HTTPStatus.OK, None, **(mine | values))

    def frame(self, *, said: str = "", live: str = "") -> ConsoleFrame:
        """Return what stands around a page."""
        jobs = nav.jobs_of(self.person.roles, self.console.paths)
        return ConsoleFrame(
            person=self.person.name,
            nav=nav.items(jobs, self.request.url.path, self.numbers),
            csrf=csrf(self.token),
            zone=self.zone,
            campus=None if self.campus == EVERYWHERE else self.brand(self.campus),
            campuses=self.campuses,
            said=said,
            missing=[AWAY[service] for service in sorted(self.away)],
            keys=self.session.keys_on,
            live=live,
            here=self.request.url.path if self.request.method == "GET" else "",
        )

    def go(self, path: str, said: str = "") -> RedirectResponse:
        """Answer what was sent with another page, which begins with a sentence."""
        response = RedirectResponse(path, HTTPStatus.SEE_OTHER)
        if said:
            self.console.cookies.say(response, self.token, said)
        return response


async def visit(request: Request) -> Visit:
    """Return the visit of whoever is signed in; raise SignInNeeded, with what they had typed kept, for nobody."""
    return await begin(request, touch=LOOKS not in request.headers)


async def begin(request: HTTPConnection, *, touch: bool = True) -> Visit:
    """Return the visit. With `touch` it counts as something the person did, or else only as their page looking."""
    console = console_of(request)
    token = console.cookies.get(request, SESSION)
    session = await _session(console, token, touch=touch)
    if session is None or not session.lives(console.clock.now(), console.idle):
        raise await _sign_in_needed(cast("Request", request), console, session, token)
    program = await console.programs.get()
    now = console.clock.now()
    known = program.staff.get(session.person_id)
    person = Person(
        session.person_id, known.name if known else session.person_name, program.roles(session.person_id, now)
    )
    made = Visit(cast("Request", request), console, session, token, person, EVERYWHERE, program, now)
    made.campus = _campus(made)
    await _count(made)
    return made


async def _count(made: Visit) -> None:
    """Fill in the numbers beside the menu, for who has such a menu and looks at a page of it."""
    jobs = {job.path for job in nav.jobs_of(made.person.roles, made.console.paths)}
    if made.request.scope["type"] != "http" or made.request.method != "GET" or made.request.url.path == "/live":
        return
    if counts.PAGES in jobs:
        await made.console.counts.refresh(made.asker, made.campus, now=LOOKS in made.request.headers)
    made.numbers = made.console.counts.known(made.person.id, made.campus)


async def _session(console: Console, token: str, *, touch: bool) -> Session | None:
    if not token:
        return None
    async with console.database.transaction(ITSELF) as tx:
        session = await sessions.find(tx, token)
        if session is not None and touch and session.lives(tx.now, console.idle):
            await sessions.seen(tx, session)
        return session


def _campus(made: Visit) -> str:
    """Return the campus chosen; the only one there is; all of them for a choice that is theirs no more."""
    codes = [each.code for each in made.campuses]
    if made.session.campus in codes:
        return made.session.campus
    return codes[0] if len(codes) == 1 else EVERYWHERE


async def _sign_in_needed(request: Request, console: Console, session: Session | None, token: str) -> SignInNeeded:
    """Say where to go after signing in; keep a form that the person of an ended session had typed."""
    ended = session is not None
    if request.scope["type"] != "http" or request.method not in UNSAFE:
        query = f"?{request.url.query}" if request.url.query else ""
        return SignInNeeded(request.url.path + query, ended=ended)
    typed = await request.form() if session is not None else None
    if session is None or typed is None or not is_csrf(token, str(typed.get("csrf", ""))):
        return SignInNeeded("/", ended=ended)
    fields = [(name, value) for name, value in typed.multi_items() if isinstance(value, str) and name != "csrf"]
    async with console.database.transaction(ITSELF) as tx:
        draft_id = await drafts.keep(tx, console.keys, session.person_id, request.url.path, fields)
    return SignInNeeded(f"/unsent/{draft_id}", kept=True, ended=True)


def sign_in_at(back: str) -> str:
    """Return the address that begins a sign-in."""
    return f"/sign-in?back={quote(back, safe='/')}"


def as_person(made: Visit) -> Actor:
    """Return the person as the actor of a transaction on the console's own rows."""
    return Actor("person", made.person.id)


Visiting = Annotated[Visit, Depends(visit)]
