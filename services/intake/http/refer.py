"""The public form of a campus: two pages without JavaScript, and a receipt. Nothing is looked up, nothing repeated."""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from services.intake.domain import public_form
from services.intake.domain.passphrases import SALT_BYTES, hash_of
from services.intake.domain.public_form import Answers, Fault
from services.intake.domain.referrals import LIKELY_BOT, Incoming
from services.intake.domain.signed import Ticket, ticket_in
from services.intake.http.files import File, WhyNot, sorted_out
from services.intake.http.imports import Keys
from services.intake.http.multipart import Form, read_form
from services.intake.http.public import (
    PUBLIC,
    WORKED,
    AtPace,
    Pace,
    Place,
    caller,
    page,
    passes,
    place_in,
    ticket_key,
)
from services.intake.http.words import language, languages
from services.intake.storage.referrers import ANONYMOUS, OPEN, SHIELDED
from services.intake.usecases.refer_publicly import FORM, Back, Sent, event_id, passphrase, refer_publicly
from services.intake.usecases.screening import last_known, screened
from shared.access.actions import Action
from shared.access.decision import Resource
from shared.events.codes import Channel
from shared.ids import new_id, new_reference
from shared.privacy.keys import KeyRing
from shared.refusal import Refused
from shared.telemetry import logger
from shared.web.gate import by_link
from shared.web.site import site_of

router = APIRouter(include_in_schema=False)
_log = logger("public")

STREAMED = ("/refer/*",)
# How many zero bits the work begins with that a browser does while somebody writes: a second or two of a phone.
WORK_BITS = 14
_LINES = ("who", "who_id", "your_name", "your_email", "your_phone")
_CODES = ("about", "named", "relation", "urgency", "knows", "share")


@dataclass(frozen=True)
class Visit:
    """One look at the form: the request, the place it came to, and the keys."""

    request: Request
    keys: KeyRing
    place: Place

    def show(
        self, name: str, place: Place, status: int = HTTPStatus.OK, *, here: str = "", **values: object
    ) -> HTMLResponse:
        """Answer with a page."""
        return page(self.request, name, place, status, here=here, headers=None, **values)


@router.get("/refer/{campus}")
async def first_page(request: Request, campus: str, keys: Keys, lang: str = "") -> Response:
    """Show the emergency numbers and the first two questions."""
    visit = Visit(request, keys, await _place(request, campus, lang))
    return _closed(visit) or _first(visit, Answers())


@router.post("/refer/{campus}")
async def go_on(request: Request, campus: str, keys: Keys, pace: AtPace) -> Response:
    """Take the answers of a page: show the next one, the same one again with what is missing, or the receipt."""
    place = await _place(request, campus, request.query_params.get("lang", ""))
    try:
        form = await read_form(request)
    except Refused as refused:
        return _mishap(Visit(request, keys, place), refused)
    place = replace(place, words=language(form.one("switch") or form.one("lang") or place.words.code))
    visit = Visit(request, keys, place)
    try:
        return _closed(visit) or await _next(visit, pace, form)
    except Exception as error:
        if not passes(error):
            raise
        _log.warning("a referral could not be taken in for now", exc_info=error)
        away = replace(place, away=True)
        return _second(replace(visit, place=away), _answers(form), ticket=form.one("ticket"), files=bool(form.files))


async def _next(visit: Visit, pace: Pace, form: Form) -> Response:
    answers, anonymous = _answers(form), visit.place.rules.anonymous
    if form.one("step") != "send":
        wrong = public_form.first_faults(answers, anonymous=anonymous)
        return _first(visit, answers, wrong) if wrong else _second(visit, answers)
    wrong = [] if form.one("switch") else public_form.faults(answers, anonymous=anonymous)
    if wrong and answers.about not in public_form.ABOUT:
        return _first(visit, answers, wrong[:1])
    if wrong or form.one("switch") or visit.place.away:
        return _second(visit, answers, wrong, ticket=form.one("ticket"), files=bool(form.files))
    return await _send(visit, pace, answers, form)


async def _send(visit: Visit, pace: Pace, answers: Answers, form: Form) -> Response:
    keys, place = visit.keys, visit.place
    database = site_of(visit.request).database
    now = database.clock.now()
    kept, left = sorted_out(form.files if place.rules.attachments else [])
    ticket = ticket_in(ticket_key(visit.keys), form.one("ticket"))
    # A form whose ticket we did not make is nobody's second try: it gets one of its own.
    id_ = event_id((ticket or Ticket(new_id(), now)).id, _content(answers, kept))
    incoming = _incoming(place, answers, id_, machine=ticket is None or bool(form.one("website")))
    cost = WORKED if ticket is not None and worked(form.one("ticket"), form.one("work")) else 1.0
    known = last_known(site_of(visit.request).database.engine.sync_engine, now)
    danger = screened(incoming, known).danger
    await pace.wait(caller(visit.request, keys), f"form:{incoming.campus}", cost, danger=danger)

    phrase = passphrase(keys, id_, place.words.phrase) if answers.comeback else ""
    salt = secrets.token_bytes(SALT_BYTES) if phrase else None
    kept_phrase = await asyncio.to_thread(hash_of, phrase, salt) if salt else None
    visibility = ANONYMOUS if not answers.is_named else OPEN if answers.share == "yes" else SHIELDED
    back = Back(visibility, place.words.code, answers.notices, salt, kept_phrase)
    async with by_link(visit.request, PUBLIC).begin() as door:
        resource = Resource(
            "referral", id=str(incoming.referral_id), campus=incoming.campus, addressees=frozenset({PUBLIC})
        )
        await door.allow(Action.REFERRAL_CREATE, resource)
        sent = [Sent(file.kind, file.name, file.content) for file in kept]
        receipt = await refer_publicly(door, keys, incoming, back, sent)
    return _receipt(visit, answers, Given(receipt.reference, phrase, left))


