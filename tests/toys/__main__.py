"""A toy service as a process of its own, to be killed: `python -m tests.toys toy_sink`. Settings by environment."""

import asyncio
import signal
import sys

from shared.settings import Settings
from shared.telemetry import configure_logging
from tests.toys.services import loops


async def serve(toy: str) -> None:
    """Run the loops of a toy until told to stop."""
    named, close = loops(Settings(), toy)
    tasks = [asyncio.ensure_future(loop()) for loop in named.values()]
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, lambda: [task.cancel() for task in tasks])
    try:
        await asyncio.gather(*tasks)
    except asyncio.CancelledError:
        await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await close()


if __name__ == "__main__":
    configure_logging()
    asyncio.run(serve(sys.argv[1]))
