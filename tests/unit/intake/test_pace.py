"""Forms are slowed and never refused; danger is not even slowed. Passphrases are refused when tried too often."""

from datetime import UTC, datetime, timedelta

import pytest

from services.intake.http.public import LONGEST_WAIT, WORKED, Pace, Tries
from services.intake.http.refer import WORK_BITS, worked
from shared.clock import MovableClock
from shared.refusal import Refused

NOW = datetime(2026, 9, 14, 10, tzinfo=UTC)


async def test_a_thousand_forms_from_one_place_wait_at_most_eight_seconds_each() -> None:
    pace = Pace("", MovableClock(NOW), prefix="x")
    waits = [await pace.turn("here", "form:NORTH", 1.0, danger=False) for _ in range(1_000)]
    assert waits[0] == 0
    assert max(waits) == LONGEST_WAIT
    assert await pace.turn("here", "form:NORTH", 1.0, danger=True) == 0
    assert await pace.turn("elsewhere", "form:NORTH", 1.0, danger=False) == 0


async def test_work_done_while_writing_lets_five_times_as_many_through() -> None:
    def through(cost: float) -> int:
        return sum(1 for wait in waits[cost] if wait == 0)

    waits = {}
    for cost in (1.0, WORKED):
        pace = Pace("", MovableClock(NOW), prefix="x")
        waits[cost] = [await pace.turn("here", "form:NORTH", cost, danger=False) for _ in range(100)]
    assert through(WORKED) == 5 * through(1.0)


async def test_a_guesser_is_stopped_and_may_come_back() -> None:
    clock = MovableClock(NOW)
    tries = Tries("", clock, prefix="x")

    async def guess() -> None:
        for _ in range(50):
            await tries.check("here", "reference:a")

    with pytest.raises(Refused, match="too_many_requests"):
        await guess()
    assert await tries.check("there", "reference:b") == 0
    clock.move(timedelta(minutes=5))
    assert await tries.check("here", "reference:a") == 0


def test_only_work_that_was_done_counts() -> None:
    number = next(number for number in range(1_000_000) if worked("ticket", str(number)))
    assert number > 0
    for claimed in ("", "x", "-1", "9" * 13, "٣"):
        assert not worked("ticket", claimed)
    assert WORK_BITS == 14
