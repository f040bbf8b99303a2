"""The log says what happened, in fixed words; what a library says beyond its first line never reaches it."""

import asyncio
import gc
import json
import logging
from collections.abc import Iterator

import pytest

from shared.telemetry import configure_logging

SECRET = "Grendel-4711"


@pytest.fixture
def configured() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers = []
    configure_logging()
    yield
    root.handlers = before
    root.setLevel(level)


@pytest.mark.usefixtures("configured")
async def test_an_error_that_nobody_waited_for_is_logged_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    async def fail() -> None:
        raise ValueError(SECRET)

    configure_logging()  # to the standard error of this test
    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    del task
    gc.collect()

    (line,) = [json.loads(each) for each in capsys.readouterr().err.splitlines()]
    assert (line["message"], line["error_class"]) == ("Task exception was never retrieved", "ValueError")
