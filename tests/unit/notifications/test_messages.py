"""What messages say, to whom, and what they never say."""

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal

import msgspec
import pytest

from services.notifications.delivery.limits import PersonalLimit
from services.notifications.delivery.message import Writer
from services.notifications.delivery.smtp import Server
from services.notifications.domain.links import read
from services.notifications.storage.deliveries import Claimed
from services.notifications.usecases.desk import facts
from shared.ids import new_id
from tests.unit.notifications.world import CASE, NOW, PAGE, REFERRAL, STUDENT, around, program, raised

KEY = b"k" * 32
WRITER = Writer("caselight@example.edu", "https://pages.example.edu", "https://desk.example.edu", KEY)


def claimed(kind: Literal["page", "emergency", "taken", "notice"] = "page", **more: Any) -> Claimed:
    page, _ = raised(around(), student_id=STUDENT, **more.pop("cause", {}))
    known = facts(page, program()) | more.pop("facts", {})
    fields: dict[str, Any] = {
        "id": new_id(),
        "kind": kind,
        "page_id": page.id,
        "turn": 1,
        "campus": "NORTH",
        "person": "uma",
        "address": "uma@staff.example.edu",
        "priority": 0,
        "facts": msgspec.json.decode(msgspec.json.encode(known)),
        "bundled": 1,
        "attempts": 1,
        "queued_at": NOW,
    }
    return Claimed(**fields | more)


def written(*bundle: Claimed, after: timedelta = timedelta(), writer: Writer = WRITER) -> EmailMessage:
    found = message_from_bytes(writer.write(bundle, NOW + after), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_page_says_reference_level_campus_and_age_and_links_for_its_addressee() -> None:
    mail = written(claimed(), after=timedelta(hours=7, minutes=10))
    words = mail.get_content()
    assert mail["Subject"] == "Danger page at North Campus (K7Q-2M4X-9RTD)"
    for said in (
        "K7Q-2M4X-9RTD",
        "critical",
        "North Campus",
        "Age:       7 hours 10 minutes",
        "https://desk.example.edu",
    ):
        assert said in words
    assert "minutes old" not in words
    (link,) = [word for word in words.split() if "/a/" in word]
    said_by_link = read(KEY, link.rpartition("/")[2])
    assert said_by_link is not None
    assert (said_by_link.page_id, said_by_link.staff_id) == (PAGE, "uma")


@pytest.mark.parametrize("kind", ["page", "emergency", "taken", "notice"])
def test_no_message_names_a_student_a_referral_or_a_case(kind: Literal["page", "emergency", "taken", "notice"]) -> None:
    words = written(claimed(kind, facts={"accepted_by": "Bea Backup"})).as_string()
    for secret in (STUDENT, REFERRAL, CASE):
        assert str(secret) not in words


def test_the_same_message_written_again_has_the_same_message_id() -> None:
    one = claimed()
    assert written(one)["Message-ID"] == written(one, after=timedelta(minutes=9))["Message-ID"]


def test_behind_the_wall_a_subject_line_says_nothing_and_no_level_is_shown() -> None:
    mail = written(claimed(cause={"function": "titleix", "walled": True}))
    assert "Title IX" not in mail.as_string()
    assert "Level" not in mail.get_content()


def test_an_emergency_contact_gets_no_link_that_acts() -> None:
    assert "/a/" not in written(claimed("emergency")).get_content()


def test_several_pages_in_one_message_each_have_their_link() -> None:
    mail = written(claimed(), claimed(facts={"reference": "OTHER-REF"}))
    assert mail["Subject"] == "2 pages wait for you"
    assert mail.get_content().count("/a/") == 2
    assert "OTHER-REF" in mail.get_content()


def test_names_in_any_script_arrive_whole() -> None:
    mail = written(claimed(facts={"campus": "Łódź 北校区"}))
    assert "Łódź 北校区" in str(mail["Subject"])
    assert "Łódź 北校区" in mail.get_content()


def test_a_campus_name_cannot_add_a_header_nor_keep_the_mail_from_leaving() -> None:
    mail = written(claimed(facts={"campus": "North\r\nBcc: all@example.edu"}))
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Danger page at North Bcc:")


def test_without_a_console_messages_say_where_to_go_in_words() -> None:
    writer = Writer("caselight@example.edu", "https://pages.example.edu", "", KEY)
    assert "sign in to Caselight" in written(claimed(), writer=writer).get_content()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1:2525", ("127.0.0.1", 2525, False, False, None, None)),
        ("smtps://mail.example.edu", ("mail.example.edu", 465, True, False, None, None)),
        ("smtp+starttls://a%40b:p%2Fw@mail.example.edu:587", ("mail.example.edu", 587, False, True, "a@b", "p/w")),
    ],
)
def test_the_mail_servers_address_says_how_to_reach_it(url: str, expected: tuple[object, ...]) -> None:
    server = Server.of(url)
    assert (server.host, server.port, server.tls, server.starttls, server.user, server.password) == expected


@pytest.mark.parametrize("url", ["http://mail.example.edu", "smtp://", "mail.example.edu:25"])
def test_another_address_is_refused_at_start(url: str) -> None:
    with pytest.raises(ValueError, match="smtp"):
        Server.of(url)


def test_a_person_gets_single_messages_up_to_a_number_and_the_rest_together() -> None:
    limit = PersonalLimit(most=2, every=timedelta(seconds=5))
    first = [claimed() for _ in range(5)]
    now, waiting = limit.sort(first, NOW)
    assert [len(bundle) for bundle in now] == [1, 1, 3]
    assert waiting == []

    more = [claimed(), claimed(address="bea@staff.example.edu"), claimed("taken")]
    now, waiting = limit.sort(more, NOW + timedelta(seconds=1))
    assert [bundle[0] for bundle in now] == more[1:]
    assert waiting == [more[0]]

    now, waiting = limit.sort([more[0], claimed()], NOW + timedelta(seconds=6))
    assert [len(bundle) for bundle in now] == [2]
    now, waiting = limit.sort([claimed()], NOW + timedelta(seconds=90))
    assert ([len(bundle) for bundle in now], waiting) == ([1], [])
