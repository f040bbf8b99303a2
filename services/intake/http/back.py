"""The referrer's own page: how far it is and nothing else, a question to answer, a place to say more.

Reached with reference and passphrase, or by the link that a mail brought. What was written is not shown again: whoever
looks over a shoulder, or opens somebody else's mail, learns that something was told and no word of it.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.intake.domain import public_form
from services.intake.domain.passphrases import SALT_BYTES, hash_of, is_right
from services.intake.domain.public_form import Fault
from services.intake.domain.referral_rows import LONGEST_NARRATIVE
from services.intake.domain.signed import Ticket, Way, ticket_in, way_in
from services.intake.http.files import sorted_out
from services.intake.http.imports import Keys
from services.intake.http.multipart import Form, read_form
from services.intake.http.public import (
    PUBLIC,
    AtTries,
    Place,
    Tries,
    caller,
    page,
    place_in,
    place_of,
    program_of,
    ticket_key,
    way_key,
)
from services.intake.http.returning import Visit, day, followed, found_of, seen_of, with_room
from services.intake.http.words import language
from services.intake.storage import referrers
from services.intake.storage.referrers import WayBack
from services.intake.usecases.refer_publicly import Sent
from services.intake.usecases.talk_with_referrer import Heard, hear_referrer
from services.intake.usecases.turn_referral import retract
from shared.access.actions import Action
from shared.access.decision import Resource
from shared.ids import derived_id, new_id
from shared.refusal import Refused
from shared.web.gate import Denied, by_link
from shared.web.site import site_of

router = APIRouter(include_in_schema=False)

STREAMED = ("/r/*",)
# Long enough to write, short enough for a computer that others use.
SIGNED_IN_FOR = timedelta(hours=1)
STATUSES = ("received", "reviewed", "acted", "closed")
# Letters that people misread for those of a reference.
_MISREAD = str.maketrans("OILU", "011V")
_NO_SALT = bytes(SALT_BYTES)


# --------------------------------------------------------------------------------------------------------- the door


@router.get("/r")
async def door(request: Request, lang: str = "", over: str = "") -> Response:
    """Ask for reference and passphrase."""
    return _sign_in(request, await _place(request, lang), over=bool(over))


@router.post("/r")
async def come_in(request: Request, keys: Keys, tries: AtTries) -> Response:
    """Look whether the two belong together; slow for whoever tries many, the same for a reference nobody has."""
    place = await _place(request, "")
    try:
        form = await read_form(request)
    except Refused as refused:
        return page(request, "refer_mishap.html", place, refused.status, what="cut_off")
    place = replace(place, words=language(form.one("switch") or form.one("lang") or place.words.code))
    typed = _reference(form.one("reference"))
    words = public_form.text(form.one("words"))[:LONGEST_NARRATIVE]
    if form.one("switch"):
        return _sign_in(request, place, reference=form.one("reference"), words=words)
    if not await _may_try(tries, caller(request, keys), typed):
        wrong = [Fault("reference", "back_slow")]
        return _sign_in(request, place, wrong, HTTPStatus.TOO_MANY_REQUESTS, reference=typed, words=words)
    found = await _known(request, typed, form.one("passphrase"))
    if found is None:
        wrong = [Fault("reference", "back_wrong")]
        return _sign_in(request, place, wrong, HTTPStatus.UNPROCESSABLE_ENTITY, reference=typed, words=words)
    way = Way(found.referral_id, site_of(request).database.clock.now() + SIGNED_IN_FOR)
    token = way.token(way_key(keys))
    if words:
        return await _shown(Visit(request, keys, token, way), place, words=words)
    return RedirectResponse(
        f"/r/{token}?lang={place.words.code}", HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"}
    )


async def _known(request: Request, reference: str, phrase: str) -> WayBack | None:
    """Return the referral that the two open. Every try costs the same time, and leaves an audit row."""
    try:
        async with by_link(request, PUBLIC).begin() as door:
            found = await referrers.way_back(door.connection, reference=reference)
            salt, kept = (found.salt, found.phrase) if found else (None, None)
            right = await asyncio.to_thread(is_right, phrase, salt or _NO_SALT, kept or hash_of("", _NO_SALT))
            if found is None or kept is None or not right:
                await door.absent(Action.REFERRER_READ, "referral", str(found.referral_id) if found else "")
            mine = frozenset({PUBLIC})
            resource = Resource("referral", str(found.referral_id), found.campus, found.sensitivity, addressees=mine)
            await door.allow(Action.REFERRER_READ, resource)
            return await followed(door, found)
    except Denied:
        return None


async def _may_try(tries: Tries, where: str, reference: str) -> bool:
    digest = hashlib.sha256(reference.encode()).hexdigest()[:16]
    try:
        await tries.slow(where, f"reference:{digest}")
    except Refused:
        return False
    return True


# --------------------------------------------------------------------------------------------------------- the page


@router.get("/r/left")
async def left(request: Request, lang: str = "") -> Response:
    """Stand where nothing of the referral is to be seen."""
    return page(request, "refer_mishap.html", await _place(request, lang), what="left")


@router.get("/r/{token}")
async def show(request: Request, token: str, keys: Keys, lang: str = "") -> Response:
    """Show how far it is, what was asked, and room to answer. Looking changes nothing."""
    way = way_in(way_key(keys), token)
    if way is None:
        return await _strange(request, lang)
    visit = Visit(request, keys, token, way)
    if way.until <= site_of(request).database.clock.now():
        return _sign_in(request, await _place(request, lang), over=True)
    return await _shown(visit, await _place(request, lang), asked=lang)


@router.post("/r/{token}")
async def say(request: Request, token: str, keys: Keys) -> Response:
    """Take an answer or an addition, or take all of it back; then show how things stand."""
    way = way_in(way_key(keys), token)
    place = await _place(request, "")
    try:
        form = await read_form(request)
    except Refused as refused:
        what = "too_large" if refused.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else "cut_off"
        return page(request, "refer_mishap.html", place, refused.status, what=what)
    place = replace(place, words=language(form.one("lang") or place.words.code))
    if way is None:
        return await _strange(request, place.words.code)
    if way.until <= site_of(request).database.clock.now():
        # Their time is over, and what they wrote is not: it waits in the form until they are back.
        return _sign_in(request, place, over=True, words=public_form.text(form.one("words")))
    visit = Visit(request, keys, token, way)
    if form.one("act") == "retract":
        return await _retract(visit, place)
    return await _hear(visit, place, form)


async def _hear(visit: Visit, place: Place, form: Form) -> Response:
    words = public_form.text(form.one("words"))
    kept, left = sorted_out(form.files)
    if not words and not kept:
        return await _shown(visit, place, [Fault(_box(form), "fault_add")])
    if len(words) > LONGEST_NARRATIVE:
        return await _shown(visit, place, [Fault(_box(form), "fault_words_long")], words=words, box=_box(form))
    ticket = ticket_in(ticket_key(visit.keys), form.one("ticket"))
    digests = (hashlib.sha256(file.content).hexdigest() for file in kept)
    message_id = derived_id(ticket.id if ticket else new_id(), words, *digests)
    try:
        async with visit.begin() as door:
            found = await found_of(door, visit)
            await door.allow(Action.REFERRER_ADD, visit.resource(found))
            room = await with_room(door, found.referral_id, kept)
            left = [*left, *((place_ + 1, "no_room") for place_ in range(len(room), len(kept)))]  # type: ignore[list-item]
            sent = [Sent(file.kind, file.name, file.content) for file in room]
            said = Heard(message_id, _answers(form), words, sent)
            await hear_referrer(door, visit.keys, found.referral_id, said)
    except Denied:
        return await _strange(visit.request, place.words.code)
    return await _shown(visit, place, left=left, added=True)


async def _retract(visit: Visit, place: Place) -> Response:
    try:
        async with visit.begin() as door:
            found = await found_of(door, visit)
            await door.allow(Action.REFERRER_RETRACT, visit.resource(found))
            await retract(door, found.referral_id, "referrer_asked")
    except Denied:
        return await _strange(visit.request, place.words.code)
    except Refused as refused:
        if refused.status != HTTPStatus.CONFLICT:  # taken back before: the page says so
            raise
    return await _shown(visit, place)


async def _shown(
    visit: Visit, place: Place, wrong: Sequence[Fault] = (), *, asked: str = "", **values: object
) -> HTMLResponse:
    try:
        seen = await seen_of(visit)
    except Denied:
        return await _strange(visit.request, place.words.code)
    program = await program_of(visit.request)
    now = site_of(visit.request).database.clock.now()
    words = place.words if asked or values else language(seen.referrer.language)
    here = place_of(program, seen.referral.campus, words, now)
    zone = program.calendar(seen.referral.campus).zone
    given: dict[str, object] = {"left": (), "added": False, "words": "", "box": "add", **values}
    return page(
        visit.request,
        "referrer.html",
        replace(here, home=""),
        HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        here=f"/r/{visit.token}",
        seen=seen,
        statuses=STATUSES,
        reached=STATUSES.index(seen.referral.status),
        day=lambda at: day(words, at.astimezone(zone)),
        faults=list(wrong),
        ticket=Ticket(new_id(), now).token(ticket_key(visit.keys)),
        headers=None,
        **given,
    )


def _sign_in(
    request: Request,
    place: Place,
    wrong: Sequence[Fault] = (),
    status: int = HTTPStatus.OK,
    *,
    over: bool = False,
    reference: str = "",
    words: str = "",
) -> HTMLResponse:
    return page(
        request, "referrer_door.html", place, status, here="" if words else "/r", faults=list(wrong), over=over,
        reference=reference, words=words,
    )  # fmt: skip


async def _strange(request: Request, lang: str) -> HTMLResponse:
    place = await _place(request, lang)
    return page(request, "refer_mishap.html", place, HTTPStatus.NOT_FOUND, what="strange")


async def _place(request: Request, asked: str) -> Place:
    """Return the place of a page of no campus yet: whoever comes back has not said which."""
    return await place_in(request, "", language(asked, request.headers.get("accept-language", "")))


def _answers(form: Form) -> UUID | None:
    try:
        return UUID(form.one("answers")) if form.one("answers") else None
    except ValueError:
        return None


def _box(form: Form) -> str:
    answers = _answers(form)
    return f"answer-{answers}" if answers else "add"


def _reference(typed: str) -> str:
    """Return a reference however it was typed: small, with blanks, with an O for a nought."""
    signs = "".join(sign for sign in typed.upper() if sign.isalnum()).translate(_MISREAD)[:40]
    return f"{signs[:3]}-{signs[3:7]}-{signs[7:]}"
