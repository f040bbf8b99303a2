"""From danger to a mail at the right person's, and on to the next, on a real database and over real SMTP."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.notifications.http import pages as pages_http
from shared.access.actors import service_actor
from shared.events.cases import CaseOpened, CasesCombined, CaseStudentIdentified, ContactRecorded, ReferralAttached
from shared.events.pages import LateReviewAsked, PageAccepted, PageEnriched, PageRaised, PageStepTaken, PageUnreached
from shared.events.referrals import DangerRaised, ReferralMatched, ReferralUnmatched
from shared.ids import new_id
from shared.messaging.records import Record
from tests.integration.notifications.conftest import Office, addresses, danger, link_in, misconduct
from tests.support.statements import statements_of
from tests.unit.notifications.world import CASE, CONTACT, STAFF, STUDENT, rota, team


def case_opened(event: DangerRaised, office: Office, **more: Any) -> CaseOpened:
    fields: dict[str, Any] = {
        "campus": event.campus,
        "case_id": CASE,
        "student_id": STUDENT,
        "referral_id": event.referral_id,
        "family": "safety_self",
        "concerns": ("suicide",),
        "level": event.level,
        "reason_code": "danger",
        "owner_id": "ana",
        "assignment_code": "load",
        "outreach_due": None,
        "referred_at": office.clock.now(),
        "opened_at": office.clock.now(),
    }
    return CaseOpened(**fields | more)


async def test_danger_is_a_mail_to_the_duty_officer_that_names_no_student(office: Office) -> None:
    event = await office.danger(student_id=STUDENT)
    await office.send()

    (mail,) = office.mail.messages()
    assert str(mail["To"]) == "uma@staff.example.edu"
    words = mail.as_string()
    for said in (event.reference, "critical", "North Campus", "Age:       less than a minute", "/a/"):
        assert said in words
    assert str(STUDENT) not in words
    assert mail["Auto-Submitted"] == "auto-generated"


async def test_one_page_per_cause_however_often_it_is_told(office: Office) -> None:
    event = danger(office.clock.now())
    records = await office.hear(event)
    await office.works.events.handle(records)
    await office.hear(event, event)
    await office.send()

    assert len(office.mails_to("uma")) == 1
    assert len(await office.published(PageRaised)) == 1


async def test_an_unaccepted_page_goes_down_its_line_and_an_accepted_one_stops(office: Office) -> None:
    ignored, taken = await office.danger(), await office.danger()
    await office.send()
    page = await office.page_of("uma", taken)
    async with office.client("uma") as client:
        assert (await client.post(f"/pages/{page['page_id']}/accept")).is_success

    for seconds, told in ((119, []), (2, ["bea"]), (121, ["bea", "dee"]), (121, ["bea", "dee", "sys"])):
        await office.pass_time(seconds=seconds)
        assert [p for p in ("bea", "dee", "sys") if office.mails_to(p, ignored.reference)] == told
    await office.pass_time(seconds=121)
    unreached = await office.page_of("sys", ignored)
    assert (unreached["state"], unreached["owner_id"]) == ("unreached_owned", "sys")
    await office.pass_time(minutes=5, seconds=1)
    assert [event.repeat for event in await office.published(PageUnreached)] == [1, 2]
    assert addresses(office.mail.messages()) == ["bea", "dee", "sys", "sys", "sys", "uma", "uma"]
    (accepted,) = await office.published(PageAccepted)
    assert accepted.referral_id == taken.referral_id


async def test_after_a_standstill_of_the_engine_one_message_comes_and_not_three(office: Office) -> None:
    await office.know(rota("NORTH"))
    event = await office.danger(campus="NORTH", level="elevated")
    while (await office.page_of("sys", event))["state"] == "notifying":
        await office.pass_time(minutes=10, seconds=1)
    before = len(office.mails_to("sys"))

    await office.pass_time(minutes=31)  # three repeats were due meanwhile
    assert len(office.mails_to("sys")) == before + 1


async def test_while_the_mail_server_is_away_messages_about_one_page_do_not_pile_up(office: Office) -> None:
    office.mail.answers = {"sys@staff.example.edu": "451 come back later"}
    await office.know(rota("NORTH"), *(person for person in STAFF if person.staff_id == "sys"))
    await office.danger(campus="SOUTH")
    for _ in range(4):
        await office.pass_time(minutes=5, seconds=1)
    assert not office.mail.messages()

    office.mail.answers = {}
    await office.pass_time(minutes=1)
    assert len(office.mails_to("sys")) == 1


async def test_an_address_refused_for_good_moves_the_page_on_at_once(office: Office) -> None:
    office.mail.answers = {"uma@staff.example.edu": "550 no such mailbox"}
    event = await office.danger()
    await office.send()

    assert addresses(office.mail.messages()) == ["bea"]
    page = await office.page_of("bea", event)
    why = str(await office.get("bea", f"/pages/{page['page_id']}/why"))
    assert "refused the address" in why


async def test_one_refused_address_keeps_nobody_else_from_being_told(office: Office) -> None:
    await office.know(rota("NORTH", "uma", "ben", "ana"))
    office.mail.answers = {"uma@staff.example.edu": "550 no such mailbox"}
    await office.danger()
    await office.send()
    assert addresses(office.mail.messages()) == ["ana", "ben"]


async def test_a_temporary_refusal_is_tried_again_with_the_same_message_id(office: Office) -> None:
    office.mail.answers = {"uma@staff.example.edu": "451 greylisted"}
    await office.danger()
    await office.send()
    (row,) = await office.rows("SELECT id, state, attempts FROM deliveries")
    assert (row.state, row.attempts) == ("waiting", 1)

    office.mail.answers = {}
    await office.pass_time(seconds=2)
    (mail,) = office.mail.messages()
    assert str(row.id) in str(mail["Message-ID"])


async def test_with_nobody_anywhere_the_emergency_contacts_hear_of_it(office: Office) -> None:
    await office.know(rota("NORTH"), rota("*"))
    await office.danger(campus="SOUTH")
    await office.send()

    (mail,) = office.mails_to(CONTACT)
    assert "/a/" not in str(mail.get_content())
    assert "Nobody on duty could be reached" in str(mail.get_content())


async def test_a_title_ix_report_reaches_the_coordinator_and_is_hidden_from_the_director(office: Office) -> None:
    event = misconduct(office.clock.now(), student_id=STUDENT)
    await office.hear(event)
    await office.send()

    (mail,) = office.mail.messages()
    assert str(mail["To"]).startswith("tia@")
    assert "Title IX" not in str(mail["Subject"])
    page = await office.page_of("tia", event)
    async with office.client("dee") as client:
        assert (await client.get(f"/pages/{page['page_id']}")).status_code == 404
        assert (await client.get(f"/pages?referral_id={event.referral_id}")).json()["items"] == []


async def test_danger_in_a_title_ix_report_pages_the_duty_line_on_its_own(office: Office) -> None:
    referral = new_id()
    now = office.clock.now()
    await office.know(team())
    await office.hear(
        danger(now, referral_id=referral, sensitivity="titleix", student_id=STUDENT),
        misconduct(now, referral_id=referral, student_id=STUDENT),
    )
    await office.send()
    assert addresses(office.mail.messages()) == ["tia", "uma"]
    duty = next(mail for mail in office.mail.messages() if str(mail["To"]).startswith("uma"))
    assert "Title IX" not in duty.as_string()
    assert "onfidential" not in duty.as_string()


async def test_the_case_behind_the_wall_is_not_told_by_the_page_of_its_danger(office: Office) -> None:
    event = danger(office.clock.now(), sensitivity="titleix", student_id=STUDENT)
    await office.hear(event, case_opened(event, office, sensitivity="titleix", family="misconduct_sex", owner_id="tia"))
    await office.send()

    async def seen(who: str) -> tuple[str | None, str]:
        page = await office.page_of(who, event)
        async with office.client(who) as client:
            why = await client.get(f"/pages/{page['page_id']}/why")
        return page["case_id"], why.text

    for who in ("dee", "uma"):
        case, why = await seen(who)
        assert case is None
        assert "The case" not in why
    async with office.client("uma") as client:
        page = await office.page_of("uma", event)
        assert (await client.post(f"/pages/{page['page_id']}/accept")).json()["case_id"] == str(CASE)
    assert (await seen("dee"))[0] is None


async def test_an_old_import_asks_for_a_review_and_a_delayed_live_danger_pages_with_its_age(office: Office) -> None:
    long_ago = office.clock.now() - timedelta(hours=7)
    old = await office.danger(live=False, happened_at=long_ago)
    await office.danger(live=False, happened_at=office.clock.now() - timedelta(hours=5))
    delayed = await office.danger(happened_at=long_ago, raised_at=long_ago)
    await office.send()

    assert len(office.mails_to("uma")) == 2
    (mail,) = office.mails_to("uma", delayed.reference)
    assert "Age:       7 hours" in str(mail.get_content())
    (asked,) = await office.published(LateReviewAsked)
    assert asked.referral_id == old.referral_id

    (review,) = (await office.get("uma", "/late-reviews?state=open"))["items"]
    async with office.client("uma") as client:
        path = f"/late-reviews/{review['review_id']}/finish"
        done = await client.post(path, json={"outcome_code": "followed_up"})
        assert done.json()["finished_by"] == "uma"
        assert (await client.post(path, json={"outcome_code": "followed_up"})).status_code == 409
        assert (await client.post(path, json={"outcome_code": "whatever"})).status_code == 422


async def test_what_is_republished_wakes_nobody(office: Office) -> None:
    event = danger(office.clock.now())
    await office.hear(event, misconduct(office.clock.now()), case_opened(event, office), republished=True)
    await office.pass_time(minutes=2)
    assert not office.mail.messages()


async def test_danger_that_cannot_be_read_pages_the_duty_rota_by_its_headers(office: Office) -> None:
    (good,) = await office.hear(danger(office.clock.now()))
    broken = danger(office.clock.now())
    headers = tuple(
        (name, {"ce_id": str(new_id()), "ce_subject": str(broken.referral_id)}.get(name, value.decode()).encode())
        for name, value in good.headers
    )
    record = Record(good.topic, good.partition, 1_000_000, str(broken.referral_id).encode(), headers, b'{"level": 7}')
    await office.works.events.handle([record])
    await office.send()

    assert len(office.mails_to("uma")) == 2
    (letter,) = await office.rows("SELECT state, error_class FROM dead_letters")
    assert letter.state == "dead"
    await office.hear(broken)  # a release that can read it comes later: still one page for the cause
    await office.send()
    assert len(office.mails_to("uma")) == 2


async def test_danger_whose_key_is_no_id_pages_too(office: Office) -> None:
    (good,) = await office.hear(danger(office.clock.now()))
    changed = {"ce_id": str(new_id()), "ce_subject": "no id", "ce_time": "yesterday"}
    headers = tuple((name, changed.get(name, value.decode()).encode()) for name, value in good.headers)
    await office.works.events.handle([Record(good.topic, good.partition, 1_000_001, b"no id", headers, b"")])
    await office.send()
    assert len(office.mails_to("uma")) == 2


async def test_a_report_that_cannot_be_read_pages_the_coordinator_and_not_the_duty_rota(office: Office) -> None:
    (good,) = await office.hear(misconduct(office.clock.now()))
    headers = tuple(
        (name, {"ce_id": str(new_id()), "ce_subject": str(new_id())}.get(name, value.decode()).encode())
        for name, value in good.headers
    )
    await office.works.events.handle([Record(good.topic, good.partition, 1_000_002, b"x", headers, b"")])
    await office.send()
    assert addresses(office.mail.messages()) == ["tia", "tia"]


async def test_danger_that_turns_out_graver_starts_the_graver_line(office: Office) -> None:
    event = await office.danger(level="elevated")
    await office.danger(referral_id=event.referral_id, reference=event.reference, level="critical")
    await office.pass_time(minutes=2, seconds=1)
    assert [mail for mail in office.mails_to("uma", event.reference) if "critical" in str(mail.get_content())]
    assert office.mails_to("bea", event.reference)


async def test_a_case_enriches_its_page_and_its_manager_is_told(office: Office) -> None:
    event = await office.danger()
    await office.know(team())
    await office.hear(case_opened(event, office))
    await office.send()

    assert len(office.mails_to("ana", event.reference)) == 1
    (enriched,) = await office.published(PageEnriched)
    assert enriched.case_id == CASE
    assert (await office.page_of("uma", event))["case_id"] == str(CASE)


async def test_a_list_of_pages_looks_past_what_is_hidden(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_http, "_MOST", 1)
    await office.know(team(recused=("uma",)))
    mine = [await office.danger() for _ in range(2)]
    for _ in range(2):
        await office.danger(student_id=STUDENT)  # whom the officer must keep away from
    first = await office.get("uma", "/pages")
    second = await office.get("uma", f"/pages?after={first['after']}")
    assert [each["referral_id"] for each in (*first["items"], *second["items"])] == [
        str(event.referral_id) for event in reversed(mine)
    ]
    assert (first["after"], second["after"]) == (first["items"][0]["page_id"], None)


async def test_pages_that_wait_longest_come_first_also_when_one_is_taken_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages_http, "_MOST", 1)
    first, second, third = [await office.danger() for _ in range(3)]
    taken = await office.page_of("uma", first)
    async with office.client("uma") as client:
        assert (await client.post(f"/pages/{taken['page_id']}/accept")).is_success
    found, after = list[str](), "/pages?sort=waiting"
    while after:
        part = await office.get("uma", after)
        found += [each["referral_id"] for each in part["items"]]
        after = f"/pages?sort=waiting&after={part['after']}" if part["after"] else ""
        if len(found) == 1:  # the one shown is accepted before the next part is asked for
            async with office.client("uma") as client:
                await client.post(f"/pages/{part['items'][0]['page_id']}/accept")
    # What was shown is told again among those taken; nobody who still waits is passed over.
    assert found == [str(each.referral_id) for each in (second, third, first, second)]


async def test_danger_is_paged_while_a_backup_reads_and_cases_are_combined(office: Office) -> None:
    combined = CasesCombined(
        campus="NORTH", case_id=CASE, student_id=STUDENT, other_case_id=new_id(), combined_by="dee",
        combined_at=office.clock.now(),
    )  # fmt: skip
    async with office.works.database.transaction(service_actor("notifications")) as backup, asyncio.timeout(20):
        await backup.connection.execute(text("LOCK TABLE combined_cases IN ACCESS SHARE MODE"))
        await office.hear(combined)
        event = await office.danger()
    assert await office.page_of("uma", event)


@pytest.mark.parametrize("late", ["the referral", "the contact", "nothing"])
async def test_a_page_follows_its_case_in_whatever_order_the_cases_are_heard(office: Office, late: str) -> None:
    gone = new_id()
    event = await office.danger()
    page = await office.page_of("uma", event)
    async with office.client("uma") as client:
        assert (await client.post(f"/pages/{page['page_id']}/accept")).is_success
    at = office.clock.now()
    opened = case_opened(event, office, case_id=gone, student_id=None, owner_id=None)
    combined = CasesCombined(
        campus="NORTH", case_id=CASE, student_id=STUDENT, other_case_id=gone, combined_by="dee", combined_at=at
    )
    contact = ContactRecorded(
        campus="NORTH", case_id=gone if late == "the contact" else CASE, contact_id=new_id(), mode="phone",
        direction="outbound", outcome_code="reached", two_way=True, attempt=1, by="ana", opened_at=at,
        contacted_at=at, recorded_at=at,
    )  # fmt: skip
    for told in (combined, opened, contact) if late == "the referral" else (opened, combined, contact):
        await office.hear(told)
    found = await office.page_of("uma", event)
    assert found["case_id"] == str(CASE)
    assert found["contacted_at"]
    rows = await office.rows("SELECT case_id, student_id FROM matters")
    assert [(row.case_id, row.student_id) for row in rows] == [(CASE, STUDENT)]


@pytest.mark.parametrize("attached", [False, True])
async def test_what_is_known_of_a_matter_before_its_page_is_not_lost(office: Office, attached: bool) -> None:
    event = danger(office.clock.now())
    await office.know(team(recused=("uma",)))
    if attached:
        at = office.clock.now()
        await office.hear(
            ReferralAttached(
                campus="NORTH", case_id=CASE, student_id=STUDENT, referral_id=event.referral_id, added_concerns=(),
                level="critical", attached_at=at,
            )
        )  # fmt: skip
    else:
        await office.hear(case_opened(event, office, owner_id=None))
    await office.hear(event)
    await office.send()

    assert addresses(office.mail.messages()) == ["ana"]  # at work, and the duty officer is recused
    assert len(await office.published(PageEnriched)) == 1


async def test_a_match_brings_walls_up_for_later_steps(office: Office) -> None:
    event = await office.danger()
    await office.know(team(None, recused=("bea", "dee")))
    await office.hear(
        ReferralMatched(
            campus="NORTH", referral_id=event.referral_id, reference=event.reference, student_id=STUDENT,
            matched_at=office.clock.now(), basis="exact_id", matched_by="ana",
        )
    )  # fmt: skip
    await office.pass_time(minutes=2, seconds=1)
    assert addresses(office.mail.messages()) == ["sys", "uma"]


async def test_a_case_that_learns_its_student_brings_walls_up_too(office: Office) -> None:
    event = await office.danger()
    await office.hear(case_opened(event, office, student_id=None, owner_id=None))
    await office.know(team(None, recused=("bea",)))
    at = office.clock.now()
    await office.hear(CaseStudentIdentified(campus="NORTH", case_id=CASE, student_id=STUDENT, identified_at=at))
    await office.pass_time(minutes=2, seconds=1)
    assert addresses(office.mail.messages()) == ["dee", "uma"]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("by_case", [True, False])
async def test_a_match_that_was_taken_back_counts_for_nobody_any_more(
    office: Office, by_case: bool, together: bool
) -> None:
    event = await office.danger()
    at = office.clock.now()
    # The walls are those of another case of the student who was named by mistake.
    await office.know(team(None, case_id=new_id(), recused=("bea",)))
    about: dict[str, Any] = {"campus": "NORTH", "referral_id": event.referral_id, "reference": event.reference}
    said: tuple[Any, ...] = (
        ReferralMatched(**about, student_id=STUDENT, matched_at=at, basis="person", matched_by="ana"),
        ReferralUnmatched(
            **about, student_id=None, previous_student_id=STUDENT, reason_code="mistake", unmatched_by="ana",
            unmatched_at=at,
        ),
    )  # fmt: skip
    if by_case:
        await office.hear(case_opened(event, office, student_id=None, owner_id=None))
        said = tuple(
            CaseStudentIdentified(campus="NORTH", case_id=CASE, student_id=who, identified_at=at)
            for who in (STUDENT, None)
        )
    for each in (said,) if together else [(one,) for one in said]:
        await office.hear(*each)
    await office.pass_time(minutes=2, seconds=1)
    assert addresses(office.mail.messages()) == ["bea", "uma"]


async def test_owners_hear_of_new_cases_once_and_together(office: Office) -> None:
    for number in range(5):
        event = danger(office.clock.now(), level="mild")
        await office.hear(case_opened(event, office, case_id=new_id(), owner_id="ana" if number else "ben"))
    await office.pass_time(seconds=30)
    assert not office.mail.messages()
    await office.pass_time(seconds=31)

    (mail,) = office.mails_to("ana")
    assert "4 cases were assigned to you" in str(mail["Subject"])
    (other,) = office.mails_to("ben")
    assert "A case was assigned to you" in str(other["Subject"])
    assert str(STUDENT) not in mail.as_string() + other.as_string()


async def test_a_case_opened_long_ago_sends_no_notice(office: Office) -> None:
    event = danger(office.clock.now())
    await office.hear(case_opened(event, office, opened_at=office.clock.now() - timedelta(hours=7)))
    await office.pass_time(minutes=2)
    assert not office.mail.messages()


@pytest.mark.parametrize("kind", ["raise", "known", "timers"])
async def test_the_number_of_statements_does_not_grow_with_the_batch(office: Office, kind: str) -> None:
    await office.danger()  # reads the program for the first time
    await office.works.timers.run_due()  # watchers look around at the first round
    counts = []
    await office.forget("pages", "timers", "deliveries")
    for number in (1, 499):  # timers are taken 500 at a time, and a full hand asks once more
        events = [danger(office.clock.now(), student_id=new_id()) for _ in range(number)]
        if kind != "raise":
            await office.hear(*events)
        with statements_of(office.works.database) as seen:
            if kind == "raise":
                await office.hear(*events)
            elif kind == "known":
                await office.hear(*(case_opened(event, office, case_id=new_id()) for event in events))
            else:
                office.clock.move(timedelta(minutes=2, seconds=1))
                await office.works.timers.run_due()
        counts.append(len(seen))
        await office.forget("pages", "timers", "deliveries")
    assert counts[0] == counts[1]


async def test_declining_tells_the_next_at_once_and_a_second_answer_is_refused(office: Office) -> None:
    event = await office.danger()
    await office.send()
    page = await office.page_of("uma", event)
    async with office.client("uma") as client:
        path = f"/pages/{page['page_id']}/decline"
        assert (await client.post(path, json={"reason_code": "unwell"})).is_success
        assert (await client.post(path, json={"reason_code": "unwell"})).status_code == 409
        assert (await client.post(path, json={"reason_code": "because"})).status_code == 422
    await office.send()
    assert len(office.mails_to("bea", event.reference)) == 1
    steps = await office.published(PageStepTaken)
    assert [step.staff_ids for step in steps] == [("uma",), ("bea",)]


async def test_only_whoever_was_told_may_take_a_page(office: Office) -> None:
    event = await office.danger()
    await office.send()
    page = await office.page_of("dee", event)  # the director of the campus may know of it
    for person in ("dee", "bea", "ana"):
        async with office.client(person) as client:
            answer = await client.post(f"/pages/{page['page_id']}/accept")
        assert answer.status_code in (403, 404)
    assert (await office.page_of("uma", event))["state"] == "notifying"


async def test_whoever_was_told_and_did_not_take_it_hears_who_did(office: Office) -> None:
    event = await office.danger()
    await office.pass_time(minutes=2, seconds=1)
    page = await office.page_of("bea", event)
    async with office.client("bea") as client:
        assert (await client.post(f"/pages/{page['page_id']}/accept")).is_success
        assert (await client.post(f"/pages/{page['page_id']}/accept")).is_success  # twice is the same as once
    async with office.client("uma") as client:
        assert (await client.post(f"/pages/{page['page_id']}/accept")).status_code == 409
    await office.send()
    assert "Taken by Bea Backup" in str(office.mails_to("uma")[-1]["Subject"])
    assert len(office.mails_to("bea")) == 1


async def test_why_says_who_was_told_when_and_why_and_who_was_not(office: Office) -> None:
    await office.know(team("ana", recused=("bea",)))
    event = await office.danger(student_id=STUDENT)
    await office.pass_time(minutes=2, seconds=1)
    page = await office.page_of("uma", event)
    why = await office.get("uma", f"/pages/{page['page_id']}/why")

    text = " ".join(sentence["text"] for sentence in why["sentences"])
    assert "Uma Duty was told at 10:00:00 am, because they are on duty at North Campus." in text
    assert "Ana Ruiz was told at 10:00:00 am" in text
    assert "Bea Backup was not told at 10:02:01 am, because they are not to work on this matter." in text
    assert "Dee Director was told at 10:02:01 am" in text
    assert "If nobody accepts before 10:04:01 am, this goes to the duty officer of the whole system." in text
    assert len(why["policy"]) == 5
    assert link_in(office.mails_to("uma")[0])
