"""One running system for each file of journeys."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.mail import MailSink
from shared.clock import MovableClock
from shared.settings import Settings
from tests.journeys.world import START, World


@pytest.fixture(scope="module")
async def world(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Every service, on this module's own databases and topics, and a mail server that keeps what it gets."""
    mail = MailSink(tmp_path_factory.mktemp("mail"))
    mail.start()
    own = settings.model_copy(
        update={
            "smtp_url": f"smtp://127.0.0.1:{mail.port}",
            "administrators": "ada",
            "feeds": tmp_path_factory.mktemp("feeds"),
        }
    )
    async with World(own, MovableClock(START), mail).running() as world:
        yield world
    mail.stop()
