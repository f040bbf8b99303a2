"""Routes of the match desk: who a referral may be about, and what a person says to that."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from services.intake.domain.matching import Candidate
from services.intake.domain.referrals import Referral
from services.intake.http.bodies import AboutView, Campus, ReferralView
from services.intake.http.imports import Keys
from services.intake.http.knowing import decide_each
from services.intake.http.referrals import allowed, referral_view
from services.intake.http.student_bodies import (
    CandidatesView,
    CandidateView,
    LeaveBody,
    RejectBody,
    SaidView,
    UnmatchBody,
    WaitingView,
)
from services.intake.storage import merges, referrals, standing
from services.intake.usecases import identify_referral
from services.intake.usecases.propose_students import propose_students, said_of
from services.intake.usecases.resolve_people import Person, resources
from shared.access.actions import Action
from shared.access.actors import EVERYWHERE
from shared.access.rules import ONLY_DANGER
from shared.events.codes import SourceKind
from shared.program import load_program
from shared.refusal import Refused
from shared.web.gate import Door, SignedIn
from shared.web.listing import Listing

router = APIRouter(tags=["matching"])
_SHOWN = 50
_LOOKED_AT = 500


@router.get("/match-desk")
async def list_waiting(
    gate: SignedIn,
    keys: Keys,
    *,
    campus: Annotated[Campus | None, Query()] = None,
    source_kind: SourceKind | None = None,
    left_open: Annotated[bool | None, Query(description="whether somebody looked and could not tell")] = None,
    sort: Literal["oldest", "newest"] = "oldest",
    after: UUID | None = None,
) -> Listing[WaitingView]:
    """Show the referrals of which nobody knows whom they are about: danger first, then the oldest or the newest."""
    async with gate.begin() as door:
        found = await referrals.waiting(
            door.connection, campus, _LOOKED_AT, source_kind=source_kind.value if source_kind else None,
            left_open=left_open, order=sort, after=after,
        )  # fmt: skip
        program = await load_program(door.connection)
        these = await standing.resources(door.connection, found, program, door.now)
        decisions = door.allow_each(Action.REFERRAL_MATCH, these)
        seen = [each for each, yes in zip(found, decisions, strict=True) if yes and not yes.obliges(ONLY_DANGER)]
        meant = await said_of(door, keys, seen[:_SHOWN])
        left = await merges.left_open(door.connection, list(meant))
        asked = {
            "campus": campus,
            "state": "matching",
            "source_kind": source_kind,
            "left_open": left_open,
            "sort": sort,
        }
        question = " ".join(f"{name}={value}" for name, value in asked.items() if value is not None)
        ids = [str(id_) for id_ in meant]
        await door.record_list(Action.REFERRAL_MATCH, ids, question, kind="referral", campus=campus or EVERYWHERE)
    return Listing(
        items=[
            WaitingView(
                referral_id=each.referral_id,
                reference=each.reference,
                campus=each.campus,
                meant=meant[each.referral_id],
                source_kind=each.source_kind,
                channel=each.channel,
                danger=each.danger,
                received_at=each.received_at,
                left_open=SaidView.of(left[each.referral_id]) if each.referral_id in left else None,
            )
            for each in seen[:_SHOWN]
        ],
        after=_more(found, seen),
    )


def _more(found: Sequence[Referral], seen: Sequence[Referral]) -> UUID | None:
    """Return what asks for the next part: from the last that is shown, or past all that were looked at in vain."""
    if len(seen) > _SHOWN:
        return seen[_SHOWN - 1].referral_id
    return found[-1].referral_id if len(found) == _LOOKED_AT else None


@router.get("/referrals/{referral_id}/candidates")
async def list_candidates(referral_id: UUID, gate: SignedIn, keys: Keys) -> CandidatesView:
    """Show who a referral may be about, with the evidence for each: those students that the caller may know."""
    async with gate.begin() as door:
        referral, decision = await allowed(door, Action.REFERRAL_MATCH, referral_id)
        if decision.obliges(ONLY_DANGER):
            raise Refused("forbidden", "What this referral says of a person is behind a wall.", status=403)
        proposal = await propose_students(door, keys, referral)
        shown = await _may_know(door, proposal.candidates)
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


async def _may_know(door: Door, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates whom the caller may know; their rows have been read already."""
    program = await load_program(door.connection)
    students = [each.known.student for each in candidates]
    matters = await standing.to_students(door.connection, [each.student_id for each in students], program, door.now)
    people = [Person(each.student_id, each, resources(each, matters[each.student_id])) for each in students]
    decisions = decide_each(door, Action.PEOPLE_FIND, people)
    return [each for each, decision in zip(candidates, decisions, strict=True) if decision is not None]


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
