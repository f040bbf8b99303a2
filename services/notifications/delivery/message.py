"""What a message says: the reference, the level, the campus, how old it is, and links. Never anything of a student."""

from base64 import encodebytes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from services.notifications.delivery.referrer_words import words_of
from services.notifications.delivery.referrers import Contact
from services.notifications.domain import words
from services.notifications.domain.causes import DANGER
from services.notifications.domain.feed_words import said_of
from services.notifications.domain.links import link_for, sign
from services.notifications.storage.deliveries import Claimed

_TO_TAKE_IT = "To take it, or to say that you cannot:"
_NOBODY_ANSWERS = "This message was sent by Caselight. Nobody reads answers to it.\n"


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes messages. `public_url` is where people reach this service; links are made by signing, never stored."""

    sender: str
    public_url: str
    console_url: str
    link_key: bytes

    def write(self, bundle: Sequence[Claimed], now: datetime) -> bytes:
        """Return one message to one person about everything in the bundle, as bytes for the wire.

        Its Message-ID is that of the bundle's first delivery: the same message sent again is seen to be the same.
        """
        first = bundle[0]
        subject, text = self._words(bundle, now)
        headers = self._headers(first, first.address, subject, now)
        if first.kind in ("page", "emergency"):
            headers |= {"Importance": "high", "X-Priority": "1"}
        return _on_the_wire(headers, f"{text}\n{_NOBODY_ANSWERS}")

    def to_referrer(self, delivery: Claimed, contact: Contact, now: datetime) -> bytes:
        """Return the notice to a referrer, in their language: how far it is, and the link."""
        said = words_of(contact.language)
        lines = [
            said[delivery.facts["status"]], "", said["link"], contact.link, "", said["little"], "",
            said["danger"].format_map(delivery.facts), "", said["foot"], "",
        ]  # fmt: skip
        subject = said["subject"].format(campus=delivery.facts["campus"], reference=contact.reference)
        return _on_the_wire(self._headers(delivery, contact.address, subject, now), "\n".join(lines))

    def to_student(self, delivery: Claimed, address: str, now: datetime) -> bytes:
        """Return a fixed text to a student, in their language: that help is there, and nothing about anybody."""
        said = words_of(delivery.facts["language"])
        text = said[f"student_{delivery.facts['template']}"].format_map(delivery.facts)
        lines = [text, "", said["danger"].format_map(delivery.facts), "", said["student_foot"], ""]
        subject = said["student_subject"].format_map(delivery.facts)
        return _on_the_wire(self._headers(delivery, address, subject, now), "\n".join(lines))

    def _headers(self, first: Claimed, address: str, subject: str, now: datetime) -> dict[str, str]:
        return {
            "From": f"Caselight <{self.sender}>",
            "To": address,
            "Subject": subject,
            "Date": format_datetime(now),
            "Message-ID": f"<{first.id}@{self.sender.rpartition('@')[2] or 'localhost'}>",
            # RFC 3834: keeps "out of office" from answering a machine.
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        }

    def _words(self, bundle: Sequence[Claimed], now: datetime) -> tuple[str, str]:
        first = bundle[0]
        if len(bundle) > 1:
            return self._many(bundle, now)
        if first.kind == "notice":
            return self._notice(first)
        if first.kind == "feed":
            return self._feed(first)
        if first.kind == "taken":
            return self._taken(first)
        if first.kind == "emergency":
            return self._emergency(first, now)
        return self._page(first, now)

    def _page(self, delivery: Claimed, now: datetime) -> tuple[str, str]:
        facts = delivery.facts
        opening = "A page waits for you to take it."
        if facts["unreached"]:
            opening = "Nobody has taken this page yet. It is yours until somebody does, and you will hear of it again."
        lines = [opening, "", *_facts(facts, now), "", _TO_TAKE_IT, self._accept(delivery), ""]
        lines += ["Taking it opens this one matter for you.", *self._sign_in("To read it"), ""]
        return f"{_what(facts)} at {facts['campus']}{_reference(facts)}", "\n".join(lines)

    def _many(self, bundle: Sequence[Claimed], now: datetime) -> tuple[str, str]:
        lines = [f"{len(bundle)} pages wait for you to take them.", ""]
        for delivery in bundle:
            lines += [
                *_facts(delivery.facts, now),
                "To take it, or to say that you cannot:",
                self._accept(delivery),
                "",
            ]
        lines += ["To read them, sign in:", self.console_url, ""]
        return f"{len(bundle)} pages wait for you", "\n".join(lines)

    def _emergency(self, delivery: Claimed, now: datetime) -> tuple[str, str]:
        facts = delivery.facts
        lines = ["Nobody on duty could be reached about this page. You are its emergency contact.", ""]
        lines += [*_facts(facts, now), "", "Reach somebody who can take it.", *self._sign_in("To see who was told"), ""]
        return f"Nobody reached: {_what(facts).lower()} at {facts['campus']}{_reference(facts)}", "\n".join(lines)

    def _taken(self, delivery: Claimed) -> tuple[str, str]:
        facts = delivery.facts
        text = (
            f"{facts['accepted_by']} has taken the page {facts['reference']} at {facts['campus']}. You need not act.\n"
        )
        return f"Taken by {facts['accepted_by']}{_reference(facts)}", text

    def _notice(self, delivery: Claimed) -> tuple[str, str]:
        many = delivery.bundled > 1
        if delivery.facts.get("about") == "said":
            what = f"Referrers wrote to you {delivery.bundled} times" if many else "A referrer wrote to you"
            return what, "\n".join([f"{what}.", *self._sign_in("To read it"), ""])
        what = f"{delivery.bundled} cases were" if many else "A case was"
        lines = [f"{what} assigned to you.", *self._sign_in(f"To see {'them' if many else 'it'}"), ""]
        return f"{what} assigned to you", "\n".join(lines)

    def _feed(self, delivery: Claimed) -> tuple[str, str]:
        facts, said = delivery.facts, said_of(delivery.facts["signal"])
        lines = [
            f"The feed {facts['feed']} of {facts['campus']} {said.headline}.", "", said.meaning, said.to_do, "",
            f"Since: {facts['since']}", *self._sign_in("To see how it does", f"/feeds/{facts['feed_id']}"), "",
            "You are told of this once. It is over by itself when the feed is well again.", "",
        ]  # fmt: skip
        return f"Feed {facts['feed']} {said.headline}", "\n".join(lines)

    def _sign_in(self, why: str, path: str = "") -> list[str]:
        if not self.console_url:
            return [f"{why}, sign in to Caselight."]
        return [f"{why}, sign in:", f"{self.console_url.rstrip('/')}{path}" if path else self.console_url]

    def _accept(self, delivery: Claimed) -> str:
        link = link_for(
            UUID(delivery.facts["page_id"]), delivery.person, datetime.fromisoformat(delivery.facts["raised_at"])
        )
        return f"{self.public_url}/a/{sign(self.link_key, link)}"


def _what(facts: Mapping[str, Any]) -> str:
    """Name a page in a subject line, which shows on locked screens: what is behind the wall is not named there."""
    return "Danger page" if facts["function"] == DANGER else "Confidential page"


def _reference(facts: Mapping[str, Any]) -> str:
    return f" ({facts['reference']})" if facts["reference"] else ""


def _facts(facts: Mapping[str, Any], now: datetime) -> list[str]:
    since = datetime.fromisoformat(facts["happened_at"])
    lines = [f"Campus:    {facts['campus']}", f"Age:       {words.age(since, now)}"]
    if facts["function"] == DANGER:
        lines.insert(0, f"Level:     {facts['level']}")
    if facts["reference"]:
        lines.insert(0, f"Reference: {facts['reference']}")
    return lines


def _on_the_wire(headers: Mapping[str, str], text: str) -> bytes:
    """Return a message in plain text (RFC 5322, RFC 2045).

    Written out by hand because EmailMessage takes 1.5 ms for it, which was 40 % of the time this service spent on a
    page. Every value becomes one line here, so nothing can add a header; a test reads the result back.
    """
    ascii_only = text.isascii()
    lines = [f"{name}: {_one_line(value)}" for name, value in headers.items()]
    lines += [
        "MIME-Version: 1.0",
        f"Content-Type: text/plain; charset={'us-ascii' if ascii_only else 'utf-8'}",
        f"Content-Transfer-Encoding: {'7bit' if ascii_only else 'base64'}",
        "",
    ]
    body = text.encode() if ascii_only else encodebytes(text.encode())
    return "\r\n".join(lines).encode() + b"\r\n" + b"\r\n".join(body.splitlines()) + b"\r\n"


def _one_line(value: str) -> str:
    line = " ".join(value.split())
    return line if line.isascii() and line.isprintable() else Header(line, "utf-8").encode(linesep="\r\n")
