"""What is away is waited for, and nothing that was accepted is lost meanwhile."""

import asyncio
import time
from uuid import UUID

import pytest

from deploy.local.stack import Stack
from shared.ids import new_id
from shared.messaging.failures import is_transient
from shared.messaging.relay import Relay
from tests.support.eventually import eventually
from tests.support.figures import figure
from tests.support.loops import running
from tests.toys.fixtures import Toys
from tests.toys.services import flag, publish, sink_stream, source_stream, tallies

pytestmark = pytest.mark.faults


async def test_delivery_goes_on_after_a_database_restarts_or_dies(toys: Toys, stack: Stack) -> None:
    keys = [new_id() for _ in range(20)]
    loops = (
        Relay(toys.source, toys.settings).run,
        Relay(toys.sink, toys.settings).run,
        sink_stream(toys.sink, toys.settings).run,
        source_stream(toys.source, toys.settings).run,
    )
    async with running(*loops):
        sent = await _until_committed(toys, keys, 1)
        await eventually(lambda: _reached(toys, keys, sent))
        for break_it in (_restart, _kill):
            await asyncio.gather(break_it(stack), _keep_publishing(toys, keys, sent))
            sent = await _until_committed(toys, keys, sent + 21)
            began = time.monotonic()
            await eventually(lambda: _reached(toys, keys, sent), within=30)  # noqa: B023 - awaited here
            figure(f"{break_it.__name__}: everything counted {time.monotonic() - began:.2f} s after the last commit")

    assert await tallies(toys.source) == dict.fromkeys(keys, (sent, sent, 0))


async def _restart(stack: Stack) -> None:
    await asyncio.to_thread(stack.restart, "postgres")


async def _kill(stack: Stack) -> None:
    await asyncio.to_thread(stack.kill, "postgres")
    await asyncio.to_thread(stack.start, "postgres")


async def _keep_publishing(toys: Toys, keys: list[UUID], sent: int) -> None:
    for sequence in range(sent + 1, sent + 21):
        await _until_committed(toys, keys, sequence)


async def _until_committed(toys: Toys, keys: list[UUID], sequence: int) -> int:
    """Publish, as a caller does who tries again until the answer says it is accepted."""

    async def accepted() -> bool:
        try:
            await publish(toys.source, [flag(key, sequence) for key in keys])
        except Exception as error:
            if not is_transient(error):
                raise
            return False
        return True

    await eventually(accepted, within=30)
    return sequence


async def test_a_broker_that_is_away_at_the_start_and_later_is_waited_for(toys: Toys, stack: Stack) -> None:
    keys = [new_id() for _ in range(20)]
    await publish(toys.source, [flag(key, 1) for key in keys])
    await asyncio.to_thread(stack.kill, "kafka")
    loops = (
        Relay(toys.source, toys.settings).run,
        Relay(toys.sink, toys.settings).run,
        sink_stream(toys.sink, toys.settings).run,
        source_stream(toys.source, toys.settings).run,
    )
    async with running(*loops):
        await publish(toys.source, [flag(key, 2) for key in keys])
        await asyncio.to_thread(stack.start, "kafka")
        began = time.monotonic()
        await eventually(lambda: _reached(toys, keys, 2), within=40)
        figure(f"away at the start: everything counted {time.monotonic() - began:.2f} s after it was up")

        await asyncio.to_thread(stack.kill, "kafka")
        await publish(toys.source, [flag(key, 3) for key in keys])
        await asyncio.to_thread(stack.start, "kafka")
        began = time.monotonic()
        await eventually(lambda: _reached(toys, keys, 3), within=40)
        figure(f"killed meanwhile: everything counted {time.monotonic() - began:.2f} s after it was up")

    assert await tallies(toys.source) == dict.fromkeys(keys, (3, 3, 0))


async def _reached(toys: Toys, keys: list[UUID], sequence: int) -> bool:
    found = await tallies(toys.source)
    return all(key in found and found[key][1] >= sequence for key in keys)
