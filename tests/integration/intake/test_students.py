"""Who is who: what the roster brings, who may be meant, who is the same as whom, and who may look."""

import asyncio
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.intake.domain.people import comparable
from shared.access.actors import Actor, Role
from shared.events.referrals import ReferralMatched, ReferralUnmatched
from shared.events.roster import MergeSnapshot, StudentSnapshot
from shared.ids import new_id
from tests.integration.intake.conftest import DANGER, Intake, flag, flag_file, kinds
from tests.support.statements import statements_of

PEOPLE = """student_id,campus_code,name,email,preferred_name,pronouns,dob,class_level,residence_hall,advisor,sections,\
aliases,emergency_contacts,missing_person_contacts,visa_type,athlete,ferpa_block,house
N10,NORTH,Margaret Wren Halloway,w.halloway@students.example.edu,Wren,she/her,2006-02-03,sophomore,Cedar Hall 312,ana,\
2026F:CHEM110/4/fay; 2026F:BIO101/1,Meg Halloway,Ada Halloway | mother | +1 555 0100 | ada@example.org,\
Jo Reyes | friend | +1 555 0177,F-1,yes,yes,blue
N11,NORTH;SOUTH,Wrenna Holt,wholt2@students.example.edu,,she,2008-05-09,first-year,Off campus,,2026F:CHEM110/2,,,,,,,
N12,NORTH,Kofi Lindmoss,kofi@students.example.edu,,,,,,,,,,,,,,
"""


async def people(intake: Intake) -> dict[str, UUID]:
    """Put Wren, Wrenna and Kofi on the roster; return our ids of them."""
    await intake.send_file("/roster/imports", PEOPLE)
    return {
        name: await intake.student(number) for name, number in (("wren", "N10"), ("wrenna", "N11"), ("kofi", "N12"))
    }


async def test_a_roster_brings_more_of_a_student_and_none_of_it_leaves_on_a_topic(intake: Intake) -> None:
    ids = await people(intake)
    seen = await intake.get("ana", f"/students/{ids['wren']}")
    assert (seen["name"], seen["roster_name"], seen["pronouns"]) == (
        "Wren Halloway",
        "Margaret Wren Halloway",
        "she/her",
    )
    assert (seen["birth_date"], seen["is_minor"], seen["level"], seen["residence"]) == (
        "2006-02-03", False, "sophomore", "Cedar Hall 312",
    )  # fmt: skip
    assert (seen["athlete"], seen["veteran"], seen["directory_opt_out"]) == (True, None, True)
    assert {(each["course"], each["section"], each["instructor_id"]) for each in seen["classes"]} == {
        ("CHEM110", "4", "fay"), ("BIO101", "1", ""),
    }  # fmt: skip
    assert (await intake.get("ana", f"/students/{ids['wrenna']}"))["is_minor"] is False
    (kept,) = await intake.rows("SELECT attributes FROM students WHERE number = 'N10'")
    assert kept.attributes == '[["house", "blue"]]', "a visa class is left out, not kept"
    told = [event for event in await intake.published() if isinstance(event, StudentSnapshot)]
    assert len(told) == 3
    assert "Halloway" not in repr(told)


async def test_a_file_without_a_column_leaves_what_it_does_not_speak_of(intake: Intake) -> None:
    ids = await people(intake)
    short = (
        "student_id,campus_code,name,email,residence\nN10,NORTH,Margaret W. Halloway,new@students.example.edu,Elm 2\n"
    )
    assert (await intake.send_file("/roster/imports", short))["accepted"] == 1
    assert (await intake.send_file("/roster/imports", short))["unchanged"] == 1
    seen = await intake.get("ana", f"/students/{ids['wren']}")
    assert (seen["residence"], seen["pronouns"], seen["advisor_id"], len(seen["classes"])) == (
        "Elm 2",
        "she/her",
        "ana",
        2,
    )
    names = {(each["kind"], each["value"]) for each in seen["names"]}
    assert names == {
        ("name", "Margaret W. Halloway"),
        ("in_use", "Wren Halloway"),
        ("alias", "Meg Halloway"),
        ("former", "Margaret Wren Halloway"),
        ("email", "w.halloway@students.example.edu"),
    }
    # What a student was called, and where they were written to, finds them and attaches nothing.
    old = await intake.refer(about={"email": "w.halloway@students.example.edu"})
    assert old["state"] == "matching"
    (found,) = (await intake.get("sam", f"/referrals/{old['referral_id']}/candidates"))["candidates"]
    assert found["student_id"] == str(ids["wren"])
    assert {each["field"]: each["agreement"] for each in found["evidence"]}["email"] == "fits"


