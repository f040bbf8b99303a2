"""What cases and pages say back: who may read, where a referral belongs, and how far its matter has come."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.events.cases import CaseAccepted, CaseOpened, CasesCombined, ReferralAttached
from shared.events.pages import PageAccepted
from shared.events.teams import Member, TeamSnapshot
from shared.ids import new_id
from tests.integration.intake.conftest import DANGER, NOW, Intake

MIXED = "Her partner raped her last night. She wants to end her life. She is in my room."


async def readable(intake: Intake, who: str, referral: dict[str, Any]) -> bool:
    """Return whether somebody may read what was written."""
    return (await intake.call(who, "GET", f"/referrals/{referral['referral_id']}/narrative")).is_success


def accepted(referral: dict[str, Any], by: str, **more: Any) -> PageAccepted:
    """Return that somebody took the page of a referral."""
    facts: dict[str, Any] = {
        "campus": "NORTH",
        "page_id": new_id(),
        "cause_id": new_id(),
        "function": "danger",
        "level": "critical",
        "referral_id": UUID(referral["referral_id"]),
        "accepted_by": by,
        "via": "link",
        "raised_at": NOW,
        "accepted_at": NOW,
        "grant_until": NOW + timedelta(hours=72),
        "contact_due": NOW,
    }
    return PageAccepted(**facts | more)


def opened(referral: dict[str, Any], case_id: UUID) -> CaseOpened:
    """Return that a case was opened on a referral."""
    return CaseOpened(
        campus="NORTH",
        case_id=case_id,
        referral_id=UUID(referral["referral_id"]),
        family="health",
        concerns=(),
        level="mild",
        reason_code="level",
        owner_id="ana",
        assignment_code="load",
        outreach_due=None,
        referred_at=NOW,
        opened_at=NOW,
    )


def team(case_id: UUID, *referrals: dict[str, Any], **more: Any) -> TeamSnapshot:
    """Return the team of a case: Ana owns it."""
    ids = tuple(UUID(referral["referral_id"]) for referral in referrals)
    facts: dict[str, Any] = {"owner_id": "ana", "members": (Member("ana", "owner", NOW),), "referrals": ids}
    return TeamSnapshot(campus="NORTH", case_id=case_id, student_id=None, family="health", **facts | more)


async def test_accepting_opens_that_matter_alone_and_until_the_grant_ends(intake: Intake) -> None:
    taken, other = await intake.refer(DANGER), await intake.refer(DANGER)
    assert not await readable(intake, "uma", taken)
    await intake.tell(accepted(taken, "uma"))
    assert await readable(intake, "uma", taken)
    assert not await readable(intake, "uma", other)
    intake.clock.move(timedelta(hours=73))
    assert not await readable(intake, "uma", taken)


async def test_a_responder_from_elsewhere_sees_the_matter_they_took(intake: Intake) -> None:
    taken = await intake.refer(DANGER)
    assert not await readable(intake, "stu", taken)
    await intake.tell(accepted(taken, "stu"))
    assert await readable(intake, "stu", taken)


async def test_behind_the_wall_a_responder_reads_the_danger_and_no_more(intake: Intake) -> None:
    taken = await intake.refer(MIXED, relationship="roommate", concerns=["sexual_misconduct", "suicide"])
    await intake.tell(accepted(taken, "uma"))
    view = await intake.get("uma", f"/referrals/{taken['referral_id']}/narrative")
    assert view["narrative"] == "She wants to end her life."
    assert (view["only_danger"], view["about"], view["referrer"]) == (True, None, None)
    head = await intake.get("uma", f"/referrals/{taken['referral_id']}")
    assert (head["family"], head["relationship"], head["concerns"]) == (None, None, ["suicide"])


async def test_once_it_belongs_to_a_case_the_team_reads_it_and_nobody_without_a_row(intake: Intake) -> None:
    referral, case_id = await intake.refer(), new_id()
    assert await readable(intake, "sam", referral)
    assert not await readable(intake, "ana", referral)
    await intake.tell(opened(referral, case_id))
    await intake.know(team(case_id, referral))
    assert await readable(intake, "ana", referral)

    recused = team(case_id, referral, recused=("ana",), owner_id="ben", members=(), sequence=2)
    await intake.know(recused)
    assert not await readable(intake, "ana", referral)
    walled = team(case_id, referral, sequence=3, sensitivity="titleix")
    await intake.know(walled)
    assert not await readable(intake, "sam", referral)
    assert await readable(intake, "ana", referral)


async def test_a_guest_of_another_campus_reads_what_the_team_reads(intake: Intake) -> None:
    referral, case_id = await intake.refer(), new_id()
    await intake.tell(opened(referral, case_id))
    guests = (Member("ana", "owner", NOW), Member("fay", "guest", NOW, NOW + timedelta(hours=1)))
    await intake.know(team(case_id, referral, members=guests))
    assert await readable(intake, "fay", referral)
    intake.clock.move(timedelta(hours=2))
    assert not await readable(intake, "fay", referral)


async def test_whoever_must_not_work_with_a_student_does_not_see_the_referral(intake: Intake) -> None:
    await intake.rows("UPDATE students SET student_id = :id WHERE number = 'N1'", id=UUID(int=0xBA))
    referral, case_id = await intake.refer(about={"student_id": "N1"}), new_id()
    await intake.tell(opened(referral, case_id))
    await intake.know(team(case_id, referral))
    assert await readable(intake, "ana", referral)
    assert not await readable(intake, "ben", referral)


async def test_a_name_is_given_to_whoever_stands_to_the_student_through_a_matter(intake: Intake) -> None:
    student, case_id = str(await intake.student("N1")), new_id()
    taken, joined = [await intake.refer(DANGER, about={"student_id": "N1"}) for _ in range(2)]

    async def knows(who: str) -> bool:
        return bool((await intake.post(who, "/people:resolve", student_ids=[student]))["people"])

    assert not await knows("uma")
    await intake.tell(accepted(taken, "uma"))
    assert await knows("uma")
    assert not await knows("dee")
    await intake.tell(opened(joined, case_id))
    await intake.know(team(case_id, joined, members=(Member("ana", "owner", NOW), Member("dee", "guest", NOW))))
    assert await knows("dee")


async def test_the_coarse_status_moves_on_and_never_back(intake: Intake) -> None:
    referral, later, case_id, into = await intake.refer(), await intake.refer(), new_id(), new_id()

    async def status(of: dict[str, Any]) -> tuple[str, str]:
        (row,) = await intake.rows(
            "SELECT status, case_id FROM referrals WHERE referral_id = :id", id=UUID(of["referral_id"])
        )
        return row.status, str(row.case_id)

    assert (await status(referral))[0] == "received"
    await intake.tell(opened(referral, case_id))
    assert await status(referral) == ("reviewed", str(case_id))
    took = CaseAccepted(campus="NORTH", case_id=case_id, owner_id="ana", opened_at=NOW, accepted_at=NOW)
    await intake.tell(took)
    assert (await status(referral))[0] == "acted"
    await intake.tell(opened(referral, case_id))
    assert (await status(referral))[0] == "acted"

    joined = ReferralAttached(
        campus="NORTH",
        case_id=case_id,
        referral_id=UUID(later["referral_id"]),
        added_concerns=(),
        level="mild",
        attached_at=NOW,
    )
    combined = CasesCombined(campus="NORTH", case_id=into, other_case_id=case_id, combined_by="sam", combined_at=NOW)
    await intake.tell(joined, combined)
    assert {(await status(of))[1] for of in (referral, later)} == {str(into)}
