"""A person confirms or corrects screening: missed danger pages at once, nothing is taken back, figures learn."""

from typing import Any

import httpx

from shared.events.referrals import DangerRaised, MisconductReported, ReferralTriaged
from tests.integration.intake.conftest import Intake
from tests.integration.intake.test_lexicons import BASE, SECRET, draft, two_editors

IDIOM = "The group project is a hostage situation, he says. He is dead meat if he fails."


async def correct(intake: Intake, referral: dict[str, Any], verdict: str, who: str = "sam", **more: Any) -> Any:
    """Let somebody correct what screening found."""
    return await intake.post(who, f"/referrals/{referral['referral_id']}/corrections", verdict=verdict, **more)


async def test_danger_that_was_missed_is_raised_at_once_and_watched(intake: Intake) -> None:
    referral = await intake.refer(SECRET)
    await intake.forget_outbox()
    said = await correct(intake, referral, "danger_missed", level="critical", words="the blue door")
    assert said["level"] == "critical"
    (danger,) = await intake.published("danger")
    assert isinstance(danger, DangerRaised)
    assert (danger.found_by, danger.level, danger.live) == ("person", "critical", True)
    assert len(await intake.rows("SELECT 1 FROM danger_watches")) == 1
    (desk,) = (await intake.get("sam", "/desk"))["items"]
    assert (desk["referral_id"], desk["level"]) == (referral["referral_id"], "critical")


async def test_a_graver_danger_than_was_found_is_raised_and_the_same_again_is_a_cause_of_its_own(
    intake: Intake,
) -> None:
    referral = await intake.refer("She wants to die.")
    await intake.forget_outbox()
    await correct(intake, referral, "danger_missed", level="critical")
    await correct(intake, referral, "danger_missed", level="critical")
    first, second = (event for event in await intake.published("danger") if isinstance(event, DangerRaised))
    assert isinstance(first.level, str)
    assert first.level == "critical"
    assert not isinstance(first.cause_id, type(second.cause_id)), "the first worsens the page, the second is another"


async def test_danger_that_was_none_cancels_nothing(intake: Intake) -> None:
    referral = await intake.refer(IDIOM)
    before = await intake.rows("SELECT level, found_by FROM referrals")
    await intake.forget_outbox()
    await correct(intake, referral, "not_danger")
    assert await intake.published() == []
    assert await intake.rows("SELECT level, found_by FROM referrals") == before
    listed = (await intake.get("sam", f"/referrals/{referral['referral_id']}/corrections"))["items"]
    assert [(row["verdict"], row["made_by"], row["screened_with"]) for row in listed] == [("not_danger", "sam", BASE)]


async def test_misconduct_that_was_missed_goes_behind_the_wall(intake: Intake) -> None:
    referral = await intake.refer(SECRET)
    said = await correct(intake, referral, "misconduct_missed")
    assert said["sensitivity"] == "titleix"
    assert [type(event) for event in await intake.published("misconduct")] == [MisconductReported]
    path = f"/referrals/{referral['referral_id']}"
    assert (await intake.call("sam", "GET", path)).status_code == httpx.codes.NOT_FOUND
    assert (await intake.get("tia", f"{path}/corrections"))["items"][0]["verdict"] == "misconduct_missed"
    assert (await intake.get("sam", "/desk"))["waiting"] == 0
    assert (await intake.get("tia", "/desk"))["waiting"] == 1


async def test_words_are_sealed_must_be_the_referrers_own_and_only_readers_of_it_may_correct(intake: Intake) -> None:
    referral = await intake.refer(SECRET)
    path = f"/referrals/{referral['referral_id']}/corrections"
    answer = await intake.call("sam", "POST", path, json={"verdict": "danger_missed", "words": "the green door"})
    assert answer.json()["type"].endswith("not_in_narrative")
    assert (await intake.call("sam", "POST", path, json={"verdict": "right"})).json()["type"].endswith("nothing_found")
    for who in ("stu", "dee", "fay", "uma", "ada"):
        assert not (await intake.call(who, "POST", path, json={"verdict": "danger_missed"})).is_success, who
    await correct(intake, referral, "danger_missed", words="blue door")
    (row,) = await intake.rows("SELECT words, categories FROM screening_corrections")
    assert b"door" not in row.words
    assert row.categories == ["danger"]


async def test_what_people_judged_is_what_word_lists_are_compared_on_in_figures_alone(intake: Intake) -> None:
    await two_editors(intake)
    await correct(intake, await intake.refer(SECRET), "danger_missed")
    await correct(intake, await intake.refer("She wants to die."), "right")
    made = await draft(intake)
    compared = await intake.get("abe", f"/lexicons/{made['edition']}/comparison")
    (danger,) = (score for score in compared["judged"] if score["category"] == "danger")
    assert compared["judged_sentences"] == 2
    assert (danger["before"]["missed"], danger["after"]["missed"]) == (1, 0)
    assert "blue" not in str(compared["changed"])
    assert {(each["edition"], each["verdict"]) for each in compared["verdicts"]} == {
        (BASE, "danger_missed"),
        (BASE, "right"),
    }


async def test_a_rating_belongs_to_the_decision_and_a_grave_one_calls_somebody(intake: Intake) -> None:
    path = f"/referrals/{(await intake.refer(SECRET))['referral_id']}"
    await intake.forget_outbox()
    body = {"decision": "open_case", "reason_code": "new_concern", "rating": "elevated"}
    view = await intake.post("sam", f"{path}/triage", **body)
    assert (view["rating"], view["level"], view["state"]) == ("elevated", "elevated", "triaged")
    danger, triaged = await intake.published()
    assert isinstance(danger, DangerRaised)
    assert danger.found_by == "person"
    assert isinstance(triaged, ReferralTriaged)
    assert (triaged.rating, triaged.level) == ("elevated", "elevated")
    assert danger.sequence + 1 == triaged.sequence

    mild = f"/referrals/{(await intake.refer(SECRET))['referral_id']}"
    await intake.forget_outbox()
    await intake.post("sam", f"{mild}/triage", **body | {"rating": "mild", "decision": "watch_no_case"})
    assert [type(event) for event in await intake.published()] == [ReferralTriaged]
