"""The local mail server keeps everything and shows it safely."""

import http.client
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from deploy.local import processes
from deploy.local.mail import MailSink
from deploy.local.mailpage import linked


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[MailSink]:
    sink = MailSink(tmp_path, web_port=processes.free_port(7, []))
    sink.start()
    yield sink
    sink.stop()


def send(sink: MailSink, subject: str, text: str = "text", to: str = "uma@example.edu") -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, "caselight@example.edu", to
    mail.set_content(text)
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.send_message(mail)


def page(sink: MailSink, path: str) -> tuple[int, str]:
    assert sink.web_port is not None
    connection = http.client.HTTPConnection("127.0.0.1", sink.web_port)
    connection.request("GET", path)
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    return answer.status, content


def test_mails_are_kept_in_order_of_arrival(sink: MailSink) -> None:
    for subject in ("first", "second", "third"):
        send(sink, subject)
    assert [mail["Subject"] for mail in sink.messages()] == ["first", "second", "third"]


def test_the_envelope_is_kept_beside_the_mail(sink: MailSink) -> None:
    send(sink, "hello", to="bea@example.edu")
    (mail,) = sink.mails()
    assert mail.recipients == ("bea@example.edu",)
    assert mail.content["X-Envelope-To"] is None


def test_what_a_mail_says_is_shown_as_text_and_never_as_markup(sink: MailSink) -> None:
    send(sink, "<script>alert(1)</script>", '<img src=x onerror=alert(2)> https://example.edu/?a=1&b="2"')
    (mail,) = sink.mails()
    for path in ("/", f"/{mail.name}"):
        status, shown = page(sink, path)
        assert status == 200
        assert "<script>" not in shown
        assert "<img" not in shown
        assert "&lt;script&gt;" in shown


def test_a_page_says_its_language_and_has_a_heading(sink: MailSink) -> None:
    status, shown = page(sink, "/")
    assert status == 200
    assert '<html lang="en">' in shown
    assert "<h1>" in shown


@pytest.mark.parametrize("path", ["/nothing", "/../../etc/passwd", "/%2e%2e/secret"])
def test_there_is_nothing_but_mails(sink: MailSink, path: str) -> None:
    assert page(sink, path)[0] == 404


def test_links_work_and_stay_within_their_attribute() -> None:
    assert linked("see https://a.test/x?y=1&z=2 now") == (
        'see <a href="https://a.test/x?y=1&amp;z=2">https://a.test/x?y=1&amp;z=2</a> now'
    )
    assert "onmouseover=" not in linked("https://a.test/\"onmouseover='x'").split("</a>")[0]


def test_mails_survive_a_restart_of_the_server(tmp_path: Path) -> None:
    for subject in ("before", "after"):
        sink = MailSink(tmp_path)
        sink.start()
        send(sink, subject)
        sink.stop()
    assert [mail["Subject"] for mail in MailSink(tmp_path).messages()] == ["before", "after"]
