"""Logs that cannot leak, counters, heartbeats, and the named points at which a test may kill the process."""

import json
import logging
import os
import signal
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Any

# The only fields that may leave in a log line. A name, an address or a word somebody wrote is never one of them.
ALLOWED_FIELDS = frozenset(
    {
        "service", "role", "loop", "consumer", "topic", "partition", "offset", "event_id", "event_type", "error_class",
        "error_place", "count", "campus", "page_id", "case_id", "referral_id", "timer", "step", "seconds", "status",
        "method", "route", "request_id", "port", "version",
    }
)  # fmt: skip

_CHATTY = (
    "aiokafka", "aiokafka.conn", "aiokafka.client", "aiokafka.cluster", "aiokafka.consumer.group_coordinator",
    "aiokafka.consumer.fetcher", "aiokafka.producer.sender", "faststream",
)  # fmt: skip

counters: Counter[str] = Counter()

_crash_at = os.environ.get("CASELIGHT_CRASH_AT", "")
_crash_log = os.environ.get("CASELIGHT_CRASH_LOG", "")


class _Lines(logging.Formatter):
    """One JSON object a line, from the allow-list; an exception shows as its class and place, never its message."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.msg if record.name.startswith("caselight") else _foreign(record),
        }
        line |= {name: value for name, value in record.__dict__.items() if name in ALLOWED_FIELDS}
        if record.exc_info and record.exc_info[1] is not None:
            line["error_class"], line["error_place"] = describe(record.exc_info[1])
        return json.dumps(line, default=str)


def _foreign(record: logging.LogRecord) -> str:
    """What a library says is its template without the arguments, which may quote data.

    Of a message of several lines only the first: asyncio and uvicorn put whole errors below it.
    """
    return record.msg.partition("\n")[0] if isinstance(record.msg, str) else type(record.msg).__name__


class _Seldom(logging.Filter):
    """Lets one line per template through in ten seconds: with a broker away, aiokafka writes thousands a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        template = str(record.msg)
        if record.created - self._last.get(template, 0.0) < 10:  # noqa: PLR2004 - seconds, explained above
            counters["log_lines_held_back"] += 1
            return False
        self._last[template] = record.created
        return True


def describe(error: BaseException) -> tuple[str, str]:
    """Return an error's class and the place in our code where it came up; never its message, which may quote data."""
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "/shared/" in code.co_filename or "/services/" in code.co_filename:
            place = f"{code.co_filename.rsplit('/', 3)[-2]}/{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return type(error).__name__, place


def configure_logging(level: str = "INFO") -> None:
    """Send logs to standard error in our format. Call once per process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    seldom = _Seldom()
    for name in _CHATTY:
        logging.getLogger(name).addFilter(seldom)


def logger(name: str) -> logging.Logger:
    """Return the logger of a part of Caselight. Messages are fixed words; what varies goes into `extra` fields."""
    return logging.getLogger(f"caselight.{name}")


def crash_point(name: str) -> None:
    """Die here by SIGKILL when a test armed this point (`CASELIGHT_CRASH_AT`); do nothing otherwise.

    The point is noted in `CASELIGHT_CRASH_LOG` first: a test whose point was never reached must fail.
    """
    if _crash_at != name:
        return
    if _crash_log:
        with open(_crash_log, "a", encoding="utf-8") as log:  # noqa: PTH123 - the last thing this process does
            log.write(name + "\n")
    os.kill(os.getpid(), signal.SIGKILL)
