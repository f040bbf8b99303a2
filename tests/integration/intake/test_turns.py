"""What staff do with a referral beside deciding it, over HTTP."""

import asyncio
from typing import Any
from uuid import UUID

from shared.events.referrals import (
    DangerRaised,
    MisconductReported,
    ReferralReopened,
    ReferralRetracted,
    ReferralTriaged,
)
from tests.integration.intake.conftest import DANGER, Intake, kinds
from tests.integration.intake.test_public_form import back, look, post, refer, ticket

MISCONDUCT = "Her ex-boyfriend raped her last week."


async def form(intake: Intake, **fields: str) -> UUID:
    """Fill in the public form with a name; return the referral's id."""
    given = {"named": "yes", "your_name": "Sam Lee", "your_email": "sam.lee@mail.example", "notices": "yes"} | fields
    before = {row.referral_id for row in await intake.rows("SELECT referral_id FROM referrals")}
    given["ticket"] = await ticket(intake, named="yes")
    answer = await refer(intake, **given)
    assert answer.status_code == 200, answer.text
    rows = await intake.rows("SELECT referral_id FROM referrals")
    (made,) = {row.referral_id for row in rows} - before
    return UUID(str(made))


async def refused(intake: Intake, who: str, path: str, status: int = 409, **body: Any) -> str:
    """Return the code of a refusal."""
    answer = await intake.call(who, "POST", path, json=body)
    assert answer.status_code == status, answer.text
    return str(answer.json()["type"]).rpartition(":")[2]


async def test_a_referral_is_sent_on_to_another_office_and_reopened(intake: Intake) -> None:
    here = f"/referrals/{await form(intake)}"
    sent = await intake.post("sam", f"{here}/redirect", office="conduct")
    assert (sent["state"], sent["decision"], sent["reason_code"]) == ("triaged", "redirect", "conduct")
    assert await refused(intake, "sam", f"{here}/redirect", office="housing") == "already_triaged"
    again = await intake.post("sam", f"{here}/reopen", reason_code="sent_back")
    assert (again["state"], again["decision"], again["status"]) == ("matching", "", "reviewed")
    assert await refused(intake, "sam", f"{here}/reopen", reason_code="twice") == "not_decided"
    turns = (await intake.get("sam", f"{here}/thread"))["turns"]
    assert [(each["kind"], each["code"], each["done_by"]) for each in turns] == [
        ("redirected", "conduct", "sam"),
        ("reopened", "sent_back", "sam"),
    ]
    assert any(isinstance(each, ReferralReopened) for each in await intake.published("referral"))
    assert await refused(intake, "sam", f"{here}/redirect", 422) == "one_place"


async def test_danger_is_raised_anew_on_the_campus_that_a_referral_is_given_to(intake: Intake) -> None:
    files = [("files", ("note.txt", b"A note", "text/plain"))]
    # Marked as a machine's, or a rule would have opened a case for it.
    assert (await refer(intake, files=files, words=DANGER, website="x")).status_code == 200
    (row,) = await intake.rows("SELECT referral_id, reference FROM referrals")
    await intake.forget_outbox()
    await intake.post("sam", f"/referrals/{row.referral_id}/redirect", campus="SOUTH")
    raised = [each for each in await intake.published("danger") if isinstance(each, DangerRaised)]
    assert [each.campus for each in raised] == ["SOUTH"]
    thread = await intake.get("stu", f"/referrals/{raised[0].referral_id}/thread")
    assert [each["name"] for each in thread["attachments"]] == ["note.txt"]
    path = f"/referrals/{raised[0].referral_id}/attachments/{thread['attachments'][0]['attachment_id']}"
    assert (await intake.call("stu", "GET", path)).content == b"A note"
    assert (await intake.call("sam", "GET", path)).status_code == 404


async def test_danger_that_a_person_saw_goes_with_a_referral_to_another_campus(intake: Intake) -> None:
    first = await form(intake)
    said = {"verdict": "danger_missed", "level": "critical"}
    await intake.post("sam", f"/referrals/{first}/corrections", **said)
    await intake.forget_outbox()
    await intake.post("sam", f"/referrals/{first}/redirect", campus="SOUTH")
    raised = [each for each in await intake.published("danger") if isinstance(each, DangerRaised)]
    assert [(each.campus, each.level, each.found_by) for each in raised] == [("SOUTH", "critical", "person")]
    moved = await intake.get("stu", f"/referrals/{raised[0].referral_id}")
    assert moved["level"] == "critical"
    (watch,) = await intake.rows("SELECT referral_id FROM danger_watches WHERE campus = 'SOUTH'")
    assert watch.referral_id == raised[0].referral_id


