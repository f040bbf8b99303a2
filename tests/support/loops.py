"""Runs a service's loops inside a test, and lets no failure of theirs go unseen."""

import asyncio
import contextlib
import io
import logging
from collections.abc import AsyncIterator, Sequence

from shared.service import Loop

_log = logging.getLogger(__name__)
_DRAIN_S = 20.0


@contextlib.asynccontextmanager
async def running(*loops: Loop) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run loops for the length of the block, then cancel them and wait until they have drained.

    A loop that ended by itself inside the block fails the test with its own error.
    """
    tasks = [asyncio.ensure_future(loop()) for loop in loops]
    try:
        yield tasks
    finally:
        results = await ended(tasks)
    failed = [result for result in results if isinstance(result, Exception)]
    if failed:
        raise failed[0]


async def ended(tasks: Sequence[asyncio.Task[None]]) -> list[BaseException | None]:
    """Cancel loops, wait until they have drained, and return what each ended with.

    One that goes on is said, with where it stands, and asked a second time, as the end of a process would ask it;
    a client library that swallows being cancelled at an unlucky moment must not hang a whole run of tests.
    Raises RuntimeError when one goes on even then.
    """
    for _ in range(2):
        for task in tasks:
            task.cancel()
        ending = asyncio.gather(*tasks, return_exceptions=True)
        done, _ = await asyncio.wait([ending], timeout=_DRAIN_S)
        if done:
            return ending.result()
        for task in tasks:
            if not task.done():
                where = io.StringIO()
                task.print_stack(file=where)
                _log.warning("a loop went on after being cancelled: %s", where.getvalue())
    message = "some loops do not end"
    raise RuntimeError(message)
