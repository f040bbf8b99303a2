"""Routes for what staff do with a referral beside deciding it: ask its referrer, send it on, split, retract, reopen."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.intake.domain.inspection import passage
from services.intake.domain.signed import Way
from services.intake.http.bodies import Campus, ReferralView
from services.intake.http.files import handed_out
from services.intake.http.imports import Keys
from services.intake.http.public import way_key
from services.intake.http.referrals import about_of, allowed, referral_view
from services.intake.http.turn_bodies import (
    ContactView,
    DuplicateBody,
    InspectionView,
    Made,
    PassageView,
    QuestionBody,
    QuestionView,
    RedirectBody,
    SplitBody,
    SplitView,
    ThreadView,
    TurnBody,
)
from services.intake.http.turn_views import (
    attachments_of,
    messages_of,
    now_view,
    turn_view,
    way_back_view,
    whose_of,
)
from services.intake.storage import referrals, referrers, threads
from services.intake.storage.referrers import Referrer
from services.intake.usecases.talk_with_referrer import ask_referrer
from services.intake.usecases.turn_referral import (
    Part,
    move,
    name_double,
    opened,
    opened_file,
    redirect,
    reopen,
    retract,
    split,
)
from shared.access.actions import Action
from shared.access.decision import Resource
from shared.access.rules import HIDE_PARTIES, ONLY_DANGER
from shared.program import load_program
from shared.refusal import Refused
from shared.web.gate import SignedIn
from shared.web.idempotency import IdempotencyKey, once
from shared.web.site import site_of

router = APIRouter(tags=["referrals"])

# A link in a mail is used on the day, or at the weekend; later whoever wrote asks for the next notice.
MAILED_FOR = timedelta(days=30)
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.post("/referrals/{referral_id}/questions", status_code=201, response_model=QuestionView)
async def ask(
    referral_id: UUID, body: QuestionBody, request: Request, gate: SignedIn, keys: Keys, _key: IdempotencyKey
) -> Response:
    """Ask the referrer something. It waits on their page; if they left an address, a mail says that it does."""
    async with gate.begin() as door:
        await allowed(door, Action.REFERRAL_ASK, referral_id)

        async def make() -> tuple[int, dict[str, Any]]:
            message_id = await ask_referrer(door, keys, referral_id, body.text)
            return 201, QuestionView(message_id=message_id).model_dump(mode="json")

        return await once(door, request, make)


@router.get("/referrals/{referral_id}/thread")
async def thread(referral_id: UUID, gate: SignedIn, keys: Keys) -> ThreadView:
    """Show what was asked and said after a referral came, what was sent along, and what people did with it."""
    async with gate.begin() as door:
        referral, decision = await allowed(door, Action.REFERRAL_READ_NARRATIVE, referral_id)
        referrer = (await referrers.load(door.connection, [referral_id])).get(referral_id)
        limited = decision.obliges(ONLY_DANGER)
        return ThreadView(
            referral_id=referral_id,
            referrer=None if referrer is None or decision.obliges(HIDE_PARTIES) else way_back_view(referrer),
            can_ask=referrer is not None and (referrer.returns or referrer.notices),
            messages=await messages_of(door, keys, referral, limited=limited),
            attachments=[] if limited else await attachments_of(door, keys, referral),
            turns=[] if limited else [turn_view(each) for each in await threads.turns(door.connection, referral_id)],
        )


@router.get("/referrals/{referral_id}/attachments/{attachment_id}", response_class=Response, responses=_FILE)
async def attachment(referral_id: UUID, attachment_id: UUID, gate: SignedIn, keys: Keys) -> Response:
    """Hand out a file to be saved, to whoever may read all of the referral. It is never shown by the browser."""
    async with gate.begin() as door:
        referral, decision = await allowed(door, Action.REFERRAL_READ_NARRATIVE, referral_id)
        if decision.obliges(ONLY_DANGER):
            raise Refused("not_for_responders", "Files of this referral are not open to you.", status=403)
        found = await opened_file(door, keys, referral, attachment_id)
        if found is None:
            raise Refused("not_found", "There is no such file.", status=404)
    name, content = found
    return handed_out(name, content)


@router.post("/referrals/{referral_id}/redirect")
async def send_on(
    referral_id: UUID, body: RedirectBody, request: Request, gate: SignedIn, keys: Keys, _key: IdempotencyKey
) -> Response:
    """Send a referral to another office, which closes it here, or to another campus, which gets one of its own."""
    if (body.office is None) == (body.campus is None):
        raise Refused("one_place", "Name an office or a campus.", status=422, pointer="/body/office")
    if body.campus is not None and body.rating is not None:
        raise Refused("rated_there", "Another campus rates it itself.", status=422, pointer="/body/rating")
    async with gate.begin() as door:
        _, decision = await allowed(door, Action.REFERRAL_REDIRECT, referral_id)
        if body.campus is not None:
            # Bringing something in is what anybody may do; it opens the other campus for this transaction.
            await door.allow(Action.REFERRAL_CREATE, Resource("referral", campus=body.campus))

        async def make() -> tuple[int, dict[str, Any]]:
            if body.campus is not None:
                await move(door, keys, referral_id, body.campus)
            else:
                await redirect(door, referral_id, body.office or "", rating=body.rating)
            return 200, (await now_view(door, referral_id, decision)).model_dump(mode="json")

        return await once(door, request, make)


@router.post("/referrals/{referral_id}/duplicate")
async def duplicate(referral_id: UUID, body: DuplicateBody, gate: SignedIn) -> ReferralView:
    """Say that a referral says what another one of the campus said, which the caller may read too."""
    async with gate.begin() as door:
        _, decision = await allowed(door, Action.REFERRAL_TRIAGE, referral_id)
        other = await referrals.by_reference(door.connection, body.of)
        if other is None:
            raise Refused("no_such_reference", "There is no such referral.", status=422, pointer="/body/of")
        await allowed(door, Action.REFERRAL_READ, other.referral_id)
        double = await name_double(door, referral_id, other, body.reason_code, rating=body.rating)
        return referral_view(double, decision)


@router.post("/referrals/{referral_id}/split", status_code=201, response_model=SplitView)
async def split_by_person(
    referral_id: UUID, body: SplitBody, request: Request, gate: SignedIn, keys: Keys, _key: IdempotencyKey
) -> Response:
    """Make a referral for each further person; this one stays for the first."""
    parts = [Part(about_of(each.about), each.narrative) for each in body.people]
    async with gate.begin() as door:
        referral, _ = await allowed(door, Action.REFERRAL_SPLIT, referral_id)
        # Bringing something in is what anybody may do, and it opens the wall that a part may belong behind.
        await door.allow(Action.REFERRAL_CREATE, Resource("referral", campus=referral.campus))

        async def make() -> tuple[int, dict[str, Any]]:
            made = await split(door, keys, referral_id, parts)
            view = SplitView(
                made=[Made(referral_id=each.referral_id, reference=each.reference, campus=each.campus) for each in made]
            )
            return 201, view.model_dump(mode="json")

        return await once(door, request, make)


@router.post("/referrals/{referral_id}/retract")
async def take_back(referral_id: UUID, body: TurnBody, gate: SignedIn) -> ReferralView:
    """Take a referral back for its referrer. What spoke of danger stays to be decided, marked."""
    async with gate.begin() as door:
        _, decision = await allowed(door, Action.REFERRAL_RETRACT, referral_id)
        return referral_view(await retract(door, referral_id, body.reason_code), decision)


@router.post("/referrals/{referral_id}/reopen")
async def open_again(referral_id: UUID, body: TurnBody, gate: SignedIn) -> ReferralView:
    """Put a decided or retracted referral back on the desk, unless a case holds it."""
    async with gate.begin() as door:
        _, decision = await allowed(door, Action.REFERRAL_REOPEN, referral_id)
        return referral_view(await reopen(door, referral_id, body.reason_code), decision)


@router.get("/referrals/{referral_id}/inspection-copy")
async def inspection_copy(referral_id: UUID, gate: SignedIn, keys: Keys) -> InspectionView:
    """Show what the student may inspect of a referral, for a person to review before it is handed out."""
    async with gate.begin() as door:
        referral, _ = await allowed(door, Action.REFERRAL_INSPECT, referral_id)
        referrer = (await referrers.load(door.connection, [referral_id])).get(referral_id, Referrer(referral_id))
        said = await opened(door, keys, referral)
        whose = whose_of(referral, referrer, said)
        shown: list[tuple[str, str, datetime]] = [("referral", said.narrative, referral.received_at)]
        messages = await messages_of(door, keys, referral, limited=False)
        shown += [(each.kind, each.text, each.written_at) for each in messages]
        files = await threads.attachments(door.connection, referral_id)
    passages = [(kind, passage(words, whose), at) for kind, words, at in shown]
    return InspectionView(
        referral_id=referral_id,
        reference=referral.reference,
        campus=referral.campus,
        received_at=referral.received_at,
        referrer="" if whose.shielded else whose.name,
        withheld=["referrer", "relationship", *(["attachments"] if files else [])] if whose.shielded else [],
        passages=[
            PassageView(kind=kind, text=each.text, review=list(each.review), written_at=at)
            for kind, each, at in passages
        ],
        attachments=len(files),
    )


@router.get("/referrals/{referral_id}/referrer-contact")
async def referrer_contact(
    referral_id: UUID, request: Request, gate: SignedIn, keys: Keys, campus: Annotated[Campus, Query()]
) -> ContactView:
    """Tell the delivery worker where one notice goes, at the moment of sending. Nobody else may ask."""
    async with gate.begin() as door:
        await door.allow(Action.REFERRER_RESOLVE, Resource("referral", id=str(referral_id), campus=campus))
        referral = (await referrals.load(door.connection, [referral_id])).get(referral_id)
        referrer = (await referrers.load(door.connection, [referral_id])).get(referral_id)
        if referral is None or referrer is None or not referrer.notices:
            raise Refused("no_notices", "Nobody is to be told of this.", status=404)
        program = await load_program(door.connection)
        staff = program.staff.get(referral.referrer_id)
        address = (await opened(door, keys, referral)).referrer.get("email", "") or (staff.email if staff else "")
        if not address:
            raise Refused("no_address", "Nobody left an address here.", status=404)
        until = door.now + MAILED_FOR
        settings = site_of(request).settings
        return ContactView(
            address=address,
            link=f"{settings.referrers_at}/r/{Way(referral_id, until).token(way_key(keys))}",
            language=referrer.language,
            status=referral.status,
            reference=referral.reference,
            campus=referral.campus,
        )
