"""Runs a service's loops inside a test, and lets no failure of theirs go unseen."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from shared.service import Loop


@contextlib.asynccontextmanager
async def running(*loops: Loop) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run loops for the length of the block, then cancel them and wait until they have drained.

    A loop that ended by itself inside the block fails the test with its own error.
    """
    tasks = [asyncio.ensure_future(loop()) for loop in loops]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    failed = [result for result in results if isinstance(result, Exception)]
    if failed:
        raise failed[0]
