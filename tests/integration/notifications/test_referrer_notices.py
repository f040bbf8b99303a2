"""Notices to referrers: each step once, gathered, addressed at the moment of sending, and none after taking it back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from services.notifications.usecases.tell_referrers import ASKED
from shared.access.actors import service_actor
from shared.events.referrals import ReferralRetracted, ReferrerStatusMoved
from shared.ids import new_id
from tests.integration.notifications.conftest import Office

_ROWS = text("SELECT state, facts, due_at, address FROM deliveries WHERE kind = 'referrer' ORDER BY queued_at, id")


def moved(office: Office, referral_id: UUID, status: str, **more: Any) -> ReferrerStatusMoved:
    facts: dict[str, Any] = {
        "campus": "NORTH",
        "referral_id": referral_id,
        "reference": "K7Q-2M4X-9RTD",
        "status": status,
    }
    return ReferrerStatusMoved(**facts | {"moved_at": office.clock.now()} | more)


async def rows(office: Office) -> list[tuple[str, str, timedelta]]:
    """Return the notices there are: state, word, and how long from now they are due."""
    async with office.works.database.transaction(service_actor("notifications")) as tx:
        found = (await tx.connection.execute(_ROWS)).all()
        assert all(row.address == "" for row in found)
        return [(row.state, row.facts["status"], row.due_at - office.clock.now()) for row in found]


def answering(status: int, asked: list[httpx.Request], **body: str) -> httpx.MockTransport:
    """Return an intake that says where a notice goes, or that it goes nowhere."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        contact = {
            "address": "sam@mail.example", "link": "https://care.example/r/x", "language": "en", "status": "received",
            "reference": "K7Q-2M4X-9RTD", "campus": "NORTH",
        }  # fmt: skip
        return httpx.Response(status, json=contact | body)

    return httpx.MockTransport(answer)


async def test_each_step_is_told_once_and_steps_are_gathered(office: Office) -> None:
    first = new_id()
    await office.hear(moved(office, first, "received"))
    assert await rows(office) == [("waiting", "received", timedelta(0))]
    await office.hear(moved(office, first, "received"))
    assert len(await rows(office)) == 1
    office.works.contacts.reach(answering(200, []))
    await office.works.courier.run_due()
    await office.hear(moved(office, first, "reviewed"), moved(office, first, "acted"))
    assert [(state, word) for state, word, _ in await rows(office)] == [("sent", "received"), ("waiting", "acted")]
    assert (await rows(office))[1][2] >= timedelta(minutes=30)
    await office.hear(moved(office, first, "reviewed"))  # a step back tells nobody anything
    assert len(await rows(office)) == 2
    await office.hear(moved(office, first, ASKED))
    assert (await rows(office))[2] == ("waiting", "asked", timedelta(minutes=2))


async def test_old_news_imports_and_what_is_sent_again_tell_nobody(office: Office) -> None:
    await office.hear(
        moved(office, new_id(), "received", live=False),
        moved(office, new_id(), "received", moved_at=office.clock.now() - timedelta(hours=7)),
    )
    await office.hear(moved(office, new_id(), "received"), republished=True)
    assert await rows(office) == []


async def test_the_address_is_asked_for_when_it_is_sent_and_kept_nowhere(office: Office) -> None:
    asked: list[httpx.Request] = []
    office.works.contacts.reach(answering(200, asked, language="es"))
    referral_id = new_id()
    await office.hear(moved(office, referral_id, "received"))
    await office.works.courier.run_due()
    (request,) = asked
    assert request.url.path == f"/referrals/{referral_id}/referrer-contact"
    assert request.headers["authorization"].startswith("Bearer ")
    assert [(state, word) for state, word, _ in await rows(office)] == [("sent", "received")]


@pytest.mark.parametrize(
    ("status", "state"), [(404, "cancelled"), (410, "cancelled"), (503, "waiting"), (401, "waiting")]
)
async def test_who_is_not_to_be_told_is_not_and_an_intake_that_is_away_is_waited_for(
    office: Office, status: int, state: str
) -> None:
    office.works.contacts.reach(answering(status, []))
    await office.hear(moved(office, new_id(), "received"))
    await office.works.courier.run_due()
    assert [each[0] for each in await rows(office)] == [state]


async def test_what_waits_is_taken_back_with_the_referral(office: Office) -> None:
    first = new_id()
    await office.hear(moved(office, first, "received"), moved(office, first, ASKED))
    await office.hear(
        ReferralRetracted(
            campus="NORTH",
            referral_id=first,
            reference="K7Q-2M4X-9RTD",
            retracted_by="referrer",
            reason_code="mistake",
            left_desk=True,
            retracted_at=office.clock.now(),
        )
    )
    assert [each[0] for each in await rows(office)] == ["cancelled", "cancelled"]
