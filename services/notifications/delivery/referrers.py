"""Where a notice to a referrer or a student goes: asked of intake at the moment of sending, and forgotten after it."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
import msgspec

from shared.access.tokens import mint
from shared.settings import Settings

SUBJECT = "service:notifications"
_PATIENCE_S = 5.0


class Contact(msgspec.Struct, frozen=True):
    """A referrer's address, the link to their page, and the language they wrote in."""

    address: str
    link: str
    language: str
    status: str
    reference: str
    campus: str


class AwayError(Exception):
    """Intake did not answer, or not with what was asked for: try again later."""


@dataclass
class Contacts:
    """Asks intake, with a token of this service's own; intake decides, and audits each answer."""

    settings: Settings
    _client: httpx.AsyncClient | None = None

    def reach(self, transport: httpx.AsyncBaseTransport) -> None:
        """Reach intake in another way than over the network."""
        self._client = httpx.AsyncClient(transport=transport, base_url="http://intake.local")

    async def of(self, referral_id: UUID, campus: str, now: datetime) -> Contact | None:
        """Return how the referrer is reached; None when they are not to be told any more. Raises AwayError."""
        content = await self._asked(f"/referrals/{referral_id}/referrer-contact", campus, now)
        return None if content is None else msgspec.json.decode(content, type=Contact)

    async def of_student(self, referral_id: UUID, campus: str, now: datetime) -> str:
        """Return the address of a student on an outreach list; empty when they need not be asked any more."""
        content = await self._asked(f"/outreach/entries/{referral_id}/contact", campus, now)
        return "" if content is None else str(msgspec.json.decode(content, type=dict[str, str])["address"])

    async def _asked(self, path: str, campus: str, now: datetime) -> bytes | None:
        token = mint(self.settings, SUBJECT, now=now)
        try:
            answer = await self._connected().get(
                path,
                params={"campus": campus},
                headers={"Authorization": f"Bearer {token}"},
            )
        except httpx.HTTPError as error:
            raise AwayError("intake did not answer") from error
        if answer.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return None
        if answer.status_code != HTTPStatus.OK:
            raise AwayError("intake did not tell")
        return answer.content

    async def close(self) -> None:
        """Give the connections back."""
        if self._client is not None:
            await self._client.aclose()

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            more: dict[str, Any] = {"base_url": self.settings.url("intake"), "timeout": _PATIENCE_S}
            # Intake is ours: no proxy of the environment stands between.
            self._client = httpx.AsyncClient(**more, trust_env=False)
        return self._client