async def test_rows_say_what_is_wrong_with_more_of_a_student(intake: Intake) -> None:
    head = "student_id,campus_code,name,email,birth_date,athlete,sections,emergency_contacts"
    bad = f"""{head}
B1,NORTH,A B,,31/12/2005,,,
B2,NORTH,A B,,,maybe,,
B3,NORTH,A B,,,,a/b/c/d,
B4,NORTH,A B,,,,,|x
B5,NORTH,A B,,,,,Ada | mother | call me
B6,NORTH,A B,,1066-10-14,,,
"""
    answer = await intake.send_file("/roster/imports", bad)
    assert [(each["row"], each["column"]) for each in answer["rejects"]] == [
        (2, "birth_date"), (3, "athlete"), (4, "sections"), (5, "emergency_contacts"), (6, "emergency_contacts"),
        (7, "birth_date"),
    ]  # fmt: skip
    assert all(each["accepted_values"] for each in answer["rejects"])


# ------------------------------------------------------------------------------------------------- who may be meant


async def test_candidates_come_with_evidence_and_nobody_is_attached(intake: Intake) -> None:
    ids = await people(intake)
    about = {
        "name": "Wren H.", "email": "w.haloway@students.example.edu", "residence": "Cedar Hall, third floor",
        "course": "CHEM 110 with Dr. Osei-Finch", "level": "a sophomore", "pronouns": "she",
    }  # fmt: skip
    referral = await intake.refer(about=about, who="stu")
    path = f"/referrals/{referral['referral_id']}"

    answer = await intake.get("sam", f"{path}/candidates")

    first, second = answer["candidates"]
    assert (first["student_id"], first["name"], first["number_end"]) == (str(ids["wren"]), "Wren Halloway", "10")
    words = {each["field"]: each["agreement"] for each in first["evidence"]}
    assert words == {
        "name": "fits", "number": "nothing", "email": "could_fit", "residence": "fits", "course": "fits",
        "level": "fits", "birth_date": "nothing", "pronouns": "fits",
    }  # fmt: skip
    assert (first["agrees"], first["compared"]) == (5, 6)
    assert second["student_id"] == str(ids["wrenna"])
    assert answer["about"]["name"] == "Wren H."
    assert (await intake.get("sam", path))["student_id"] is None
    audits = await intake.rows("SELECT payload FROM outbox")
    looked = [bytes(row.payload).decode() for row in audits if b"people.find" in bytes(row.payload)]
    assert any(str(ids["wren"]) in each and str(ids["wrenna"]) in each for each in looked)
    assert not any("Wren" in each for each in looked)


async def test_a_class_of_the_referrers_tells_two_with_one_name_apart(intake: Intake) -> None:
    rows = "student_id,campus_code,name,email,sections\n" + "".join(
        f"T{n},NORTH,Sam Rivera,,{'2026F:HIS200/1/fay' if n == 3 else '2026F:HIS200/2/bo'}\n" for n in range(5)
    )
    await intake.send_file("/roster/imports", rows)
    referral = await intake.refer(about={"name": "Sam Rivera"}, who="fay")
    first, *others = (await intake.get("sam", f"/referrals/{referral['referral_id']}/candidates"))["candidates"]
    assert first["student_id"] == str(await intake.student("T3"))
    assert len(others) == 4
    assert {each["field"]: each["agreement"] for each in first["evidence"]}["course"] == "same"


async def test_an_id_typed_with_one_slip_is_proposed_and_not_taken(intake: Intake) -> None:
    rows = "student_id,campus_code,name,email\n20451877,NORTH,Noor Haddad,\n99999999,NORTH,Someone Else,\n"
    await intake.send_file("/roster/imports", rows)
    referral = await intake.refer(about={"student_id": "20451787", "name": "Noor Hadad"})
    assert referral["state"] == "matching"
    (found,) = (await intake.get("sam", f"/referrals/{referral['referral_id']}/candidates"))["candidates"]
    assert {each["field"]: each["agreement"] for each in found["evidence"] if each["said"]} == {
        "name": "fits", "number": "could_fit",
    }  # fmt: skip


