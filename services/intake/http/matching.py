"""Routes of the match desk: who a referral may be about, and what a person says to that."""

from uuid import UUID

from fastapi import APIRouter

from services.intake.http.bodies import AboutView, ReferralView
from services.intake.http.imports import Keys
from services.intake.http.knowing import may_know
from services.intake.http.referrals import allowed, referral_view
from services.intake.http.student_bodies import (
    CandidatesView,
    CandidateView,
    LeaveBody,
    RejectBody,
    SaidView,
    UnmatchBody,
)
from services.intake.usecases import identify_referral
from services.intake.usecases.propose_students import propose_students
from shared.access.actions import Action
from shared.access.rules import ONLY_DANGER
from shared.refusal import Refused
from shared.web.gate import SignedIn

router = APIRouter(tags=["matching"])


@router.get("/referrals/{referral_id}/candidates")
async def list_candidates(referral_id: UUID, gate: SignedIn, keys: Keys) -> CandidatesView:
    """Show who a referral may be about, with the evidence for each: those students that the caller may know."""
    async with gate.begin() as door:
        referral, decision = await allowed(door, Action.REFERRAL_MATCH, referral_id)
        if decision.obliges(ONLY_DANGER):
            raise Refused("forbidden", "What this referral says of a person is behind a wall.", status=403)
        proposal = await propose_students(door, keys, referral)
        ids = [each.known.student.student_id for each in proposal.candidates]
        known = await may_know(door, Action.PEOPLE_FIND, ids)
        shown = [each for each in proposal.candidates if each.known.student.student_id in known]
        await door.record_list(
            Action.PEOPLE_FIND,
            [str(each.known.student.student_id) for each in shown],
            f"referral={referral_id}",
            kind="student",
            campus=referral.campus,
        )
    about = proposal.about
    return CandidatesView(
        referral_id=referral_id,
        student_id=referral.student_id,
        match_basis=referral.match_basis,
        about=AboutView(**{name: getattr(about, name) for name in AboutView.model_fields}),
        candidates=[CandidateView.of(each) for each in shown],
        said=[SaidView.of(each) for each in proposal.said],
    )


@router.post("/referrals/{referral_id}/candidates:reject")
async def reject(referral_id: UUID, body: RejectBody, gate: SignedIn) -> ReferralView:
    """Say that a referral is about none of these students. They are proposed no more."""
    async with gate.begin() as door:
        _, decision = await allowed(door, Action.REFERRAL_MATCH, referral_id)
        referral = await identify_referral.reject_candidates(door, referral_id, body.student_ids, body.reason_code)
        return referral_view(referral, decision)


@router.post("/referrals/{referral_id}/unmatch")
async def unmatch(referral_id: UUID, body: UnmatchBody, gate: SignedIn) -> ReferralView:
    """Say that a referral is not about whom it was said to be about. Cases follow, or show the difference."""
    async with gate.begin() as door:
        _, decision = await allowed(door, Action.REFERRAL_MATCH, referral_id)
        referral = await identify_referral.unmatch_referral(door, referral_id, body.student_id, body.reason_code)
        return referral_view(referral, decision)


@router.post("/referrals/{referral_id}/match:none")
async def match_none(referral_id: UUID, gate: SignedIn) -> ReferralView:
    """Say that a referral is about nobody on the roster. It leaves the match desk and waits for its decision."""
    async with gate.begin() as door:
        _, decision = await allowed(door, Action.REFERRAL_MATCH, referral_id)
        return referral_view(await identify_referral.not_on_roster(door, referral_id), decision)


@router.post("/referrals/{referral_id}/match:leave")
async def leave(referral_id: UUID, body: LeaveBody, gate: SignedIn) -> ReferralView:
    """Say that it cannot be told yet whom a referral is about; who looked, and when, is kept."""
    async with gate.begin() as door:
        _, decision = await allowed(door, Action.REFERRAL_MATCH, referral_id)
        return referral_view(await identify_referral.leave_open(door, referral_id, body.reason_code), decision)
