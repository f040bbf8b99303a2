"""People edit word lists: drafted, compared, put in force by a second person, taken back; old referrals keep theirs."""

from datetime import timedelta
from typing import Any

import httpx

from tests.integration.intake.conftest import Intake, person

BASE = "en-2026-11.2"
SECRET = "He keeps talking about the blue door."  # nothing any shipped word list finds


async def two_editors(intake: Intake) -> None:
    """Let there be a second administrator: nobody puts their own words in force."""
    await intake.know(person("abe", "administrator", campus="*"))


async def draft(intake: Intake, **words: Any) -> dict[str, Any]:
    """Draft an edition with a term of its own, by ada."""
    made = await intake.post("ada", "/lexicons", based_on=BASE, note="The blue door.")
    document = (await intake.get("ada", f"/lexicons/{BASE}"))["document"]
    terms = ["blue door", *document["categories"]["danger"]["terms"]]
    given = words or {"categories": {"danger": {"terms": terms}}}
    return await intake.post("ada", f"/lexicons/{made['edition']}/words", version=made["version"], **given)  # type: ignore[no-any-return]


async def refused(intake: Intake, who: str, path: str, **body: Any) -> tuple[int, str, str]:
    """Return the status, code and first pointer of a refusal."""
    answer = await intake.call(who, "POST", path, json=body)
    said = answer.json()
    pointers = [error.get("pointer", "") for error in said.get("errors", [])]
    return answer.status_code, said["type"].rsplit(":", 1)[-1], pointers[0] if pointers else ""


async def test_an_edition_is_drafted_compared_put_in_force_by_a_second_person_and_taken_back(intake: Intake) -> None:
    await two_editors(intake)
    before = await intake.refer(SECRET)
    made = await draft(intake)
    path = f"/lexicons/{made['edition']}"
    assert (made["state"], made["in_force"], made["authors"]) == ("draft", False, ["ada"])

    compared = await intake.get("ada", f"{path}/comparison")
    assert compared["misses_more_danger"] is False
    assert {score["category"] for score in compared["scores"]} >= {"danger", "sex_based_misconduct"}
    tried = await intake.post("ada", f"{path}/try", text=SECRET)
    assert [(SECRET[hit["start"] : hit["end"]], hit["edition"]) for hit in tried["hits"]] == [
        ("blue door", made["edition"])
    ]

    assert (await refused(intake, "ada", f"{path}/activate", version=made["version"]))[:2] == (
        httpx.codes.FORBIDDEN,
        "second_person_needed",
    )
    in_force = await intake.post("abe", f"{path}/activate", version=made["version"])
    assert (in_force["state"], in_force["in_force"], in_force["activated_by"]) == ("active", True, "abe")

    after = await intake.refer(SECRET)
    texts = [await intake.get("sam", f"/referrals/{each['referral_id']}/narrative") for each in (before, after)]
    assert [each["screened_with"] for each in texts] == [BASE, made["edition"]], "each keeps the one it met"
    assert [len(each["hits"]) for each in texts] == [0, 1]
    assert texts[1]["hits"][0]["edition"] == made["edition"]

    await intake.post("ada", f"{path}/roll-back", reason="It finds every door.")
    again = await intake.get("sam", f"/referrals/{(await intake.refer(SECRET))['referral_id']}/narrative")
    assert (again["screened_with"], again["hits"]) == (BASE, [])
    listed = (await intake.get("sam", "/lexicons"))["items"]
    assert [row["edition"] for row in listed if row["in_force"]] == ["es-2026-11", BASE]
    assert (listed[0]["state"], listed[0]["withdrawn_reason"]) == ("withdrawn", "It finds every door.")


async def test_an_edition_that_misses_danger_needs_a_reason_and_one_for_later_waits(intake: Intake) -> None:
    await two_editors(intake)
    made = await draft(intake, categories={"danger": {"terms": ["blue door"], "terms_about_others": []}})
    path = f"/lexicons/{made['edition']}"
    compared = await intake.get("ada", f"{path}/comparison")
    assert compared["misses_more_danger"] is True
    assert compared["changed"][0]["better"] is False
    assert compared["changed"][0]["text"]

    given = {"version": made["version"]}
    assert (await refused(intake, "abe", f"{path}/activate", **given))[1:] == (
        "misses_danger",
        "/body/lower_recall_reason",
    )
    past = (intake.clock.now() - timedelta(days=1)).isoformat()
    assert (await refused(intake, "abe", f"{path}/activate", **given, effective_from=past))[1] == "in_the_past"
    later = (intake.clock.now() + timedelta(days=1)).isoformat()
    why = {"lower_recall_reason": "A drill.", "effective_from": later}
    assert (await intake.post("abe", f"{path}/activate", **given, **why))["in_force"] is False
    assert (await intake.get("sam", await _narrative(intake)))["screened_with"] == BASE
    intake.clock.move(timedelta(days=2))
    assert (await intake.get("sam", await _narrative(intake)))["screened_with"] == made["edition"]


async def _narrative(intake: Intake) -> str:
    return f"/referrals/{(await intake.refer(SECRET))['referral_id']}/narrative"


async def test_a_term_that_cannot_be_read_is_named_and_a_stale_draft_is_not_overwritten(intake: Intake) -> None:
    await two_editors(intake)
    made = await draft(intake)
    path = f"/lexicons/{made['edition']}"
    for term in ("(open", "_ first", "<nobody> knows", "maybe? first", "ends with _"):
        answer = await refused(
            intake, "ada", f"{path}/words", version=made["version"], idioms=["fine", term]
        )  # fmt: skip
        assert answer == (httpx.codes.UNPROCESSABLE_ENTITY, "term_unreadable", "/body/idioms/terms/1"), term
    assert (await refused(intake, "abe", f"{path}/words", version=1, idioms=["fine"]))[1] == "changed_meanwhile"
    assert (await refused(intake, "ada", f"/lexicons/{BASE}/words", version=1, idioms=["x"]))[1] == "shipped"
    assert (await refused(intake, "ada", f"{path}/words", version=2, categories={"astrology": {"terms": ["x"]}}))[
        1
    ] == "unknown_category"
    assert (await intake.post("ada", f"{path}/discard"))["state"] == "discarded"
    assert (await refused(intake, "abe", f"{path}/activate", version=3))[1] == "not_draft"


async def test_only_administrators_of_the_whole_system_change_words(intake: Intake) -> None:
    made = await draft(intake)
    for who in ("sam", "dee", "tia", "fred", "fay"):
        for path in ("activate", "words"):
            answer = await intake.call(who, "POST", f"/lexicons/{made['edition']}/{path}", json={"version": 1})
            assert answer.status_code == httpx.codes.FORBIDDEN, (who, path)
        assert not (await intake.call(who, "GET", f"/lexicons/{made['edition']}/comparison")).is_success, who
    assert (await intake.call("fay", "GET", "/lexicons")).status_code == httpx.codes.FORBIDDEN


async def test_both_languages_are_searched_whatever_the_text_is_in(intake: Intake) -> None:
    said = "He wrote to me: me quiero morir, no puedo vivir. I do not know what to do with this, he is my friend."
    view = await intake.get("sam", f"/referrals/{(await intake.refer(said))['referral_id']}/narrative")
    assert view["screened_with"] == BASE
    assert {hit["edition"] for hit in view["hits"] if hit["category"] == "danger"} >= {"es-2026-11"}
    spanish = "Mi hermano dice que ya no quiere vivir y que su familia no lo entiende."
    view = await intake.get("sam", f"/referrals/{(await intake.refer(spanish))['referral_id']}/narrative")
    assert view["screened_with"] == "es-2026-11"
