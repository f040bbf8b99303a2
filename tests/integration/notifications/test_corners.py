"""What happens at the corners: answers that come while a mail is under way, walls, news that is known by halves."""

from datetime import timedelta
from ssl import SSLCertVerificationError
from typing import Any

import pytest

from services.notifications.delivery.smtp import Answer
from shared.ids import new_id
from tests.integration.notifications.conftest import Office, addresses, danger
from tests.integration.notifications.test_paging import case_opened
from tests.unit.notifications.world import STUDENT, team


async def test_a_server_whose_certificate_cannot_be_trusted_is_tried_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def untrusted() -> Any:
        raise SSLCertVerificationError

    with monkeypatch.context() as patched:
        patched.setattr(office.works.courier.connections, "_opened", untrusted)
        await office.danger()
        await office.send()
    assert [row.state for row in await office.rows("SELECT state FROM deliveries")] == ["waiting"]
    await office.pass_time(seconds=2)
    assert len(office.mails_to("uma")) == 1


async def test_a_mail_that_fails_in_a_way_nobody_foresaw_is_tried_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> Answer:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(office.works.courier.connections, "send", broken)
        await office.danger()
        await office.send()
    await office.pass_time(minutes=1)
    assert len(office.mails_to("uma")) == 1


async def test_a_mail_that_fails_while_its_page_is_accepted_is_not_tried_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await office.danger()

    async def accepted_meanwhile(*_: object) -> Answer:
        page = await office.page_of("uma", event)
        async with office.client("uma") as client:
            assert (await client.post(f"/pages/{page['page_id']}/accept")).is_success
        return Answer("later", 451)

    with monkeypatch.context() as patched:
        patched.setattr(office.works.courier.connections, "send", accepted_meanwhile)
        await office.send()
    await office.pass_time(minutes=1)
    assert not office.mail.messages()


async def test_danger_told_again_with_its_student_brings_walls_up(office: Office) -> None:
    event = await office.danger()
    await office.know(team(None, recused=("bea",)))
    await office.hear(danger(office.clock.now(), referral_id=event.referral_id, student_id=STUDENT))
    await office.pass_time(minutes=2, seconds=1)
    assert addresses(office.mail.messages()) == ["dee", "uma"]


async def test_the_case_of_old_danger_from_an_import_sends_its_owner_no_notice(office: Office) -> None:
    old = await office.danger(live=False, happened_at=office.clock.now() - timedelta(hours=7))
    recent = danger(office.clock.now(), level="mild")
    await office.hear(case_opened(old, office), case_opened(recent, office, case_id=new_id(), owner_id="ben"))
    await office.pass_time(minutes=2)
    assert addresses(office.mail.messages()) == ["ben"]


async def test_late_reviews_are_listed_the_newest_first(office: Office) -> None:
    expected: list[str] = []
    for _ in range(6):
        event = await office.danger(live=False, happened_at=office.clock.now() - timedelta(hours=7))
        expected.insert(0, event.reference)
        office.clock.move(timedelta(minutes=1))
    items = (await office.get("uma", "/late-reviews"))["items"]
    assert [each["reference"] for each in items] == expected
    rest = (await office.get("uma", f"/late-reviews?after={items[2]['review_id']}"))["items"]
    assert [each["reference"] for each in rest] == expected[3:]
