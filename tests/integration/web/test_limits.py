"""Rate limits, in a real Valkey and without one."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from deploy.local.stack import Stack
from shared.clock import MovableClock
from shared.ids import new_id
from shared.refusal import Refused
from shared.web.limits import Rate, RateLimiter
from tests.integration.web.conftest import START

CALLER, SOURCE = Rate(per_minute=60, burst=10), Rate(per_minute=600, burst=40)
NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(START)


@pytest.fixture
async def limiter(stack: Stack, clock: MovableClock) -> AsyncIterator[RateLimiter]:
    prefix = f"test:{new_id()}:"
    limiter = RateLimiter(stack.redis_url, clock, caller=CALLER, source=SOURCE, prefix=prefix)
    yield limiter
    await limiter.close()


async def taken(limiter: RateLimiter, caller: str, source: str = "form") -> int:
    """Return how many asks pass at once before one has to wait or is refused."""
    for passed in range(1000):
        try:
            if await limiter.check(caller, source) > 0:
                return passed
        except Refused:
            return passed
    return 1000


async def test_a_burst_passes_then_one_waits_then_one_is_refused(limiter: RateLimiter, clock: MovableClock) -> None:
    assert await taken(limiter, "anna") == 10
    with pytest.raises(Refused) as refused:
        await limiter.check("anna", "form")
    assert (refused.value.status, refused.value.code) == (429, "too_many_requests")
    assert refused.value.retry_after is not None
    assert 1 < refused.value.retry_after < 3
    clock.move(timedelta(seconds=5))
    assert await taken(limiter, "anna") == 4, "what flowed off in five seconds, less the one that waited"


async def test_callers_do_not_count_for_each_other_but_for_their_source(limiter: RateLimiter) -> None:
    assert [await taken(limiter, caller) for caller in ("a", "b", "c")] == [10, 10, 10]
    assert await taken(limiter, "d") < 10
    assert await taken(limiter, "e", source="api") == 10


async def test_two_processes_count_together(stack: Stack, clock: MovableClock) -> None:
    prefix = f"test:{new_id()}:"
    one, other = (RateLimiter(stack.redis_url, clock, caller=CALLER, source=SOURCE, prefix=prefix) for _ in range(2))
    for limiter in (one, other):
        for _ in range(5):
            assert await limiter.check("anna", "form") == 0
    assert await one.check("anna", "form") > 0
    for limiter in (one, other):
        await limiter.close()


async def test_what_costs_more_counts_more(limiter: RateLimiter) -> None:
    assert await limiter.check("anna", "form", cost=10) == 0
    assert await limiter.check("anna", "form", cost=1) > 0


@pytest.mark.parametrize("url", [NOBODY_LISTENS, ""])
async def test_without_valkey_everything_works_and_the_limit_is_stricter(clock: MovableClock, url: str) -> None:
    limiter = RateLimiter(url, clock, caller=CALLER, source=SOURCE)
    assert 1 <= await taken(limiter, "anna") < 10
    clock.move(timedelta(minutes=5))
    assert await limiter.check("anna", "form") == 0
    await limiter.close()


async def test_valkey_is_asked_again_after_a_second_and_not_at_every_request(clock: MovableClock) -> None:
    tick = [0.0]
    limiter = RateLimiter(NOBODY_LISTENS, clock, caller=CALLER, source=SOURCE, tick=lambda: tick[0])
    await limiter.check("anna", "form")
    away = limiter._away_until
    await limiter.check("bert", "form")
    assert limiter._away_until == away
    tick[0] += 2
    await limiter.check("carl", "form")
    assert limiter._away_until > away
    await limiter.close()


@pytest.mark.parametrize("valkey", [True, False])
async def test_danger_is_neither_slowed_nor_refused(stack: Stack, clock: MovableClock, valkey: bool) -> None:
    url = stack.redis_url if valkey else NOBODY_LISTENS
    limiter = RateLimiter(url, clock, caller=CALLER, source=SOURCE, prefix=f"test:{new_id()}:")
    await taken(limiter, "anna")
    assert [await limiter.check("anna", "form", danger=True) for _ in range(100)] == [0.0] * 100
    await limiter.close()


async def test_slowing_waits_what_the_limit_asks_for(clock: MovableClock) -> None:
    limiter = RateLimiter("", clock, caller=Rate(per_minute=60_000, burst=4), source=SOURCE)
    for _ in range(3):
        await limiter.slow("anna", "form")
    await limiter.slow("anna", "form", danger=True)
    await limiter.close()


async def test_memory_of_the_local_count_is_bounded(clock: MovableClock) -> None:
    limiter = RateLimiter("", clock, source=Rate(per_minute=10_000_000, burst=10_000_000))
    for number in range(10_100):
        await limiter.check(f"caller-{number}", "form")
    assert len(limiter._alone) == 10_000
    await limiter.close()
