"""One running system for each file of journeys."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.mail import MailSink
from shared.clock import MovableClock
from shared.settings import Settings
from tests.journeys.world import START, World

HERE = Path(__file__).parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell the journeys of one file in the order in which they are written: they share one world, and its history."""
    places = [place for place, item in enumerate(items) if HERE in item.path.parents]
    files = list(dict.fromkeys(items[place].path for place in places))
    told = sorted((items[place] for place in places), key=lambda item: (files.index(item.path), _line(item)))
    for place, item in zip(places, told, strict=True):
        items[place] = item


def _line(item: pytest.Item) -> int:
    return item.location[1] or 0


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
            # Nobody dies here, and six services share one loop: on a busy machine a beat of theirs may well come late.
            "kafka_session_timeout_ms": 20_000,
        }
    )
    async with World(own, MovableClock(START), mail).running() as world:
        yield world
    mail.stop()
