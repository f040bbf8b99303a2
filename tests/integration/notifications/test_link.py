"""The link in a mail: looking changes nothing, answering acts once, and every state explains itself."""

from datetime import timedelta

import httpx
import msgspec
import pytest

from services.notifications.domain.links import Link, sign
from shared.events.access import AccessDecided
from tests.integration.notifications.conftest import Office, link_in, misconduct
from tests.unit.notifications.world import STUDENT, team


async def sent_link(office: Office, person: str = "uma") -> str:
    """Return the link in the newest mail to somebody."""
    await office.send()
    return link_in(office.mails_to(person)[-1])


async def press(office: Office, link: str, answer: str, reason: str = "") -> httpx.Response:
    """Press a button of the page and see what comes."""
    async with office.client() as client:
        return await client.post(link, data={"answer": answer, "reason": reason}, follow_redirects=True)


async def look(office: Office, link: str) -> httpx.Response:
    async with office.client() as client:
        return await client.get(link)


async def test_a_mail_scanner_following_the_link_changes_nothing(office: Office) -> None:
    event = await office.danger()
    link = await sent_link(office)
    async with office.client() as client:
        for method in ("HEAD", "GET", "GET"):
            assert (await client.request(method, link)).status_code == 200
        assert (await client.post(link)).status_code == 422  # a scanner that even sends empty forms
    assert (await office.page_of("uma", event))["state"] == "notifying"


async def test_the_page_is_safe_to_show_and_says_only_what_the_mail_said(office: Office) -> None:
    event = await office.danger(student_id=STUDENT)
    answer = await look(office, await sent_link(office))

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    for said in (event.reference, "critical", "North Campus", "You, told at 10:00 am", 'lang="en"'):
        assert said in answer.text
    assert str(STUDENT) not in answer.text
    async with office.client() as client:
        sheet = await client.get("/assets/link.css")
    assert sheet.headers["content-type"].startswith("text/css")


async def test_accepting_by_the_link_acts_for_its_addressee_and_is_audited(office: Office) -> None:
    event = await office.danger()
    answer = await press(office, await sent_link(office), "accept")

    assert "You have this page" in answer.text
    page = await office.page_of("uma", event)
    assert (page["accepted_by"], page["accepted_via"]) == ("uma", "link")
    audits = [e for e in await office.published(AccessDecided) if e.action == "page.accept"]
    assert [(e.actor_kind, e.actor_id, e.allowed, e.basis) for e in audits] == [("link", "uma", True, "link")]
    (used,) = await office.rows("SELECT used_at, fingerprint FROM links")
    assert used.used_at == office.clock.now()


async def test_pressing_twice_and_pressing_late_are_harmless_and_say_who_has_it(office: Office) -> None:
    event = await office.danger()
    first = await sent_link(office)
    await office.pass_time(minutes=2, seconds=1)
    second = await sent_link(office, "bea")

    assert "You have this page" in (await press(office, second, "accept")).text
    assert "You have this page" in (await press(office, second, "accept")).text
    for answer, reason in (("accept", ""), ("decline", "unwell")):
        late = await press(office, first, answer, reason)
        assert late.status_code == 200
        assert "Bea Backup" in late.text
    assert (await office.page_of("uma", event))["accepted_by"] == "bea"


async def test_declining_asks_for_a_reason_and_tells_the_next_person(office: Office) -> None:
    event = await office.danger()
    link = await sent_link(office)
    asked = await press(office, link, "decline")
    assert asked.status_code == 422
    assert "Choose why you cannot take it" in asked.text
    assert (await office.page_of("uma", event))["state"] == "notifying"

    told = await press(office, link, "decline", "with_somebody")
    assert "Thank you for telling us" in told.text
    await office.send()
    assert office.mails_to("bea", event.reference)
    assert "You have this page" in (await press(office, link, "accept")).text  # and may take it after all


async def test_a_link_ends_and_says_so(office: Office) -> None:
    event = await office.danger()
    link = await sent_link(office)
    office.clock.move(timedelta(hours=72, seconds=1))
    assert "This link has ended" in (await look(office, link)).text
    assert "This link has ended" in (await press(office, link, "accept")).text
    assert (await office.page_of("uma", event))["state"] == "notifying"


@pytest.mark.parametrize("strange", ["/a/nonsense", "/a/%C3%A9%C3%A9", "/a/" + "A" * 200, "/a/-"])
async def test_a_link_that_was_never_sent_opens_nothing(office: Office, strange: str) -> None:
    answer = await look(office, strange)
    assert answer.status_code == 404
    assert "We do not know this link" in answer.text
    assert (await press(office, strange, "accept")).status_code == 404


async def test_a_well_signed_link_for_somebody_who_was_not_told_opens_nothing(office: Office) -> None:
    event = await office.danger()
    page = await office.page_of("uma", event)
    made_up = Link(msgspec.convert(page["page_id"], type=type(event.referral_id)), "dee", office.clock.now())
    path = f"/a/{sign(office.works.desk.link_key, made_up)}"
    assert (await look(office, path)).status_code == 404
    assert (await press(office, path, "accept")).status_code == 404


async def test_whoever_is_recused_after_being_told_can_no_longer_act_by_the_link(office: Office) -> None:
    await office.danger(student_id=STUDENT)
    link = await sent_link(office)
    await office.know(team(None, recused=("uma",)))
    assert (await look(office, link)).status_code == 404
    assert (await press(office, link, "accept")).status_code == 404


async def test_before_the_replicas_are_filled_nothing_is_decided(office: Office) -> None:
    await office.danger()
    link = await sent_link(office)
    await office.forget("replica_ready")
    answer = await look(office, link)
    assert answer.status_code == 503
    assert "Nothing was changed" in answer.text


async def test_the_page_of_a_title_ix_report_names_neither_it_nor_a_level(office: Office) -> None:
    await office.hear(misconduct(office.clock.now()))
    answer = await look(office, await sent_link(office, "tia"))
    assert "A confidential page waits for you" in answer.text
    assert "Title IX" not in answer.text
    assert "Level" not in answer.text
