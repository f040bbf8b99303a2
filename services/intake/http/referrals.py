"""Routes for referrals: bring one, see the desk, read one, decide about it."""

import json
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.intake.domain.lexicon import Hit
from services.intake.domain.referrals import About, Incoming, Referral
from services.intake.domain.sentences import only_danger
from services.intake.http.bodies import (
    AboutBody,
    AboutView,
    Campus,
    HitView,
    MatchBody,
    NarrativeView,
    NewReferral,
    ReceiptView,
    ReferralView,
    ReferrerView,
    TriageBody,
)
from services.intake.http.flags import flag_views
from services.intake.http.imports import NONE_BEFORE, Keys
from services.intake.storage import flag_states, referrals, referrers, standing
from services.intake.storage.flag_states import Asked
from services.intake.storage.referrals import ABOUT, NARRATIVE, REFERRER, Texts
from services.intake.storage.referrers import SHIELDED, Referrer
from services.intake.usecases.identify_referral import match_referral
from services.intake.usecases.receive_referrals import receive_referrals
from services.intake.usecases.screening import last_known, screened
from services.intake.usecases.triage_referral import triage_referral
from shared.access.actions import Action
from shared.access.decision import Decision, Resource
from shared.access.rules import HIDE_PARTIES, ONLY_DANGER
from shared.events.codes import Family, Level, SourceKind, family_of
from shared.ids import new_id, new_reference
from shared.privacy.keys import KeyRing
from shared.privacy.text import unseal
from shared.program import load_program
from shared.refusal import Refused
from shared.web.gate import Door, SignedIn
from shared.web.idempotency import IdempotencyKey, once
from shared.web.limits import RateLimiter
from shared.web.listing import Listing
from shared.web.site import part, site_of

router = APIRouter(tags=["referrals"])

_PAGE = 100
# How many rows a listing looks at, time after time, for a page of what somebody may see.
_LOOKS = (_PAGE, *[1_000] * 10)
_AHEAD = timedelta(minutes=5)
Limiter = Annotated[RateLimiter, Depends(part(RateLimiter))]


@router.post("/referrals", status_code=201, response_model=ReceiptView)
async def refer(
    body: NewReferral, request: Request, gate: SignedIn, keys: Keys, limiter: Limiter, _key: IdempotencyKey
) -> Response:
    """Bring a concern about a student. Anybody signed in may. Danger is passed on at once, whatever is not known."""
    now = site_of(request).database.clock.now()
    if body.happened_at is not None and body.happened_at > now + _AHEAD:
        raise Refused("in_the_future", "This lies in the future.", status=422, pointer="/body/happened_at")
    incoming = _incoming(body, gate.subject)
    known = last_known(site_of(request).database.engine.sync_engine, now)
    await limiter.slow(gate.subject, "referrals", danger=screened(incoming, known).danger)
    async with gate.begin() as door:
        resource = Resource("referral", id=str(incoming.referral_id), campus=body.campus)
        await door.allow(Action.REFERRAL_CREATE, resource)

        async def make() -> tuple[int, dict[str, Any]]:
            receipt = (await receive_referrals(door, keys, [incoming]))[0]
            if body.notices or body.visibility != SHIELDED:
                who = Referrer(receipt.referral_id, body.visibility, body.language or "en", body.notices)
                await referrers.store(door, who)
                await referrers.tell(door, referrals=[receipt.referral_id])
            view = ReceiptView(referral_id=receipt.referral_id, reference=receipt.reference, state=receipt.state)
            return 201, view.model_dump(mode="json")

        return await once(door, request, make)


@router.get("/referrals")
async def list_referrals(
    gate: SignedIn,
    campus: Annotated[Campus, Query()],
    state: Literal["matching", "triage_due", "triaged", "retracted"] | None = None,
    matched: Annotated[bool | None, Query(description="whether the student is known")] = None,
    after: UUID = NONE_BEFORE,
) -> Listing[ReferralView]:
    """Show referrals of a campus, oldest first: those the caller may see."""
    async with gate.begin() as door:
        seen, more = await _listed(door, campus, state, matched, after)
        question = f"campus={campus} state={state or 'any'} matched={'any' if matched is None else matched}"
        ids = [str(view.referral_id) for view in seen]
        await door.record_list(Action.REFERRAL_LIST, ids, question, kind="referral", campus=campus)
    return Listing(items=seen, after=more)