async def test_misconduct_that_a_split_brings_to_light_is_told_to_the_coordinator(intake: Intake) -> None:
    first = await form(intake)
    await intake.forget_outbox()
    people = [{"about": {"name": "The roommate"}, "narrative": MISCONDUCT}]
    (made,) = (await intake.post("sam", f"/referrals/{first}/split", people=people))["made"]
    told = [each for each in await intake.published("referral") if isinstance(each, MisconductReported)]
    assert [str(each.referral_id) for each in told] == [made["referral_id"]]


async def test_moving_keeps_what_each_campus_may_see_and_leads_the_referrer_on(intake: Intake) -> None:
    first = await form(intake, comeback="yes")
    await intake.post("sam", f"/referrals/{first}/questions", text="Which class?")
    contact = await intake.get("service:notifications", f"/referrals/{first}/referrer-contact?campus=NORTH")
    moved = await intake.post("sam", f"/referrals/{first}/redirect", campus="SOUTH")
    assert (moved["state"], moved["reason_code"]) == ("triaged", "another_campus")
    (there,) = await intake.rows("SELECT referral_id FROM referrals WHERE campus = 'SOUTH'")
    new = f"/referrals/{there.referral_id}"
    told = await intake.get("stu", f"{new}/narrative")
    assert told["narrative"] == (await intake.get("sam", f"/referrals/{first}/narrative"))["narrative"]
    assert told["referrer"]["name"] == "Sam Lee"
    assert [each["text"] for each in (await intake.get("stu", f"{new}/thread"))["messages"]] == ["Which class?"]
    for who, path in (("sam", new), ("stu", f"/referrals/{first}"), ("fay", new)):
        assert (await intake.call(who, "GET", f"{path}/narrative")).status_code == 404
    # The link that was mailed before leads to where it is now, and what is added there is read there.
    page = contact["link"][contact["link"].index("/r/") :]
    shown = (await look(intake, page)).text
    assert "Which class?" in shown
    assert "South" in shown
    assert (await post(intake, page, words="She moved to the south campus.")).status_code == 200
    said = {each["text"] for each in (await intake.get("stu", f"{new}/thread"))["messages"]}
    assert said == {"Which class?", "She moved to the south campus."}
    # The form was open while it was given away: what answers the question that stood in it is not lost.
    question = (await intake.get("sam", f"/referrals/{first}/thread"))["messages"][0]["message_id"]
    assert (await post(intake, page, words="It was BIO 101.", answers=question)).status_code == 200
    assert "It was BIO 101." in {each["text"] for each in (await intake.get("stu", f"{new}/thread"))["messages"]}
    assert len((await intake.get("sam", f"/referrals/{first}/thread"))["messages"]) == 1
    assert await refused(intake, "sam", f"/referrals/{first}/redirect", campus="SOUTH") == "already_triaged"
    other = await form(intake)
    for campus in ("NORTH", "NOWHERE"):
        assert await refused(intake, "sam", f"/referrals/{other}/redirect", 422, campus=campus) == "unknown_campus"


async def test_a_referral_is_split_by_person(intake: Intake) -> None:
    first = await form(intake)
    await intake.forget_outbox()
    people = [
        {"about": {"name": "The roommate"}, "narrative": "Plays loud music."},
        {"about": {"description": "the RA"}},
    ]
    made = (await intake.post("sam", f"/referrals/{first}/split", people=people))["made"]
    assert len(made) == 2
    assert kinds(await intake.published("referral")) == ["ReferralReceived", "ReferralReceived"]
    one, two = [await intake.get("sam", f"/referrals/{each['referral_id']}/narrative") for each in made]
    assert (one["narrative"], one["about"]["name"]) == ("Plays loud music.", "The roommate")
    assert two["narrative"] == (await intake.get("sam", f"/referrals/{first}/narrative"))["narrative"]
    assert (await intake.get("sam", f"/referrals/{first}"))["state"] == "matching"
    turns = (await intake.get("sam", f"/referrals/{made[0]['referral_id']}/thread"))["turns"]
    assert [(each["kind"], each["other_id"]) for each in turns] == [("split_from", str(first))]