async def test_a_person_rejects_leaves_open_says_nobody_and_takes_it_back(intake: Intake) -> None:
    ids = await people(intake)
    referral = await intake.refer(about={"name": "Wren Holt"})
    path = f"/referrals/{referral['referral_id']}"
    both = {each["student_id"] for each in (await intake.get("sam", f"{path}/candidates"))["candidates"]}
    assert both == {str(ids["wren"]), str(ids["wrenna"])}

    await intake.post("sam", f"{path}/candidates:reject", student_ids=[str(ids["wrenna"])])
    await intake.post("sam", f"{path}/match:leave", reason_code="ask_referrer")
    left = await intake.get("sam", f"{path}/candidates")
    assert [each["student_id"] for each in left["candidates"]] == [str(ids["wren"])]
    assert [(each["decision"], each["decided_by"]) for each in left["said"]] == [
        ("rejected", "sam"),
        ("left_open", "sam"),
    ]

    nobody = await intake.post("sam", f"{path}/match:none")
    assert (nobody["state"], nobody["match_basis"], nobody["student_id"]) == ("triage_due", "not_on_roster", None)
    meant = await intake.post("sam", f"{path}/match", student_id=str(ids["wren"]), not_these=[str(ids["wrenna"])])
    assert (meant["student_id"], meant["match_basis"]) == (str(ids["wren"]), "person")
    back = await intake.post("sam", f"{path}/unmatch", student_id=str(ids["wren"]), reason_code="wrong_person")
    assert (back["student_id"], back["state"], back["match_basis"]) == (None, "matching", "")

    told = [
        each for each in await intake.published("referral") if isinstance(each, ReferralMatched | ReferralUnmatched)
    ]
    assert kinds(told) == ["ReferralUnmatched", "ReferralMatched", "ReferralUnmatched"]
    assert [each.previous_student_id for each in told if isinstance(each, ReferralUnmatched)] == [None, ids["wren"]]
    said = (await intake.get("sam", f"{path}/candidates"))["said"]
    assert [each["decision"] for each in said][2:] == ["not_on_roster", "matched", "rejected", "unmatched"]