async def _listed(
    door: Door, campus: str, state: str | None, matched: bool | None, after: UUID
) -> tuple[list[ReferralView], UUID | None]:
    """Return a page of what the actor may see, and what to ask for the next one with.

    It looks past what they may not, or a coordinator's few would lie behind pages of nothing, and `after` would name,
    and let people count, what is hidden.
    """
    program = await load_program(door.connection)
    seen: list[ReferralView] = []
    at: UUID | None = after
    for rows in _LOOKS:
        found = await referrals.page(
            door.connection, campus, state=state, matched=matched, after=at or NONE_BEFORE, count=rows
        )
        resources = await standing.resources(door.connection, found, program, door.now)
        decisions = door.allow_each(Action.REFERRAL_LIST, resources)
        seen += [referral_view(each, yes) for each, yes in zip(found, decisions, strict=True) if yes is not None]
        at = found[-1].referral_id if len(found) == rows else None
        if at is None or len(seen) >= _PAGE:
            break
    if len(seen) > _PAGE or (len(seen) == _PAGE and at is not None):
        return seen[:_PAGE], seen[_PAGE - 1].referral_id
    return seen, at


@router.get("/referrals/{referral_id}")
async def read_referral(referral_id: UUID, gate: SignedIn) -> ReferralView:
    """Show a referral, without what people wrote; with the flags it was made of, if a rule made it."""
    async with gate.begin() as door:
        referral, decision = await allowed(door, Action.REFERRAL_READ, referral_id)
        view = referral_view(referral, decision)
        if referral.source_kind == SourceKind.RULE:
            asked = Asked(referral.campus, referral=referral_id, walled=True)
            rows = await flag_states.page(door.connection, asked, order="oldest", after=None, count=_PAGE)
            view.flags = flag_views(rows)
    return view


@router.get("/referrals/{referral_id}/narrative")
async def read_narrative(referral_id: UUID, gate: SignedIn, keys: Keys) -> NarrativeView:
    """Show what was written. Whoever holds a duty grant behind a wall sees only the sentences that speak of danger."""
    async with gate.begin() as door:
        referral, decision = await allowed(door, Action.REFERRAL_READ_NARRATIVE, referral_id)
        texts = await referrals.texts(door.connection, referral_id)
        return await _narrative(door, keys, referral, texts, decision)


@router.post("/referrals/{referral_id}/triage")
async def triage(referral_id: UUID, body: TriageBody, gate: SignedIn) -> ReferralView:
    """Decide what a referral becomes."""
    async with gate.begin() as door:
        _, decision = await allowed(door, Action.REFERRAL_TRIAGE, referral_id)
        rating = None if body.rating is None else Level(body.rating)
        decided = await triage_referral(
            door, referral_id, body.decision, body.reason_code, rating=rating, several=body.several
        )
        return referral_view(decided, decision)


@router.post("/referrals/{referral_id}/match")
async def match(referral_id: UUID, body: MatchBody, gate: SignedIn) -> ReferralView:
    """Say which student a referral is about."""
    async with gate.begin() as door:
        _, decision = await allowed(door, Action.REFERRAL_MATCH, referral_id)
        referral = await match_referral(
            door,
            referral_id,
            body.student_id,
            instead_of=body.instead_of,
            reason_code=body.reason_code,
            not_these=body.not_these,
        )
        return referral_view(referral, decision)


async def allowed(door: Door, action: Action, referral_id: UUID) -> tuple[Referral, Decision]:
    referral = (await referrals.load(door.connection, [referral_id])).get(referral_id)
    if referral is None:
        await door.absent(action, "referral", str(referral_id))
    program = await load_program(door.connection)
    resource = (await standing.resources(door.connection, [referral], program, door.now))[0]
    return referral, await door.allow(action, resource)