async def test_graver_danger_in_a_part_of_a_referral_is_raised(intake: Intake) -> None:
    assert (await refer(intake, words="She wants to die.", website="x")).status_code == 200
    (row,) = await intake.rows("SELECT referral_id, level FROM referrals")
    assert row.level == "elevated"
    await intake.forget_outbox()
    people = [
        {"about": {"name": "One"}, "narrative": "She wants to die."},
        {"about": {"name": "Two"}, "narrative": DANGER},
    ]
    made = (await intake.post("sam", f"/referrals/{row.referral_id}/split", people=people))["made"]
    raised = [each for each in await intake.published("danger") if isinstance(each, DangerRaised)]
    assert [(str(each.referral_id), each.level) for each in raised] == [(made[1]["referral_id"], "critical")]


async def test_danger_that_a_person_sees_is_raised_whatever_becomes_of_the_referral(intake: Intake) -> None:
    sent_on, double, first = [await form(intake, words=f"Number {n}") for n in range(3)]
    rows = await intake.rows("SELECT referral_id, reference FROM referrals")
    reference = {UUID(str(row.referral_id)): row.reference for row in rows}
    await intake.forget_outbox()
    await intake.post("sam", f"/referrals/{sent_on}/redirect", office="counseling", rating="critical")
    await intake.post("sam", f"/referrals/{double}/duplicate", of=reference[first], rating="elevated")
    raised = [each for each in await intake.published("danger") if isinstance(each, DangerRaised)]
    assert {(each.referral_id, each.level) for each in raised} == {(sent_on, "critical"), (double, "elevated")}
    watched = await intake.rows("SELECT referral_id FROM danger_watches")
    assert {row.referral_id for row in watched} == {sent_on, double}
    moved = {"campus": "SOUTH", "rating": "critical"}
    assert await refused(intake, "sam", f"/referrals/{first}/redirect", 422, **moved) == "rated_there"


async def test_a_duplicate_names_its_first(intake: Intake) -> None:
    first, second, third = [await form(intake, words=f"Number {n}") for n in range(3)]
    rows = await intake.rows("SELECT referral_id, reference FROM referrals")
    reference = {UUID(str(row.referral_id)): row.reference for row in rows}
    double = await intake.post("sam", f"/referrals/{second}/duplicate", of=reference[first])
    assert (double["decision"], double["status"]) == ("duplicate", "reviewed")
    assert await refused(intake, "sam", f"/referrals/{third}/duplicate", of=reference[second]) == "is_a_double"
    assert await refused(intake, "sam", f"/referrals/{third}/duplicate", of=reference[third]) == "not_its_double"
    assert await refused(intake, "sam", f"/referrals/{third}/duplicate", 422, of="AAA-AAAA-AAAA") == "no_such_reference"


