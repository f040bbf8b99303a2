"""When nobody can be paged, intake tells the emergency contacts itself."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from deploy.local.mail import MailSink
from services.intake.mail import mailer, message
from services.intake.usecases.watch_for_silence import Alarm, watch_for_silence
from shared.events.pages import LateReviewAsked, PageRaised
from shared.ids import new_id
from tests.integration.intake.conftest import DANGER, Intake, policy


async def look(intake: Intake) -> list[Alarm]:
    """Let the watcher look once; return what it mailed."""
    sent: list[Alarm] = []

    async def send(alarm: Alarm) -> None:
        sent.append(alarm)

    await watch_for_silence(intake.worker, send)
    return sent


def page_raised(referral: dict[str, Any], at: datetime, **more: Any) -> PageRaised:
    """Return that a page for a referral exists."""
    return PageRaised(
        campus="NORTH",
        page_id=new_id(),
        cause_id=new_id(),
        function="danger",
        level="critical",
        referral_id=UUID(referral["referral_id"]),
        policy_edition="1",
        happened_at=at,
        raised_at=at,
        **more,
    )


async def test_danger_that_is_not_sent_for_twenty_seconds_is_mailed_once(intake: Intake) -> None:
    referral = await intake.refer(DANGER)
    assert await look(intake) == []
    intake.clock.move(timedelta(seconds=21))

    (alarm,) = await look(intake)
    assert (alarm.to, alarm.campus, alarm.references) == (("help@example.edu",), "NORTH", (referral["reference"],))
    text = message(alarm, "intake@example.edu").as_string()
    assert "A danger referral waits; open intake" in text
    assert "kill" not in text
    intake.clock.move(timedelta(minutes=10))
    assert await look(intake) == []


async def test_the_mail_reaches_every_contact_and_says_nothing_of_the_student(intake: Intake, tmp_path: Path) -> None:
    await intake.refer(DANGER, about={"student_id": "N1"})
    intake.clock.move(timedelta(minutes=2))
    sink = MailSink(tmp_path)
    sink.start()
    try:
        settings = intake.settings.model_copy(update={"smtp_url": f"smtp://127.0.0.1:{sink.port}"})
        assert await watch_for_silence(intake.worker, mailer(settings)) == 1
        (mail,) = sink.mails()
    finally:
        sink.stop()
    assert mail.recipients == ("help@example.edu",)
    assert "open intake" in mail.subject
    assert not any(word in mail.content.as_string() for word in ("Nora", "N1", "kill", "nora@"))


async def test_danger_that_was_sent_is_given_a_minute_to_become_a_page(intake: Intake) -> None:
    await intake.refer(DANGER)
    await intake.forget_outbox()
    intake.clock.move(timedelta(seconds=59))
    assert await look(intake) == []
    intake.clock.move(timedelta(seconds=2))
    assert len(await look(intake)) == 1


async def test_a_page_or_an_item_to_review_ends_the_watch(intake: Intake) -> None:
    paged, reviewed = await intake.refer(DANGER), await intake.refer(DANGER)
    at = intake.clock.now()
    await intake.tell(page_raised(paged, at))
    review = LateReviewAsked(
        campus="NORTH",
        page_id=new_id(),
        cause_id=new_id(),
        function="danger",
        level="critical",
        referral_id=UUID(reviewed["referral_id"]),
        happened_at=at,
        asked_at=at,
    )
    await intake.tell(review)
    intake.clock.move(timedelta(minutes=5))
    assert await look(intake) == []


async def test_the_title_ix_line_does_not_end_the_watch_over_danger(intake: Intake) -> None:
    referral = await intake.refer(DANGER + " He raped her.")
    other = page_raised(referral, intake.clock.now())
    await intake.tell(
        PageRaised(**{name: getattr(other, name) for name in other.__struct_fields__} | {"function": "titleix"})
    )
    intake.clock.move(timedelta(minutes=5))
    assert len(await look(intake)) == 1


async def test_a_mail_that_failed_is_tried_again_under_the_same_name(intake: Intake) -> None:
    await intake.refer(DANGER)
    intake.clock.move(timedelta(minutes=2))
    tried: list[Alarm] = []

    async def fail(alarm: Alarm) -> None:
        tried.append(alarm)
        raise ConnectionError

    assert await watch_for_silence(intake.worker, fail) == 0
    assert await look(intake) == []
    await intake.refer(DANGER)
    intake.clock.move(timedelta(minutes=2))

    again = await look(intake)
    assert again[0].message_id == tried[0].message_id
    assert len(again) == 2
    assert len({alarm.message_id for alarm in again}) == 2


async def test_several_dangers_of_one_campus_are_one_mail(intake: Intake) -> None:
    references = [(await intake.refer(DANGER))["reference"] for _ in range(3)]
    intake.clock.move(timedelta(minutes=2))
    (alarm,) = await look(intake)
    assert sorted(alarm.references) == sorted(references)


async def test_without_contacts_the_watch_goes_on(intake: Intake) -> None:
    await intake.know(policy("emergency_contacts", {"email": []}, version=2))
    await intake.refer(DANGER)
    intake.clock.move(timedelta(minutes=2))
    assert await look(intake) == []
    await intake.know(policy("emergency_contacts", {"email": ["new@example.edu"]}, version=3))
    intake.clock.move(timedelta(minutes=2))
    assert len(await look(intake)) == 1