def _incoming(body: NewReferral, subject: str) -> Incoming:
    id_ = new_id()
    return Incoming(
        referral_id=id_,
        reference=new_reference(),
        campus=body.campus,
        about=about_of(body.about),
        concerns=tuple(dict.fromkeys(body.concerns)),
        urgency=body.urgency.value,
        narrative=body.narrative,
        relationship=body.relationship,
        source_kind=body.source_kind.value,
        channel=body.channel.value,
        source="api",
        source_event_id=str(id_),
        live=True,
        happened_at=body.happened_at,
        referrer_id=subject,
        referrer_name=body.caller.name,
        referrer_email=body.caller.email.lower(),
        referrer_phone=body.caller.phone,
        language=body.language,
        marks=(body.regards,) if body.regards != "person" else (),
    )


def about_of(body: AboutBody) -> About:
    """Return whom somebody means, as they put it."""
    return About(
        number=body.student_id or "",
        email=(body.email or "").lower(),
        description=body.description or "",
        name=body.name or "",
        course=body.course or "",
        residence=body.residence or "",
        level=body.level or "",
        pronouns=body.pronouns or "",
        birth_date=body.birth_date or "",
    )


def referral_view(referral: Referral, decision: Decision) -> ReferralView:
    hidden = decision.obliges(HIDE_PARTIES)
    concerns = [
        concern for concern in referral.concerns if not hidden or family_of(concern) != Family.MISCONDUCT_SEX
    ]  # fmt: skip
    return ReferralView(
        referral_id=referral.referral_id,
        reference=referral.reference,
        campus=referral.campus,
        sensitivity=referral.sensitivity,
        student_id=referral.student_id,
        state=referral.state,
        status=referral.status,
        decision=referral.decision,
        reason_code="" if hidden else referral.reason_code,
        decided_by="" if hidden else referral.decided_by,
        family=None if hidden else referral.family,
        concerns=concerns,
        level=referral.level,
        urgency=referral.urgency,
        source_kind=None if hidden else referral.source_kind,
        channel=referral.channel,
        relationship=None if hidden else referral.relationship,
        live=referral.live,
        happened_at=referral.happened_at,
        received_at=referral.received_at,
        triaged_at=referral.triaged_at,
        match_basis=referral.match_basis,
        matched_by="" if hidden else referral.matched_by,
        case_id=referral.case_id,
        due_at=referral.due_at,
        rating="" if hidden else referral.rating,
        marks=list(referral.marks),
    )


async def _narrative(door: Door, keys: KeyRing, referral: Referral, texts: Texts, decision: Decision) -> NarrativeView:
    id_ = referral.referral_id
    sealed = {NARRATIVE: texts.narrative, ABOUT: texts.about, REFERRER: texts.referrer}
    there = [(id_, field, id_, bytes(text)) for field, text in sealed.items() if text is not None]
    opened = dict(zip((field for _, field, *_ in there), await unseal(door, keys, referral.campus, there), strict=True))
    narrative = opened.get(NARRATIVE, "")
    if decision.obliges(ONLY_DANGER):
        return NarrativeView(
            referral_id=id_,
            narrative=" ".join(only_danger(narrative, texts.hits)),
            only_danger=True,
            hits=[],
            screened_with=texts.screened_with,
            about=None,
            referrer=None,
        )
    about, referrer = json.loads(opened.get(ABOUT, "null")), json.loads(opened.get(REFERRER, "{}"))
    return NarrativeView(
        referral_id=id_,
        narrative=narrative,
        only_danger=False,
        hits=[_hit(h) for h in texts.hits],
        screened_with=texts.screened_with,
        about=AboutView(**about) if about else None,
        referrer=ReferrerView(
            staff_id=referral.referrer_id, name=referrer.get("name", ""), email=referrer.get("email", "")
        ),
    )


def _hit(hit: Hit) -> HitView:
    return HitView(category=hit.category, start=hit.start, end=hit.end, negated=hit.negated, edition=hit.edition)