async def test_of_two_that_are_named_duplicates_of_each_other_at_once_one_stays(intake: Intake) -> None:
    for turn in range(1, 5):
        one, other = [await intake.refer() for _ in range(2)]
        answers = await asyncio.gather(
            intake.call("sam", "POST", f"/referrals/{one['referral_id']}/duplicate", json={"of": other["reference"]}),
            intake.call("sam", "POST", f"/referrals/{other['referral_id']}/duplicate", json={"of": one["reference"]}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert len(await intake.rows("SELECT 1 FROM referrals WHERE decision = 'duplicate'")) == turn


async def test_taking_back_stops_notices_and_leaves_danger_on_the_desk(intake: Intake) -> None:
    plain = await form(intake)
    back = await intake.post("sam", f"/referrals/{plain}/retract", reason_code="mistake")
    assert (back["state"], back["status"]) == ("retracted", "closed")
    assert await refused(intake, "sam", f"/referrals/{plain}/retract", reason_code="again") == "already_retracted"
    decided: dict[str, Any] = {"decision": "not_our_student", "reason_code": "other"}
    assert await refused(intake, "sam", f"/referrals/{plain}/triage", **decided) == "retracted"
    (row,) = await intake.rows("SELECT notices FROM referrers WHERE referral_id = :id", id=plain)
    assert row.notices is False

    bot = await refer(intake, words=DANGER, website="x")  # no rule decides it, so it waits on the desk
    assert bot.status_code == 200
    (row,) = await intake.rows("SELECT referral_id FROM referrals WHERE level = 'critical'")
    danger = await intake.post("sam", f"/referrals/{row.referral_id}/retract", reason_code="asked")
    assert danger["state"] == "matching"
    retracted = [each for each in await intake.published("referral") if isinstance(each, ReferralRetracted)]
    assert [each.left_desk for each in retracted] == [True, False]
    again = await intake.post("sam", f"/referrals/{plain}/reopen", reason_code="new_information")
    assert again["state"] == "matching"


async def test_an_addition_to_a_closed_referral_puts_it_back_on_the_desk(intake: Intake) -> None:
    given = await ticket(intake)
    receipt = (await refer(intake, ticket=given)).text
    (row,) = await intake.rows("SELECT referral_id FROM referrals")
    await intake.post("sam", f"/referrals/{row.referral_id}/triage", decision="watch_no_case", reason_code="fine")
    assert (await post(intake, await back(intake, receipt), words="It got worse.")).status_code == 200
    now = await intake.get("sam", f"/referrals/{row.referral_id}")
    assert (now["state"], now["decision"]) == ("matching", "")


async def test_a_question_needs_somebody_who_comes_back(intake: Intake) -> None:
    answer = await refer(intake, comeback="")
    assert answer.status_code == 200
    (row,) = await intake.rows("SELECT referral_id FROM referrals")
    assert await refused(intake, "sam", f"/referrals/{row.referral_id}/questions", text="Who?") == "nobody_returns"


async def test_an_inspection_copy_does_not_name_a_shielded_referrer(intake: Intake) -> None:
    words = "I am Sam Lee, her roommate. Write to sam.lee@mail.example or 555-0142. She cries at night."
    shielded, known = await form(intake, words=words), await form(intake, words=words, share="yes")
    copy = await intake.get("pia", f"/referrals/{shielded}/inspection-copy")
    assert copy["referrer"] == ""
    text = copy["passages"][0]["text"]
    assert not {"Sam", "Lee", "555", "@"} & set(text.replace(",", " ").replace("-", " ").split())
    assert text == "I am [withheld], her roommate. Write to [withheld] or [withheld]. She cries at night."
    assert [text[start:end] for start, end in copy["passages"][0]["review"]] == [
        "I am [withheld], her roommate.",
        "Write to [withheld] or [withheld].",
    ]
    assert (await intake.get("pia", f"/referrals/{known}/inspection-copy"))["referrer"] == "Sam Lee"
    for who in ("sam", "ana", "dee", "fay"):
        assert (await intake.call(who, "GET", f"/referrals/{shielded}/inspection-copy")).status_code in (403, 404)


async def test_only_the_delivery_worker_learns_where_a_notice_goes(intake: Intake) -> None:
    first = await form(intake)
    path = f"/referrals/{first}/referrer-contact?campus=NORTH"
    contact = await intake.get("service:notifications", path)
    assert (contact["address"], contact["language"], contact["status"]) == ("sam.lee@mail.example", "en", "received")
    assert (await intake.call("sam", "GET", path)).status_code == 404
    assert (await intake.call("service:notifications", "GET", f"/referrals/{first}/narrative")).status_code == 404
    wrong = await intake.call("service:notifications", "GET", path.replace("NORTH", "SOUTH"))
    assert wrong.status_code == 404
    page = contact["link"][contact["link"].index("/r/") :]
    assert (await post(intake, page, act="retract")).status_code == 200
    assert (await intake.call("service:notifications", "GET", path)).status_code == 404


async def test_status_is_told_once_and_only_to_who_asked(intake: Intake) -> None:
    asked, silent = await form(intake), await form(intake, notices="", words="Another matter")
    moved = list(await intake.published("referrer_status"))
    assert [(str(each.referral_id), each.status) for each in moved] == [(str(asked), "received")]  # type: ignore[attr-defined]
    await intake.forget_outbox()
    for each in (asked, silent):
        await intake.post("sam", f"/referrals/{each}/triage", decision="watch_no_case", reason_code="fine")
    moved = list(await intake.published("referrer_status"))
    assert [(str(each.referral_id), each.status) for each in moved] == [(str(asked), "closed")]  # type: ignore[attr-defined]
    assert sum(isinstance(each, ReferralTriaged) for each in await intake.published("referral")) == 2


async def test_behind_the_wall_a_referral_is_the_coordinators_alone(intake: Intake) -> None:
    first = await form(intake, words=MISCONDUCT)
    for who in ("sam", "ana", "dee", "pia", "uma"):
        for path, body in (
            ("redirect", {"office": "conduct"}), ("split", {"people": [{"about": {"name": "x"}}]}),
            ("retract", {"reason_code": "x"}), ("reopen", {"reason_code": "x"}), ("questions", {"text": "x"}),
        ):  # fmt: skip
            answer = await intake.call(who, "POST", f"/referrals/{first}/{path}", json=body)
            assert answer.status_code == 404, (who, path)
    made = await intake.post("tia", f"/referrals/{first}/split", people=[{"about": {"name": "The other"}}])
    assert (await intake.call("sam", "GET", f"/referrals/{made['made'][0]['referral_id']}")).status_code == 404
