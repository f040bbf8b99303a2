"""Hands an alarm to the mail server, over a connection of its own: this is the way out when nothing else works."""

from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP

from services.intake.usecases.watch_for_silence import Alarm, Send
from shared.settings import Settings

_TIMEOUT = 10.0
_MOST_NAMED = 20


def mailer(settings: Settings) -> Send:
    """Return what sends alarms. Raises whatever the connection or the server does; whoever watches tries again."""

    async def send(alarm: Alarm) -> None:
        async with _client(settings.smtp_url) as client:
            await client.send_message(message(alarm, settings.mail_from), sender=settings.mail_from)

    return send


def message(alarm: Alarm, sender: str) -> EmailMessage:
    """Return the mail. It names campus and references, and nothing of what was written."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = ", ".join(alarm.to)
    mail["Subject"] = f"URGENT: a danger referral waits at {alarm.campus} - open intake"
    mail["Message-ID"] = f"<{alarm.message_id}@emergency.caselight>"
    mail["X-Priority"] = "1"
    mail["Auto-Submitted"] = "auto-generated"
    named = "\n".join(f"  {reference}" for reference in alarm.references[:_MOST_NAMED])
    more = len(alarm.references) - _MOST_NAMED
    mail.set_content(
        f"A danger referral waits; open intake.\n\nCampus: {alarm.campus}\nReference:\n{named}\n"
        + (f"  and {more} more\n" if more > 0 else "")
        + "\nNobody on duty is known to have been paged. Please see to it that somebody is told now.\n"
    )
    return mail


def _client(url: str) -> SMTP:
    parts = urlsplit(url)
    tls = parts.scheme == "smtps"
    return SMTP(
        hostname=parts.hostname,
        port=parts.port or (465 if tls else 25),
        use_tls=tls,
        start_tls=parts.scheme == "smtp+starttls",
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        timeout=_TIMEOUT,
    )
