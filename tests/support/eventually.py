"""Waits for what must become true, up to a deadline. Nothing in a test sleeps for luck."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def eventually(
    ask: Callable[[], Any],
    *,
    within: float = 30.0,
    every: float = 0.02,
    why: str = "",
) -> Any:
    """Ask (or await) again and again until the answer is true, and return it; fail after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        answer = ask()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {why or getattr(ask, '__name__', ask)} (last: {answer!r})")
        await asyncio.sleep(every)
