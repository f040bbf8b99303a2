"""What the pages without sign-in share: their frame, who stands before them, and how fast they may come."""

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from services.intake.http.words import Words, languages
from shared.access.actors import Actor
from shared.clock import Clock
from shared.events.program import CampusSnapshot
from shared.messaging.failures import is_transient
from shared.privacy.keys import KeyRing
from shared.program import Program, load_program
from shared.program.rules import ReferralForm
from shared.refusal import Refused
from shared.telemetry import logger
from shared.web.limits import Rate, RateLimiter
from shared.web.site import part, site_of
from shared.web.ui.brands import Brand, brand
from shared.web.ui.frames import Help, Language, PublicFrame
from shared.web.ui.pages import templates_of

_log = logger("public")

# The actor of whoever brings something without a sign-in; and what a referrer's own actor begins with.
PUBLIC = "public"
REFERRER = "referrer:"

# A campus may sit behind one address: slow is what a machine does, not what a busy week does.
_CALLER = Rate(per_minute=30, burst=20)
_SOURCE = Rate(per_minute=1200, burst=300)
LONGEST_WAIT = 8.0
# With 54 bits behind a passphrase this is for peace: a guesser gets nowhere at any speed.
_TRIES_OF_CALLER = Rate(per_minute=20, burst=30)
_TRIES_OF_REFERENCE = Rate(per_minute=4, burst=10)
WORKED = 0.2


class Pace(RateLimiter):
    """How fast forms may come. They are slowed and never refused: the last one might be the one that matters."""

    def __init__(self, redis_url: str, clock: Clock, *, prefix: str) -> None:
        super().__init__(redis_url, clock, caller=_CALLER, source=_SOURCE, prefix=prefix)

    async def wait(self, caller: str, source: str, cost: float, *, danger: bool) -> None:
        """Let a form wait its turn, up to eight seconds. Danger does not wait."""
        seconds = await self.turn(caller, source, cost, danger=danger)
        if seconds > 0:
            await asyncio.sleep(seconds)

    async def turn(self, caller: str, source: str, cost: float, *, danger: bool) -> float:
        """Return how long a form has to wait."""
        try:
            return await self.check(caller, source, cost, danger=danger)
        except Refused as refused:
            return min(refused.retry_after or LONGEST_WAIT, LONGEST_WAIT)


class Tries(RateLimiter):
    """How often a passphrase may be tried: from one place, and for one reference from anywhere."""

    def __init__(self, redis_url: str, clock: Clock, *, prefix: str) -> None:
        super().__init__(redis_url, clock, caller=_TRIES_OF_CALLER, source=_TRIES_OF_REFERENCE, prefix=prefix)


AtTries = Annotated[Tries, Depends(part(Tries))]
AtPace = Annotated[Pace, Depends(part(Pace))]


@dataclass(frozen=True)
class Place:
    """Where a page without sign-in stands: its campus, what the campus says of its form, and the language."""

    words: Words
    campus: CampusSnapshot | None
    rules: ReferralForm
    home: str = ""
    languages: bool = True
    away: bool = False

    def frame(self, here: str = "") -> PublicFrame:
        """Return what stands around the page. `here` is its address, for the links to other languages."""
        t = self.words
        return PublicFrame(
            campus=_brand(self.campus),
            service=self.rules.office or t("service"),
            language=t.code,
            words={key: t(key) for key in ("skip", "exit", "exit_hint", "danger_now", "languages", "foot")},
            home=self.home,
            languages=_links(here) if self.languages and here else (),
            helps=_helps(t, self.rules, self.campus),
            exit_url=self.rules.exit_url,
        )

    def plain(self) -> "Place":
        """Return the place without links away from the page, where somebody has begun to write."""
        return replace(self, languages=False, home="")


async def program_of(request: Request) -> Program:
    """Return the program, for what it says to everybody: names of campuses and telephone numbers.

    No record of anybody is read, so there is nothing to decide and nothing to audit.
    """
    site = site_of(request)
    async with site.database.transaction(Actor("link", PUBLIC)) as tx:
        await site.require_ready(tx.connection)
        return await load_program(tx.connection)


async def brands(request: Request) -> dict[str, Brand]:
    """Return the campuses as pages show them."""
    return {code: _brand(campus) for code, campus in (await program_of(request)).campuses.items()}


async def place_in(request: Request, campus: str, words: Words) -> Place:
    """Return the place of a campus's pages.

    While nothing can be read the page is there all the same, with the numbers that are shipped: what somebody has
    typed must not be lost, nor whom to call.
    """
    now = site_of(request).database.clock.now()
    try:
        return place_of(await program_of(request), campus, words, now)
    except Exception as error:
        if not passes(error):
            raise
        _log.warning("a public page does without the program", exc_info=error)
        return replace(place_of(Program(), campus, words, now), away=True, home=f"/refer/{campus}" if campus else "")


def passes(error: Exception) -> bool:
    """Return whether somebody who waits a moment may be served."""
    if isinstance(error, Refused):
        return error.status == HTTPStatus.SERVICE_UNAVAILABLE
    return is_transient(error)


def place_of(program: Program, campus: str, words: Words, now: datetime) -> Place:
    """Return the place of a campus's pages; of one that is not known, with what is shipped."""
    found = program.campuses.get(campus)
    home = f"/refer/{campus}" if found else ""
    return Place(words, found, program.referral_form(campus, now), home)


def page(
    request: Request,
    name: str,
    place: Place,
    status: int = HTTPStatus.OK,
    *,
    here: str = "",
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> HTMLResponse:
    """Answer with a page. `here` is its address where it may be read in another language."""
    return templates_of(request).respond(
        request, name, status, headers, t=place.words, frame=place.frame(here), **values
    )


def caller(request: Request, keys: KeyRing) -> str:
    """Return something that stands for where a request comes from and cannot be turned back into it.

    Whoever wants to stay unknown does: their address is written nowhere, not even where requests are counted.
    """
    address = request.client.host if request.client else ""
    return hmac.digest(keys.secret("where forms come from"), address.encode(), "sha256")[:12].hex()


def _brand(campus: CampusSnapshot | None) -> Brand:
    return brand("-", "Caselight") if campus is None else brand(campus.campus, campus.name)


def _links(here: str) -> Sequence[Language]:
    return [Language(code, words.label, f"{here}?lang={code}") for code, words in languages().items()]


def _helps(t: Words, rules: ReferralForm, campus: CampusSnapshot | None) -> list[Help]:
    lines = (
        ("emergency", rules.emergency),
        ("crisis", rules.crisis),
        ("police", campus.police if campus else ""),
        ("after_hours", campus.after_hours if campus else ""),
    )
    # A campus without police of its own names the emergency number there.
    seen: set[str] = set()
    helps = []
    for name, number in lines:
        if number and number not in seen:
            seen.add(number)
            helps.append(Help(t(f"call_{name}", number=number), number, t(f"call_{name}_for")))
    return helps


def way_key(keys: KeyRing) -> bytes:
    """Return what ways back are signed with."""
    return keys.secret("ways back for referrers")


def ticket_key(keys: KeyRing) -> bytes:
    """Return what the tickets of forms are signed with."""
    return keys.secret("tickets of forms")
