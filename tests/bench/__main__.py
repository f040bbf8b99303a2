"""`make bench`: measures this machine and prints each figure beside its reference. `ONLY=name` measures one thing."""

import asyncio
import os
import signal
import sys
import time

import uvloop

from tests.bench import (
    case_throughput,
    console_pages,
    feed_push,
    file_drop,
    flags_import,
    form_to_screen,
    matching,
    page_latency,
    referral_http,
    screening,
    streams,
    triage_desk,
)
from tests.bench.figures import Figure, keep, say, show
from tests.bench.installation import ground

BENCHES = {
    "page_latency": page_latency.measure,
    "case_throughput": case_throughput.measure,
    "flags_import": flags_import.measure,
    "feed_push": feed_push.measure,
    "file_drop": file_drop.measure,
    "referral_http": referral_http.measure,
    "form_to_screen": form_to_screen.measure,
    "streams": streams.measure,
    "console_pages": console_pages.measure,
    "matching": matching.measure,
    "screening": screening.measure,
    "triage_desk": triage_desk.measure,
}


async def run(names: list[str]) -> list[Figure]:
    """Measure one thing after another, on servers started for this run."""
    task, figures = asyncio.current_task(), list[Figure]()
    assert task is not None
    # Told to end, it stops what it started, as it does when interrupted.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with ground() as stack:
        for name in names:
            begun = time.monotonic()
            found = await BENCHES[name](stack)
            show(found)  # at once: what a later one breaks on must not cost these
            figures += found
            say(f"{name}: measured in {time.monotonic() - begun:.0f} s")
    return figures


def main() -> int:
    """Return 1 when a goal is missed."""
    only = os.environ.get("ONLY", "").split()
    strange = [name for name in only if name not in BENCHES]
    if strange:
        say(f"There is no benchmark {strange[0]}. There are: {', '.join(BENCHES)}")
        return 2
    figures = uvloop.run(run(only or list(BENCHES)))
    keep(figures)
    return 0 if all(each.ok is not False for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
