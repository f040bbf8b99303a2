"""Cases while people change their minds about who is who: asked, not told, and nothing is lost by undoing."""

from uuid import UUID

from shared.events.referrals import ReferralUnmatched
from shared.events.roster import MergeSnapshot
from tests.integration.cases.conftest import NOW, Cases, matched, student, triaged

ADA, BO = UUID(int=1), UUID(int=2)
MERGE = UUID(int=77)


def merge(*, undone: bool = False, sequence: int = 1) -> MergeSnapshot:
    """Return that a person said that Ada is Bo, or took it back."""
    return MergeSnapshot(
        campus="NORTH", sequence=sequence, status="undone" if undone else "active", merge_id=MERGE, student_id=ADA,
        goes_by=BO, reason_code="same_person", merged_by="sam", merged_at=NOW,
    )  # fmt: skip


def unmatched(referral_id: UUID, previous: UUID | None) -> ReferralUnmatched:
    """Return that a referral is not about whom it was said to be about."""
    return ReferralUnmatched(
        campus="NORTH", referral_id=referral_id, reference="r", previous_student_id=previous,
        reason_code="wrong_person", unmatched_by="sam", unmatched_at=NOW,
    )  # fmt: skip


async def test_a_merge_asks_about_the_two_open_cases_and_its_undoing_asks_no_more(cases: Cases) -> None:
    await cases.know(student(ADA), student(BO))
    await cases.tell(triaged(ADA), triaged(BO), triaged(BO, family="basic_needs", concerns=("food",)))
    before = await cases.rows("SELECT case_id, student_id, state, version FROM cases ORDER BY case_id")

    await cases.tell(merge())  # before the replica of the roster has heard of it

    (question,) = (await cases.get("sam", "/combinations"))["items"]
    whose = {row.case_id: row.student_id for row in before}
    assert {whose[UUID(question["case_id"])], whose[UUID(question["other_case_id"])]} == {ADA, BO}
    assert await cases.rows("SELECT case_id, student_id, state, version FROM cases ORDER BY case_id") == before
    await cases.tell(merge())
    assert len((await cases.get("sam", "/combinations"))["items"]) == 1

    await cases.tell(merge(undone=True, sequence=2))
    assert (await cases.get("sam", "/combinations"))["items"] == []
    await cases.tell(merge(sequence=3))
    assert len((await cases.get("sam", "/combinations"))["items"]) == 1


async def test_what_a_person_combined_between_merge_and_undoing_stays_combined(cases: Cases) -> None:
    await cases.know(student(ADA), student(BO))
    await cases.tell(triaged(ADA), triaged(BO))
    await cases.know(student(ADA, same_as=BO, sequence=2))
    await cases.tell(merge())
    (question,) = (await cases.get("sam", "/combinations"))["items"]
    await cases.post("sam", f"/combinations/{question['combination_id']}", decision="combine", reason="same_student")

    await cases.know(student(ADA, sequence=3))
    await cases.tell(merge(undone=True, sequence=2))

    kept = await cases.get("sam", f"/cases/{question['case_id']}")
    assert kept["state"] != "merged"
    assert len(kept["referrals"]) == 2
    # And what comes for either from now on is theirs alone.
    await cases.tell(triaged(UUID(kept["student_id"])))
    assert len((await cases.get("sam", f"/cases/{question['case_id']}"))["referrals"]) == 3


async def test_a_case_on_one_referral_follows_it_when_it_is_matched_anew_or_not_at_all(cases: Cases) -> None:
    await cases.know(student(ADA), student(BO))
    only = triaged(ADA)
    await cases.tell(only)
    await cases.tell(matched(only.referral_id, BO))
    assert (await cases.the_case())["student_id"] == str(BO)
    await cases.tell(unmatched(only.referral_id, BO))
    assert (await cases.the_case())["student_id"] is None
    await cases.tell(matched(only.referral_id, ADA))
    assert (await cases.the_case())["student_id"] == str(ADA)
    assert (await cases.the_case())["owner_id"]


async def test_the_cases_of_students_who_are_one_are_listed_by_either(cases: Cases) -> None:
    """The replica holds merges beside students, and takes none of them for a student."""
    await cases.know(student(ADA, same_as=BO), student(BO), merge())
    await cases.tell(triaged(ADA), triaged(BO, family="basic_needs", concerns=("food",)))
    for one in (ADA, BO):
        assert len((await cases.get("sam", f"/cases?student_id={one}"))["items"]) == 2


async def test_that_nobody_on_the_roster_is_meant_changes_no_case(cases: Cases) -> None:
    nobody = triaged(None)
    await cases.tell(nobody)
    before = await cases.rows("SELECT case_id, version FROM cases")
    await cases.tell(unmatched(nobody.referral_id, None))
    assert await cases.rows("SELECT case_id, version FROM cases") == before
