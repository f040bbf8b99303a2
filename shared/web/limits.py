"""How often somebody may ask: per caller and per source, counted in Valkey, or here, and stricter, while it is away.

The generic cell rate algorithm: a caller may do `burst` at once and `per_minute` in the long run. Slightly too much is
slowed down, much too much is refused. Danger is neither slowed nor refused.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.clock import Clock
from shared.refusal import Refused
from shared.telemetry import counters, logger

_log = logger("limits")

# One round trip for both limits. A key holds the time at which the bucket is empty again; refused asks cost nothing.
# Times are in milliseconds and come from us: every process has the injected clock, Valkey only keeps the figures.
_SCRIPT = """
local now, patience, worst = tonumber(ARGV[1]), tonumber(ARGV[2]), 0
local ends = {}
for i, key in ipairs(KEYS) do
  local cost, slack = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
  local from = math.max(tonumber(redis.call('GET', key) or now), now)
  ends[i] = from + cost
  worst = math.max(worst, ends[i] - slack - now)
end
if worst > patience then return worst end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, ends[i], 'PX', math.max(1, math.ceil(ends[i] - now)))
end
return math.max(worst, 0)
"""

# While Valkey is away each process counts alone, so each gives this share.
_SHARE_ALONE = 0.25
_CALLERS_ALONE = 10_000
_TRY_AGAIN_S = 1.0
_ANSWER_WITHIN_S = 0.25


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit. `burst` at once, `per_minute` in the long run."""

    per_minute: float
    burst: float


CALLER = Rate(per_minute=600, burst=200)
SOURCE = Rate(per_minute=60_000, burst=20_000)
# Slower than this is worse than being told to come back.
PATIENCE_S = 1.0

Buckets = Mapping[str, Rate]


class RateLimiter:
    """Counts what callers and sources ask for. One per process; connects on first use."""

    def __init__(
        self,
        redis_url: str,
        clock: Clock,
        *,
        caller: Rate = CALLER,
        source: Rate = SOURCE,
        prefix: str = "caselight:rate:",
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = Redis.from_url(redis_url, socket_timeout=_ANSWER_WITHIN_S, protocol=3) if redis_url else None
        self._script = self._redis.register_script(_SCRIPT) if self._redis else None
        self._clock = clock
        self._rates = (caller, source)
        self._prefix = prefix
        self._tick = tick
        self._away_until = 0.0
        self._alone: OrderedDict[str, float] = OrderedDict()

    async def check(self, caller: str, source: str, cost: float = 1, *, danger: bool = False) -> float:
        """Return how many seconds to wait before going on (mostly 0), or raise Refused with status 429.

        `danger` passes at once and costs nothing: nobody in danger waits for a limit.
        """
        if danger:
            return 0.0
        buckets = {f"caller:{caller}": self._rates[0], f"source:{source}": self._rates[1]}
        wait = await self._ask(buckets, cost)
        if wait > PATIENCE_S:
            counters["rate_limited"] += 1
            raise Refused("too_many_requests", "Too many requests. Try again later.", status=429, retry_after=wait)
        return wait

    async def slow(self, caller: str, source: str, cost: float = 1, *, danger: bool = False) -> None:
        """Do what `check` says: wait the little it asks for, or raise."""
        wait = await self.check(caller, source, cost, danger=danger)
        if wait > 0:
            await asyncio.sleep(wait)

    async def spend(self, name: str, rate: Rate, cost: float, *, refuse: bool = True) -> None:
        """Count against a rate of one's own. Raise Refused with status 429 when it is far exceeded and `refuse`."""
        wait = await self._ask({name: rate}, cost)
        if wait > PATIENCE_S and refuse:
            counters["rate_limited"] += 1
            raise Refused("too_many_requests", "Too many requests. Try again later.", status=429, retry_after=wait)

    async def close(self) -> None:
        """Give the connections back."""
        if self._redis is not None:
            await self._redis.aclose()

    async def _ask(self, buckets: Buckets, cost: float) -> float:
        if self._script is None or self._tick() < self._away_until:
            return self._count_alone(buckets, cost)
        now = self._clock.now().timestamp() * 1000
        figures = [f"{part:.3f}" for rate in buckets.values() for part in _milliseconds(rate, cost, 1.0)]
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                wait = await self._script(
                    keys=[self._prefix + name for name in buckets], args=[f"{now:.3f}", PATIENCE_S * 1000, *figures]
                )
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = self._tick() + _TRY_AGAIN_S
            counters["valkey_away"] += 1
            _log.warning("counting requests alone, Valkey is away", exc_info=error)
            return self._count_alone(buckets, cost)
        return float(cast("Any", wait)) / 1000

    def _count_alone(self, buckets: Buckets, cost: float) -> float:
        """Do what the script does, in this process, with a share of each rate and room for so many callers."""
        now = self._clock.now().timestamp() * 1000
        ends: dict[str, float] = {}
        worst = 0.0
        for name, rate in buckets.items():
            spent, slack = _milliseconds(rate, cost, _SHARE_ALONE)
            ends[name] = max(self._alone.get(name, now), now) + spent
            worst = max(worst, ends[name] - slack - now)
        if worst <= PATIENCE_S * 1000:
            self._alone.update(ends)
            for name in ends:
                self._alone.move_to_end(name)
            while len(self._alone) > _CALLERS_ALONE:
                self._alone.popitem(last=False)
        return max(worst, 0.0) / 1000


def _milliseconds(rate: Rate, cost: float, share: float) -> tuple[float, float]:
    """Return what an ask costs of a bucket, and how much the bucket holds, both in milliseconds of its rate."""
    each = 60_000 / (rate.per_minute * share)
    return each * cost, each * rate.burst * share