async def test_two_people_correct_a_match_at_once_and_one_is_told(intake: Intake) -> None:
    ids = await people(intake)
    referral = await intake.refer(about={"student_id": "N10"})
    path = f"/referrals/{referral['referral_id']}/match"
    assert (await intake.call("sam", "POST", path, json={"student_id": str(ids["kofi"])})).status_code == 409
    answers = await asyncio.gather(
        *(
            intake.call("sam", "POST", path, json={"student_id": str(ids[who]), "instead_of": str(ids["wren"])})
            for who in ("kofi", "wrenna")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (lost,) = (answer for answer in answers if answer.status_code == 409)
    assert lost.json()["type"].endswith("matched_meanwhile")


async def test_a_director_and_another_campus_find_nobody_and_a_student_of_two_campuses_is_known_on_both(
    intake: Intake,
) -> None:
    ids = await people(intake)
    for who in ("dee", "fay", "uma", "fred"):
        assert (await intake.post(who, "/people:find", q="Wren Halloway"))["people"] == []
        assert (await intake.call(who, "GET", f"/students/{ids['wren']}")).status_code == 404
    (found,) = (await intake.post("sam", "/people:find", q="wren haloway"))["people"]
    assert (found["student_id"], found["name"], found["directory_opt_out"]) == (str(ids["wren"]), "Wren Halloway", True)
    both = (await intake.post("stu", "/people:find", q="Wrenna"))["people"]
    assert [each["student_id"] for each in both] == [str(ids["wrenna"])]
    assert (await intake.post("stu", "/people:find", q="Wren Halloway", campus="NORTH"))["people"] == []
    for q in ("N10", "w.halloway@students.example.edu", "Meg Halloway", "Halloway, Wren", "WREN HÁLLOWAY"):
        assert [each["student_id"] for each in (await intake.post("ana", "/people:find", q=q))["people"]][:1] == [
            str(ids["wren"])
        ], q


async def test_a_reference_is_found_by_whoever_may_read_it(intake: Intake) -> None:
    referral = await intake.refer()
    found = await intake.post("sam", "/people:find", q=referral["reference"].lower())
    assert (found["referral_id"], found["people"]) == (referral["referral_id"], [])
    for who in ("dee", "stu", "fay"):
        assert (await intake.post(who, "/people:find", q=referral["reference"]))["referral_id"] is None


async def test_the_desk_lists_danger_first_and_nothing_behind_a_wall_or_left_to_nobody(intake: Intake) -> None:
    await people(intake)
    first = await intake.refer(about={"name": "Wren H."})
    told = await intake.refer(DANGER, about={"description": "the tall one"})
    walled = await intake.refer("She was raped after the party.", about={"name": "Wrenna"})
    gone = await intake.refer(about={"name": "A visitor"})
    await intake.post("sam", f"/referrals/{gone['referral_id']}/match:none")
    await intake.post("sam", f"/referrals/{first['referral_id']}/match:leave")
    rows = (await intake.get("sam", "/match-desk?campus=NORTH"))["items"]
    assert [(each["reference"], each["meant"], each["danger"]) for each in rows] == [
        (told["reference"], "the tall one", True), (first["reference"], "Wren H.", False),
    ]  # fmt: skip
    assert rows[1]["left_open"]["decided_by"] == "sam"
    assert [each["reference"] for each in (await intake.get("tia", "/match-desk"))["items"]] == [walled["reference"]]
    for who in ("stu", "dee", "fay"):
        assert (await intake.get(who, "/match-desk"))["items"] == []


# --------------------------------------------------------------------------------------------------------- contacts


async def test_emergency_and_missing_person_contacts_are_two_lists_with_rights_of_their_own(intake: Intake) -> None:
    ids = await people(intake)
    here = f"/students/{ids['wren']}"
    emergency = await intake.get("ana", f"{here}/emergency-contacts")
    assert emergency["contacts"] == [
        {"name": "Ada Halloway", "relationship": "mother", "phone": "+1 555 0100", "email": "ada@example.org"}
    ]
    missing = f"{here}/missing-person-contacts"
    assert (await intake.call("ana", "GET", f"{missing}?reason=welfare_check")).status_code == 403
    assert (await intake.call("uma", "GET", missing)).status_code == 422, "a reason is asked for"
    shown = await intake.get("uma", f"{missing}?reason=missing_person_report")
    assert [each["name"] for each in shown["contacts"]] == ["Jo Reyes"]
    assert (await intake.call("uma", "GET", f"{here}/emergency-contacts")).status_code in (403, 404)

    await intake.call("ana", "PUT", f"{here}/emergency-contacts", json={"contacts": [{"name": "Bo Halloway"}]})
    assert [e["name"] for e in (await intake.get("ana", f"{here}/emergency-contacts"))["contacts"]] == ["Bo Halloway"]
    changed = await intake.call("sam", "PUT", missing, json={"contacts": []})
    assert (changed.status_code, changed.json()["contacts"]) == (200, [])

    kept = [bytes(row.sealed) for row in await intake.rows("SELECT sealed FROM student_contacts")]
    assert kept
    assert not any(b"Halloway" in each or b"Reyes" in each for each in kept)
    reasons = [bytes(row.payload) for row in await intake.rows("SELECT payload FROM outbox")]
    assert any(b"read_missing_person" in each and b"reason=missing_person_report" in each for each in reasons)


# ----------------------------------------------------------------------------------------------------------- merges


async def test_a_merge_brings_everything_together_and_undoing_takes_it_apart_again(intake: Intake) -> None:
    ids = await people(intake)
    wren, kofi = ids["wren"], ids["kofi"]
    await intake.send_file(
        "/flags/imports?source=lms", flag_file(flag("a", "N10", "BIO", 1), flag("b", "N12", "ART", 2))
    )
    hers = await intake.refer(about={"student_id": "N10"})
    his = await intake.refer(about={"student_id": "N12"})
    await intake.post("sam", f"/students/{kofi}/names", kind="alias", value="K. Moss")
    await intake.forget_outbox()

    merged = await intake.post("sam", f"/students/{kofi}/merges", same_as=str(wren), reason_code="second_account")

    seen = await intake.get("sam", f"/students/{kofi}")
    assert (seen["goes_by"], seen["name"], seen["also"]) == (str(wren), "Wren Halloway", [str(kofi)])
    assert {"K. Moss", "Meg Halloway"} <= {each["value"] for each in seen["names"]}
    assert await whose(intake, wren) == await whose(intake, kofi) == {hers["referral_id"], his["referral_id"]}
    flags = (await intake.get("ana", f"/flags?campus=NORTH&student_id={wren}"))["items"]
    assert len(flags) == 2
    (name,) = (await intake.post("sam", "/people:resolve", student_ids=[str(kofi)]))["people"]
    assert (name["student_id"], name["goes_by"], name["name"]) == (str(kofi), str(wren), "Wren Halloway")
    assert (await intake.post("sam", "/people:find", q="Kofi Lindmoss"))["people"][0]["student_id"] == str(wren)
    student, snapshot = await intake.published("snapshot")
    assert isinstance(student, StudentSnapshot)
    assert (student.student_id, student.same_as) == (kofi, wren)
    assert isinstance(snapshot, MergeSnapshot)
    assert (snapshot.merged_by, snapshot.reason_code, snapshot.status) == ("sam", "second_account", "active")

    # Between: something comes for the number that was merged, and a person says something of the one they go by.
    later = await intake.refer(about={"student_id": "N12"})
    await intake.send_file("/flags/imports?source=lms", flag_file(flag("c", "N12", "MUS", 3)))
    # Their flags count together: the rule makes one referral, of the one they are just now.
    (made,) = await intake.rows("SELECT referral_id, student_id FROM referrals WHERE source_kind = 'rule'")
    assert made.student_id == wren
    between = await intake.refer(about={"name": "somebody"})
    await intake.post("sam", f"/referrals/{between['referral_id']}/match", student_id=str(wren))

    undone = await intake.post("sam", f"/merges/{merged['merge_id']}/undo", reason_code="two_people")
    assert (undone["undone"], undone["undone_by"], undone["undo_reason_code"]) == (True, "sam", "two_people")
    assert await whose(intake, kofi) == {his["referral_id"], later["referral_id"]}
    assert await whose(intake, wren) == {hers["referral_id"], between["referral_id"], str(made.referral_id)}
    assert len((await intake.get("ana", f"/flags?campus=NORTH&student_id={kofi}"))["items"]) == 2
    again = await intake.get("sam", f"/students/{kofi}")
    assert (again["goes_by"], again["name"], again["also"]) == (str(kofi), "Kofi Lindmoss", [])
    assert [each["undone"] for each in again["merges"]] == [True]
    assert (
        (await intake.call("sam", "POST", f"/merges/{merged['merge_id']}/undo", json={"reason_code": "other"}))
        .json()["type"]
        .endswith("already_undone")
    )


async def whose(intake: Intake, student: UUID) -> set[Any]:
    """Return the referrals that a student's page shows."""
    return {each["referral_id"] for each in (await intake.get("sam", f"/students/{student}/referrals"))["items"]}


async def test_chains_of_merges_are_followed_and_come_apart_in_any_order(intake: Intake) -> None:
    ids = await people(intake)
    one = await intake.post("sam", f"/students/{ids['kofi']}/merges", same_as=str(ids["wrenna"]), reason_code="other")
    await intake.post("sam", f"/students/{ids['wrenna']}/merges", same_as=str(ids["wren"]), reason_code="other")
    for who in ids.values():
        assert (await intake.get("sam", f"/students/{who}"))["goes_by"] == str(ids["wren"])
    path = f"/students/{ids['kofi']}/merges"
    for into in (ids["wren"], ids["wrenna"]):
        again = await intake.call("sam", "POST", path, json={"same_as": str(into), "reason_code": "other"})
        assert again.status_code == 409
    ring = await intake.call(
        "sam", "POST", f"/students/{ids['wren']}/merges", json={"same_as": str(ids["kofi"]), "reason_code": "other"}
    )
    assert ring.status_code == 409, "who goes by another takes nobody in: a ring cannot come about"
    await intake.post("sam", f"/merges/{one['merge_id']}/undo", reason_code="two_people")
    assert (await intake.get("sam", f"/students/{ids['kofi']}"))["goes_by"] == str(ids["kofi"])
    assert (await intake.get("sam", f"/students/{ids['wrenna']}"))["goes_by"] == str(ids["wren"])


async def test_two_people_merge_one_student_at_once_and_one_is_told(intake: Intake) -> None:
    ids = await people(intake)
    path = f"/students/{ids['kofi']}/merges"
    answers = await asyncio.gather(
        *(
            intake.call("sam", "POST", path, json={"same_as": str(ids[into]), "reason_code": "same_person"})
            for into in ("wren", "wrenna")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert len(await intake.rows("SELECT 1 FROM merges")) == 1


async def test_who_must_keep_away_from_one_keeps_away_from_whoever_is_the_same(intake: Intake) -> None:
    ids = await people(intake)
    barred = UUID(int=0xBA)  # ben has a conflict with this student
    await intake.rows("UPDATE students SET student_id = :barred WHERE number = 'N1'", barred=barred)
    assert (await intake.call("ben", "GET", f"/students/{ids['kofi']}")).status_code == 200
    await intake.post("sam", f"/students/{barred}/merges", same_as=str(ids["kofi"]), reason_code="same_person")
    assert (await intake.call("ben", "GET", f"/students/{ids['kofi']}")).status_code == 404
    assert (await intake.post("ben", "/people:find", q="Kofi Lindmoss"))["people"] == []


async def test_only_who_may_merge_on_both_campuses_merges(intake: Intake) -> None:
    ids = await people(intake)
    sol = await intake.student("S1")
    path = f"/students/{sol}/merges"
    for who in ("sam", "stu"):
        answer = await intake.call(who, "POST", path, json={"same_as": str(ids["kofi"]), "reason_code": "other"})
        assert answer.status_code in (403, 404), who
    answer = await intake.call(
        "ana", "POST", f"/students/{ids['kofi']}/merges", json={"same_as": str(ids["wren"]), "reason_code": "other"}
    )
    assert answer.status_code == 403


async def test_a_vanished_student_is_kept_and_marked(intake: Intake) -> None:
    ids = await people(intake)
    rest = "\n".join(line for line in PEOPLE.splitlines() if not line.startswith("N12")) + "\n"
    await intake.send_file("/roster/imports?complete=true", rest)
    assert (await intake.get("ana", f"/students/{ids['kofi']}"))["status"] == "vanished"
    assert (await intake.post("ana", "/people:find", q="Kofi Lindmoss"))["people"][0]["status"] == "vanished"


async def test_names_that_people_add_are_taken_away_and_those_of_the_roster_are_not(intake: Intake) -> None:
    ids = await people(intake)
    here = f"/students/{ids['kofi']}/names"
    names = await intake.post("ana", here, kind="alias", value="Kofi Boateng")
    added = next(each for each in names if each["value"] == "Kofi Boateng")
    assert (added["source"], added["added_by"]) == ("person", "ana")
    assert (await intake.post("ana", "/people:find", q="Boateng"))["people"][0]["student_id"] == str(ids["kofi"])
    roster = next(each for each in names if each["kind"] == "name")
    assert (await intake.call("ana", "DELETE", f"{here}/{roster['name_id']}")).status_code == 404
    assert (await intake.call("ana", "DELETE", f"{here}/{added['name_id']}")).status_code == 200
    assert (await intake.post("ana", "/people:find", q="Boateng"))["people"] == []


async def test_the_statements_of_proposing_do_not_grow_with_the_roster(intake: Intake) -> None:
    await people(intake)
    referral = await intake.refer(about={"name": "Wren Halloway"})
    path = f"/referrals/{referral['referral_id']}/candidates"
    with statements_of(intake.api) as few:
        await intake.get("sam", path)
    rows = "".join(f"M{n},NORTH,Wren Hallo{chr(97 + n % 26)}ay,\n" for n in range(400))
    await intake.send_file("/roster/imports", "student_id,campus_code,name,email\n" + rows)
    with statements_of(intake.api) as many:
        answer = await intake.get("sam", path)
    assert len(answer["candidates"]) == 6
    assert len(many) == len(few)


async def test_the_search_by_likeness_keeps_to_the_campuses_of_the_transaction(intake: Intake) -> None:
    """Even asked for everywhere: the function runs as its owner, so it must say itself what a person may look at."""
    await people(intake)
    query = "SELECT count(*) AS found FROM students_alike(ARRAY[:name], ARRAY['*'], 50)"
    for campus, found in (("NORTH", 2), ("SOUTH", 1), ("EMPTY", 0)):
        actor = Actor("person", "x", (Role("triager", campus),))
        async with intake.api.transaction(actor) as tx:
            rows = await tx.connection.execute(text(query), {"name": comparable("Wren")})
            assert rows.scalar_one() == found, campus
    async with intake.api.transaction(Actor("person", str(new_id()))) as tx:
        assert (await tx.connection.execute(text(query), {"name": "wren"})).scalar_one() == 0
