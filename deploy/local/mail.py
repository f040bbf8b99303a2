"""Takes every mail the local stack sends, keeps it as a file, and shows it on a plain page. Sends nothing anywhere.

As a process of its own: `python -m deploy.local.mail --folder F --smtp-port P --web-port W`. In a test: `MailSink`.
"""

import argparse
import asyncio
import email
import email.policy
import itertools
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.mailpage import POLICY, inbox_page, message_page, not_found_page

HOST = "127.0.0.1"
# A page never carries anything large; a mail beyond this is refused as a real server would.
SIZE_LIMIT = 5 * 1024 * 1024


@dataclass(frozen=True)
class Mail:
    """One mail as it arrived. `recipients` are those of the envelope."""

    name: str
    sender: str
    recipients: tuple[str, ...]
    content: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.content.get("Subject", ""))

    @property
    def text(self) -> str:
        body = self.content.get_body(("plain", "html"))
        return "" if body is None else str(body.get_content())


class MailSink:
    """An SMTP server that accepts everything and keeps it in `folder`, one .eml each, in order of arrival.

    `start` returns once the port listens; port 0 takes any free one. `web_port` None serves no page.
    """

    def __init__(self, folder: Path, *, port: int = 0, web_port: int | None = None) -> None:
        self.folder = folder
        self._wanted_port = port
        self.web_port = web_port
        self._controller: Controller | None = None
        self._web: ThreadingHTTPServer | None = None
        self._count = itertools.count(1)

    def start(self) -> None:
        """Listen."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._controller = Listener(self, hostname=HOST, port=self._wanted_port, data_size_limit=SIZE_LIMIT)
        self._controller.start()
        if self.web_port is not None:
            self._web = inbox_server(self, self.web_port)
            threading.Thread(target=self._web.serve_forever, name="inbox", daemon=True).start()

    def stop(self) -> None:
        """Stop listening; the mails stay."""
        if self._controller is not None:
            self._controller.stop()
        if self._web is not None:
            self._web.shutdown()
            self._web.server_close()
        self._controller = self._web = None

    @property
    def port(self) -> int:
        """The SMTP port in use."""
        if self._controller is None:
            raise RuntimeError("the mail sink has not been started")
        return listening_port(self._controller.server)

    @property
    def url(self) -> str:
        """The address in the form of the setting `CASELIGHT_SMTP_URL`."""
        return f"smtp://{HOST}:{self.port}"

    def messages(self) -> list[EmailMessage]:
        """Return every mail kept, oldest first."""
        return [mail.content for mail in self.mails()]

    def mails(self) -> list[Mail]:
        """Return every mail kept with its envelope, oldest first."""
        return [read(path) for path in sorted(self.folder.glob("*.eml"))]

    def clear(self) -> None:
        """Forget every mail kept."""
        for path in self.folder.glob("*.eml"):
            path.unlink(missing_ok=True)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep one mail. It is whole on disk before the sender hears that it was accepted."""
        lines = [f"X-Envelope-From: {envelope.mail_from}", *(f"X-Envelope-To: {to}" for to in envelope.rcpt_tos)]
        head = "".join(f"{line}\r\n" for line in lines).encode()
        # Names sort in order of arrival, over restarts too.
        name = f"{time.time_ns():020d}-{next(self._count):06d}"  # noqa: TID251 - a file name, no event
        unfinished = self.folder / f"{name}.part"
        unfinished.write_bytes(head + bytes(envelope.original_content or b""))
        unfinished.rename(self.folder / f"{name}.eml")
        return "250 kept"


class Listener(Controller):
    """aiosmtpd's controller, which otherwise tries port 0 itself to see whether the server has come up."""

    def _trigger_server(self) -> None:
        self.port = listening_port(self.server)
        super()._trigger_server()  # type: ignore[no-untyped-call]


def listening_port(server: object) -> int:
    """Return the port a started asyncio server listens on."""
    if not isinstance(server, asyncio.Server) or not server.sockets:
        raise TypeError("not a listening server")
    return int(server.sockets[0].getsockname()[1])


def read(path: Path) -> Mail:
    """Read one kept mail."""
    content = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    sender = str(content["X-Envelope-From"])
    recipients = tuple(str(to) for to in content.get_all("X-Envelope-To", []))
    for added in ("X-Envelope-From", "X-Envelope-To"):
        del content[added]
    return Mail(path.stem, sender, recipients, content)


def inbox_server(sink: MailSink, port: int) -> ThreadingHTTPServer:
    """Return a server of the inbox pages, for this machine only."""

    class Inbox(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/")
            mails = {mail.name: mail for mail in sink.mails()}
            if not name:
                self.answer(200, inbox_page(list(reversed(mails.values()))))
            elif name in mails:
                self.answer(200, message_page(mails[name]))
            else:
                self.answer(404, not_found_page())

        def answer(self, status: int, page: str) -> None:
            content = page.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Paths name mails; nobody needs them in a log."""

    return ThreadingHTTPServer((HOST, port), Inbox)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until a signal says stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--web-port", type=int, required=True)
    asked = parser.parse_args(arguments)
    sink = MailSink(asked.folder, port=asked.smtp_port, web_port=asked.web_port)
    stopped = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stopped.set())
    sink.start()
    stopped.wait()
    sink.stop()


if __name__ == "__main__":
    main()
