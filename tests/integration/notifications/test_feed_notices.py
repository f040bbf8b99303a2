"""Owners of feeds are told by mail: each thing once, whoever stands in for them, and nothing that is over already."""

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.notifications.delivery.message import Writer
from services.notifications.domain.feed_words import WORDS, said_of
from services.notifications.storage.deliveries import Claimed
from shared.events.feeds import FeedHealthChanged
from shared.events.program import Absence
from tests.integration.notifications.conftest import Office
from tests.unit.notifications.world import NOW, STAFF

FEED = UUID(int=0xFEED)


def change(office: Office, signal: str = "late", state: str = "opened", **more: Any) -> FeedHealthChanged:
    now = office.clock.now()
    said: dict[str, Any] = {
        "campus": "NORTH", "feed_id": FEED, "feed": "north-alerts", "owner_id": "uma", "signal": signal,
        "state": state, "worst": signal, "since": now, "changed_at": now,
    }  # fmt: skip
    return FeedHealthChanged(**(said | more))


async def sent(office: Office) -> list[tuple[str, str]]:
    office.clock.move(timedelta(minutes=2))
    await office.send()
    return [(str(mail["To"]), str(mail["Subject"])) for mail in office.mail.messages()]


def address(staff_id: str) -> str:
    return next(each.email for each in STAFF if each.staff_id == staff_id)


async def test_the_owner_is_told_once_with_what_to_do_and_where(office: Office) -> None:
    await office.hear(change(office))
    assert await sent(office) == [(address("uma"), "Feed north-alerts is late")]
    (mail,) = office.mail.messages()
    text = str(mail.get_content())
    assert WORDS["late"].to_do in text
    assert "sign in to Caselight" in text
    await office.hear(change(office, state="resolved"))
    assert len(await sent(office)) == 1


def test_the_mail_leads_to_the_feeds_own_page() -> None:
    facts = {"feed_id": str(FEED), "feed": "north-alerts", "signal": "late", "campus": "North", "since": "Mon"}
    claimed = Claimed(FEED, "feed", None, 0, "NORTH", "uma", "uma@example.edu", 9, facts, 1, 1, NOW)
    writer = Writer("caselight@example.edu", "https://pages.example.edu", "https://desk.example.edu/", b"k" * 32)
    mail = message_from_bytes(writer.write([claimed], NOW), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert f"https://desk.example.edu/feeds/{FEED}" in mail.get_content()


async def test_what_is_over_before_the_mail_left_is_not_told(office: Office) -> None:
    await office.hear(change(office))
    await office.hear(change(office, state="resolved"), change(office, "silent"))
    assert await sent(office) == [(address("uma"), "Feed north-alerts is silent")]


async def test_what_is_said_again_for_a_new_consumer_tells_nobody(office: Office) -> None:
    await office.hear(change(office), republished=True)
    assert await sent(office) == []


async def test_who_stands_in_is_told_while_the_owner_is_away_and_nobody_is_an_error_for_none(office: Office) -> None:
    now = office.clock.now()
    away = Absence(now - timedelta(days=1), now + timedelta(days=1), cover_id="ben")
    uma = next(each for each in STAFF if each.staff_id == "uma")
    await office.know(msgspec.structs.replace(uma, absences=(away,)))
    await office.hear(change(office))
    assert await sent(office) == [(address("ben"), "Feed north-alerts is late")]
    await office.hear(change(office, "errors", owner_id="nobody-known"))
    assert len(await sent(office)) == 1


@pytest.mark.parametrize("signal", [*WORDS, "of a later release"])
def test_every_signal_has_words_that_say_what_to_do(signal: str) -> None:
    said = said_of(signal)
    assert said.headline
    assert said.meaning.endswith(".")
    assert said.to_do.endswith(".")