def _incoming(place: Place, answers: Answers, id_: str, *, machine: bool) -> Incoming:
    """Return the referral that the answers make.

    What a machine seems to have filled in is taken in like everything else, danger and all, and marked: a password
    manager fills hidden fields too, and one person lost weighs more than many pages for nothing. The mark keeps rules
    from opening cases for it; a person throws it away.
    """
    own = new_id()
    named = answers.is_named
    return Incoming(
        referral_id=own,
        reference=new_reference(),
        campus=place.campus.campus if place.campus else "",
        about=public_form.about(answers),
        concerns=answers.topics,
        urgency=public_form.urgency(answers),
        narrative=answers.words,
        relationship=answers.relation if answers.about != "me" else "",
        source_kind=public_form.source_kind(answers),
        channel=Channel.FORM.value,
        source=FORM,
        source_event_id=id_,
        live=True,
        language=place.words.code,
        referrer_name=answers.your_name if named else "",
        referrer_email=answers.your_email.lower() if named else "",
        referrer_phone=answers.your_phone if named else "",
        marks=(*public_form.marks(answers), *((LIKELY_BOT,) if machine else ())),
    )


def _answers(form: Form) -> Answers:
    """Read what was filled in. Who does not want to be named is not, whatever a browser filled in by itself."""
    lines = {name: public_form.line(form.one(name)) for name in _LINES}
    codes = {name: form.one(name)[:32] for name in _CODES}
    if codes["named"] == "no" and codes["about"] != "me":
        lines |= dict.fromkeys(("your_name", "your_email", "your_phone"), "")
    return Answers(
        **lines,
        **codes,
        where=public_form.text(form.one("where")),
        words=public_form.text(form.one("words")),
        topics=public_form.chosen(form.all("topics")),
        notices=bool(form.one("notices")),
        comeback=bool(form.one("comeback")),
    )


def _content(answers: Answers, files: list[File]) -> list[bytes]:
    return [repr(answers).encode(), *(hashlib.sha256(file.content).digest() for file in files)]


def worked(ticket: str, work: str) -> bool:
    """Return whether a browser has done the work: a number that, behind the ticket, hashes to enough zero bits."""
    if not work.isascii() or not work.isdigit() or len(work) > 12:  # noqa: PLR2004 - far more than the work takes
        return False
    digest = hashlib.sha256(f"{ticket}:{work}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 32 - WORK_BITS == 0


# ------------------------------------------------------------------------------------------------------------ pages


async def _place(request: Request, campus: str, asked: str) -> Place:
    return await place_in(request, campus, language(asked, request.headers.get("accept-language", "")))


def _first(visit: Visit, answers: Answers, wrong: Sequence[Fault] = ()) -> HTMLResponse:
    place = visit.place
    return visit.show(
        "refer_first.html",
        place,
        _status(visit, wrong),
        here=place.home,
        answers=answers,
        faults=list(wrong),
        rules=place.rules,
    )


def _second(
    visit: Visit, answers: Answers, wrong: Sequence[Fault] = (), *, ticket: str = "", files: bool = False
) -> HTMLResponse:
    if not ticket:
        ticket = Ticket(new_id(), site_of(visit.request).database.clock.now()).token(ticket_key(visit.keys))
        answers = replace(answers, comeback=answers.named == "no")
    code = visit.place.words.code
    return visit.show(
        "refer_second.html",
        visit.place.plain(),
        _status(visit, wrong),
        answers=answers,
        faults=list(wrong),
        rules=visit.place.rules,
        away=visit.place.away,
        ticket=ticket,
        files_again=files,
        relations=public_form.RELATIONS,
        topics=public_form.TOPICS,
        others=[(other, words.label) for other, words in languages().items() if other != code],
        work_bits=WORK_BITS,
    )


def _status(visit: Visit, wrong: Sequence[Fault]) -> HTTPStatus:
    if visit.place.away:
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK


@dataclass(frozen=True)
class Given:
    """What the referrer is given at the end. `left`: the files that were not kept, by place, and why."""

    reference: str
    phrase: str
    left: Sequence[tuple[int, WhyNot]]


def _receipt(visit: Visit, answers: Answers, given: Given) -> HTMLResponse:
    return visit.show(
        "refer_receipt.html",
        visit.place.plain(),
        given=given,
        me=answers.about == "me",
        notices=answers.notices,
        address=str(visit.request.url.replace(path="/r", query="")),
    )


def _closed(visit: Visit) -> HTMLResponse | None:
    if visit.place.campus is None and not visit.place.away:
        return visit.show("refer_mishap.html", visit.place, HTTPStatus.NOT_FOUND, what="no_campus")
    return None if visit.place.rules.open else visit.show("refer_mishap.html", visit.place, what="closed")


def _mishap(visit: Visit, refused: Refused) -> HTMLResponse:
    what = "too_large" if refused.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else "cut_off"
    return visit.show("refer_mishap.html", visit.place, refused.status, what=what)
