"""Somebody is in danger: the right person is told at once, whatever is not known yet."""

import httpx

from tests.journeys.world import World, link_in, text_of
from tests.support.eventually import eventually

IN_DANGER = "He told his roommate that he is going to kill himself tonight and has the pills in his room."


async def test_a_danger_referral_with_no_known_student_pages_the_duty_rota_at_once(world: World) -> None:
    referral = await world.refer("fay", IN_DANGER, about={"description": "tall, second row, BIO 101"})

    mail = await world.mail_to("uma", referral["reference"])

    assert "critical" in text_of(mail)
    assert "NORTH" in text_of(mail) or "North Campus" in text_of(mail)
    for told in ("kill", "pills", "roommate", "tall", "second row"):
        assert told not in mail.as_string()
    assert not world.mails_to("bea", referral["reference"])  # the backup's turn comes when the first does not answer
    page = await world.page_of("uma", referral)
    assert page["state"] == "notifying"
    assert page["level"] == "critical"


async def test_accepting_a_page_opens_that_matter_to_the_responder_and_nothing_else(world: World) -> None:
    taken = await world.refer("fay", IN_DANGER)
    other = await world.refer("fay", IN_DANGER)
    for referral in (taken, other):
        assert (
            await world.call("uma", "GET", "intake", f"/referrals/{referral['referral_id']}/narrative")
        ).status_code in (
            httpx.codes.FORBIDDEN,
            httpx.codes.NOT_FOUND,
        )
    page = await world.page_of("uma", taken)

    await world.post("uma", "notifications", f"/pages/{page['page_id']}/accept", {})

    async def opened() -> httpx.Response | None:
        answer = await world.call("uma", "GET", "intake", f"/referrals/{taken['referral_id']}/narrative")
        return answer if answer.is_success else None

    assert IN_DANGER in (await eventually(opened)).text
    for path in (f"/referrals/{other['referral_id']}", f"/referrals/{other['referral_id']}/narrative"):
        assert not (await world.call("uma", "GET", "intake", path)).is_success
    assert not (await world.call("bea", "GET", "intake", f"/referrals/{taken['referral_id']}/narrative")).is_success


async def test_what_acceptance_opened_closes_when_the_grant_ends(world: World) -> None:
    referral = await world.refer("fay", IN_DANGER)
    page = await world.page_of("uma", referral)
    await world.post("uma", "notifications", f"/pages/{page['page_id']}/accept", {})
    path = f"/referrals/{referral['referral_id']}/narrative"

    async def opened() -> bool:
        return (await world.call("uma", "GET", "intake", path)).is_success

    await eventually(opened)
    await world.pass_time(days=30)
    assert not await opened()


async def test_a_mail_scanner_following_the_link_accepts_nothing(world: World) -> None:
    referral = await world.refer("fay", IN_DANGER)
    link = link_in(await world.mail_to("uma", referral["reference"]))

    for method in ("HEAD", "GET", "GET"):
        seen = await world.call(None, method, "notifications", link)
        assert seen.is_success
    page = await world.page_of("uma", referral)
    assert page["state"] == "notifying"

    accepted = await world.call(None, "POST", "notifications", link, data={"answer": "accept"})
    assert accepted.status_code in (httpx.codes.OK, httpx.codes.SEE_OTHER)
    assert (await world.page_of("uma", referral))["accepted_by"] == "uma"


async def test_nobody_on_duty_moves_on_at_once_and_ends_owned_unreached(world: World) -> None:
    referral = await world.refer("eve", IN_DANGER, campus="EMPTY")

    await world.mail_to("sys", referral["reference"])  # the system rota, at once: empty steps wait for nobody
    await world.pass_time(minutes=2, seconds=1)

    async def unreached() -> bool:
        page = await world.page_of("sys", referral)
        return bool(page["state"] == "unreached_owned" and page["owner_id"] == "sys")

    await eventually(unreached)
    told = len(world.mails_to("sys", referral["reference"]))
    await world.pass_time(minutes=5, seconds=1)
    await world.mail_to("sys", referral["reference"], count=told + 1)  # and again until somebody takes it


async def test_an_unaccepted_page_escalates_on_time_and_an_accepted_one_stops(world: World) -> None:
    ignored = await world.refer("fay", IN_DANGER)
    taken = await world.refer("fay", IN_DANGER)
    await world.mail_to("uma", ignored["reference"])
    page = await world.page_of("uma", taken)
    await world.mail_to("uma", taken["reference"])
    await world.post("uma", "notifications", f"/pages/{page['page_id']}/accept", {})

    await world.pass_time(minutes=1, seconds=59)
    await world.quiet()
    assert not world.mails_to("bea", ignored["reference"])

    await world.pass_time(seconds=2)
    await world.mail_to("bea", ignored["reference"])
    await world.pass_time(minutes=2, seconds=1)
    await world.mail_to("dee", ignored["reference"])
    await world.pass_time(minutes=2, seconds=1)
    await world.mail_to("sys", ignored["reference"])
    await world.quiet()
    for person in ("bea", "dee", "sys"):
        assert not world.mails_to(person, taken["reference"])

    why = str(await world.get("uma", "notifications", f"/pages/{(await world.page_of('uma', ignored))['page_id']}/why"))
    for name in ("Uma Duty", "Bea Backup", "Dee Director", "Sy Stem"):
        assert name in why


async def test_a_late_acceptance_is_harmless_and_says_who_has_it(world: World) -> None:
    referral = await world.refer("fay", IN_DANGER)
    link = link_in(await world.mail_to("uma", referral["reference"]))
    await world.pass_time(minutes=2, seconds=1)
    second = link_in(await world.mail_to("bea", referral["reference"]))

    await world.call(None, "POST", "notifications", second, data={"answer": "accept"})
    late = await world.call(None, "POST", "notifications", link, data={"answer": "accept"}, follow_redirects=True)

    assert "Bea Backup" in late.text
    assert (await world.page_of("uma", referral))["accepted_by"] == "bea"
