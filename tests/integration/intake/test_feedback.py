"""What cases and pages say back: who may read, where a referral belongs, and how far its matter has come."""

import asyncio
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.intake.storage import progress
from shared.access.actors import service_actor
from shared.events.cases import CaseAccepted, CaseClosed, CaseOpened, CaseReopened, CasesCombined, ReferralAttached
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


def attached(referral: dict[str, Any], case_id: UUID) -> ReferralAttached:
    """Return that a further referral joined a case."""
    return ReferralAttached(
        campus="NORTH",
        case_id=case_id,
        referral_id=UUID(referral["referral_id"]),
        added_concerns=(),
        level="mild",
        attached_at=NOW,
    )


def combined(into: UUID, gone: UUID) -> CasesCombined:
    """Return that a case took another one over."""
    return CasesCombined(campus="NORTH", case_id=into, other_case_id=gone, combined_by="sam", combined_at=NOW)


def ended(case_id: UUID) -> CaseClosed:
    """Return that the work on a case ended."""
    return CaseClosed(
        campus="NORTH",
        case_id=case_id,
        close_code="resolved",
        contact_outcome="reached",
        level="mild",
        student_told=True,
        owner_id="ana",
        opened_at=NOW,
        closed_by="ana",
        closed_at=NOW,
    )


def reopened(case_id: UUID) -> CaseReopened:
    """Return that a closed case was opened again."""
    return CaseReopened(
        campus="NORTH", case_id=case_id, reason_code="new_concern", owner_id="ana", reopened_by="ana", reopened_at=NOW
    )


async def statuses(intake: Intake) -> list[str]:
    """Return how far each referral is, as its referrer is told."""
    return sorted(row.status for row in await intake.rows("SELECT status FROM referrals"))


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

    await intake.tell(attached(later, case_id), combined(into, case_id))
    assert {(await status(of))[1] for of in (referral, later)} == {str(into)}


async def test_a_referral_follows_its_case_in_whatever_order_the_cases_are_heard(intake: Intake) -> None:
    for order in permutations(range(4)):
        if order.index(3) < order.index(2):
            continue  # what one case says is heard in order; only what two say is not
        first, second, third = [new_id() for _ in range(3)]
        mine, theirs, late = [await intake.refer() for _ in range(3)]
        await intake.tell(opened(mine, first), opened(theirs, third))
        told = (attached(late, first), combined(second, first), combined(third, second), ended(third))
        for place in order:
            await intake.tell(told[place])
        rows = await intake.rows(
            "SELECT case_id, status FROM referrals WHERE referral_id = ANY (:ids)",
            ids=[UUID(each["referral_id"]) for each in (mine, theirs, late)],
        )
        assert {(row.case_id, row.status) for row in rows} == {(third, "closed")}, order


async def test_a_backup_holds_no_combining_up_and_a_referral_that_joins_meanwhile_does(intake: Intake) -> None:
    gone, stands, referral = new_id(), new_id(), await intake.refer()
    me = service_actor("intake")
    async with intake.worker.transaction(me) as backup, asyncio.timeout(20):
        await backup.connection.execute(text("LOCK TABLE combined_cases IN ACCESS SHARE MODE"))
        async with intake.worker.transaction(me) as tx:
            await progress.attach(tx.connection, [(UUID(referral["referral_id"]), gone)])
            combining = asyncio.create_task(intake.tell(combined(stands, gone)))
            waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = CAST('combined_cases' AS regclass)"
            while not (await tx.connection.execute(text(waiting))).all():
                await asyncio.sleep(0.01)
        await combining
    (row,) = await intake.rows("SELECT case_id FROM referrals")
    assert row.case_id == stands


async def test_a_batch_that_combines_waits_before_it_holds_what_another_one_may_want(intake: Intake) -> None:
    gone, stands = new_id(), new_id()
    mine, theirs = [await intake.refer() for _ in range(2)]
    async with intake.worker.transaction(service_actor("intake")) as tx, asyncio.timeout(20):
        await progress.attach(tx.connection, [(UUID(mine["referral_id"]), gone)])
        combining = asyncio.create_task(intake.tell(attached(theirs, gone), combined(stands, gone)))
        others = (
            "SELECT granted FROM pg_locks WHERE relation = CAST('combined_cases' AS regclass)"
            " AND mode IN ('RowShareLock', 'ExclusiveLock') AND pid <> pg_backend_pid()"
        )
        while False not in (held := set((await tx.connection.execute(text(others))).scalars())):
            await asyncio.sleep(0.01)
        assert held == {False}
    await combining
    rows = await intake.rows("SELECT case_id FROM referrals")
    assert [row.case_id for row in rows] == [stands, stands]


async def test_what_is_heard_late_of_a_case_that_gave_way_counts_where_it_belongs(intake: Intake) -> None:
    gone, stands = new_id(), new_id()
    mine, theirs = [await intake.refer() for _ in range(2)]
    await intake.tell(opened(mine, gone), opened(theirs, stands), ended(gone), combined(stands, gone))
    assert await statuses(intake) == ["reviewed", "reviewed"]  # it is open: the case it joined says so
    await intake.tell(CaseAccepted(campus="NORTH", case_id=gone, owner_id="ana", opened_at=NOW, accepted_at=NOW))
    assert await statuses(intake) == ["acted", "acted"]
    await intake.tell(ended(stands))
    await intake.tell(reopened(gone))  # it was, before it gave way
    assert await statuses(intake) == ["closed", "closed"]


async def test_a_referrer_is_not_told_closed_once_the_case_is_open_again(intake: Intake) -> None:
    referral, case_id = await intake.refer(), new_id()
    await intake.tell(opened(referral, case_id), ended(case_id))
    assert await statuses(intake) == ["closed"]
    await intake.tell(reopened(case_id))
    assert await statuses(intake) == ["acted"]
    await intake.tell(ended(case_id))
    assert await statuses(intake) == ["closed"]
