"""The pages of the local inbox: plain, accessible, and everything that came with a mail escaped."""

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy.local.mail import Mail

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;"
    "background:#fff}table{border-collapse:collapse;width:100%}caption{text-align:left;padding:.5rem 0}"
    "th,td{text-align:left;vertical-align:top;padding:.5rem;border-bottom:1px solid #767676}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;font:1em/1.5 ui-monospace,monospace}"
    "dt{font-weight:600}a{color:#0b4f8a}"
)
POLICY = (
    "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
)
_LINK = re.compile(r"https?://[^\s<>\"']+")


def page(title: str, body: str) -> str:
    """Wrap a page's content."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>"
    )


def inbox_page(mails: Sequence["Mail"]) -> str:
    """List mails, newest first."""
    if not mails:
        return page("Inbox", "<h1>Inbox</h1><p>No mail yet.</p>")
    rows = "".join(
        f'<tr><td><a href="/{escape(mail.name)}">{escape(mail.subject or "(no subject)")}</a></td>'
        f"<td>{escape(', '.join(mail.recipients))}</td><td>{escape(str(mail.content.get('Date', '')))}</td></tr>"
        for mail in mails
    )
    return page(
        "Inbox",
        f"<h1>Inbox</h1><table><caption>{len(mails)} mails sent by this installation, newest first</caption>"
        '<thead><tr><th scope="col">Subject</th><th scope="col">To</th><th scope="col">Date</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>",
    )


def message_page(mail: "Mail") -> str:
    """Show one mail; addresses in its text become links."""
    details = {
        "From": str(mail.content.get("From", mail.sender)),
        "To": ", ".join(mail.recipients),
        "Date": str(mail.content.get("Date", "")),
    }
    items = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in details.items())
    title = mail.subject or "(no subject)"
    back = '<p><a href="/">Back to the inbox</a></p>'
    return page(title, f"{back}<h1>{escape(title)}</h1><dl>{items}</dl><pre>{linked(mail.text)}</pre>")


def not_found_page() -> str:
    """Say that there is no such mail."""
    return page("Not found", '<h1>Not found</h1><p>There is no such mail. <a href="/">Back to the inbox</a></p>')


def linked(text: str) -> str:
    """Escape a text and make its web addresses clickable."""
    parts: list[str] = []
    last = 0
    for found in _LINK.finditer(text):
        address = escape(found.group())
        parts += [escape(text[last : found.start()]), f'<a href="{address}">{address}</a>']
        last = found.end()
    return "".join([*parts, escape(text[last:])])
