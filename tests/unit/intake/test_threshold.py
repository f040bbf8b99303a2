"""The threshold rule against a plain count that looks at everything again for each flag."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.flag_rules import Rule, Signal
from services.intake.domain.threshold import Firing
from services.intake.domain.threshold import fire as fire_all
from shared.program.rules import FlagRule

START = datetime(2026, 1, 1, tzinfo=UTC)


def rule(flags: int = 3, days: float = 21, courses: int = 2, min_severity: int = 1) -> FlagRule:
    return FlagRule(
        name="threshold", flags=flags, days=days, courses=courses, min_severity=min_severity, family="academic",
        level="mild",
    )  # fmt: skip


def no_week(_term: str, _at: datetime) -> None:
    return None


def fire(signals: Sequence[Signal], fired: Sequence[datetime], rule_at: Callable[[datetime], FlagRule]) -> list[Firing]:
    """Count by one rule, whose editions differ in what they ask for."""
    return fire_all(signals, {"threshold": fired}, lambda at: (Rule(rule_at(at), no_week),))


def signal(number: int, day: float, course: str = "A", severity: int = 1, cleared: float | None = None) -> Signal:
    cleared_at = None if cleared is None else START + timedelta(days=cleared)
    return Signal(UUID(int=number), START + timedelta(days=day), course, severity, cleared_at)


class PlainCount:
    """What the rule says, word by word, slowly: the oracle."""

    def __init__(self, rule_at: Callable[[datetime], FlagRule]) -> None:
        self.rule_at = rule_at
        self.signals: list[Signal] = []
        self.counted: set[UUID] = set()
        self.fired: list[datetime] = []

    def arrive(self, signals: Iterable[Signal]) -> list[tuple[datetime, frozenset[UUID]]]:
        self.signals += signals
        made = []
        for at in sorted({each.raised_at for each in self.signals}):
            found = self._at(at)
            if found:
                self.counted |= found
                self.fired.append(at)
                made.append((at, found))
        return made

    def _at(self, at: datetime) -> frozenset[UUID]:
        rule, days = self.rule_at(at), timedelta(days=self.rule_at(at).days)
        if any(abs(at - fired) <= days for fired in self.fired):
            return frozenset()

        def counts(each: Signal) -> bool:
            return (
                each.flag_id not in self.counted
                and each.severity >= rule.min_severity
                and (each.cleared_at is None or each.cleared_at > at)
            )

        window = [each for each in self.signals if at - days <= each.raised_at <= at and counts(each)]
        here = [each for each in window if each.raised_at == at]
        enough = len(window) >= rule.flags and len({each.course for each in window}) >= rule.courses
        return frozenset(each.flag_id for each in window) if here and enough else frozenset()


class Incremental:
    """How the service uses the rule: batch by batch, looking only as far around new flags as the rule reaches."""

    def __init__(self, rule_at: Callable[[datetime], FlagRule], longest: float) -> None:
        self.rule_at, self.days = rule_at, timedelta(days=longest)
        self.uncounted: dict[UUID, Signal] = {}
        self.fired: list[datetime] = []

    def arrive(self, signals: Sequence[Signal]) -> list[tuple[datetime, frozenset[UUID]]]:
        if not signals:
            return []
        times = [each.raised_at for each in signals]
        since, until = min(times) - self.days, max(times) + self.days
        self.uncounted |= {each.flag_id: each for each in signals}
        around = [each for each in self.uncounted.values() if since <= each.raised_at <= until]
        fired = [at for at in self.fired if since - self.days <= at <= until + self.days]
        made = []
        for firing in fire(around, fired, self.rule_at):
            ids = frozenset(each.flag_id for each in firing.counted)
            assert firing.courses == len({each.course for each in firing.counted})
            for id_ in ids:
                del self.uncounted[id_]
            self.fired.append(firing.fired_at)
            made.append((firing.fired_at, ids))
        return made


@st.composite
def feeds(draw: st.DrawFn) -> list[Signal]:
    days = st.one_of(st.integers(0, 60).map(float), st.floats(0, 60, allow_nan=False).map(lambda day: round(day, 3)))
    made = []
    for number in range(draw(st.integers(0, 24))):
        day = draw(days)
        later = draw(st.one_of(st.none(), st.none(), st.floats(0, 30)))
        cleared = None if later is None else day + round(later, 2)
        made.append(signal(number, day, draw(st.sampled_from("ABC")), draw(st.integers(1, 3)), cleared))
    return made


rules = st.builds(rule, st.integers(1, 4), st.sampled_from([0.5, 3.0, 7.0, 21.0]), st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=120, deadline=None)
@given(feeds(), rules)
def test_a_whole_file_fires_as_a_plain_count_does(feed: list[Signal], one: FlagRule) -> None:
    expected = PlainCount(lambda _: one).arrive(feed)
    found = [(f.fired_at, frozenset(s.flag_id for s in f.counted)) for f in fire(feed, [], lambda _: one)]
    assert found == expected


@settings(max_examples=120, deadline=None)
@given(feeds(), rules, st.data())
def test_batches_in_any_order_fire_as_a_plain_count_of_the_same_batches_does(
    feed: list[Signal], one: FlagRule, data: st.DataObject
) -> None:
    feed = data.draw(st.permutations(feed))
    plain, incremental = PlainCount(lambda _: one), Incremental(lambda _: one, one.days)
    start = 0
    while start < len(feed):
        batch = feed[start : start + data.draw(st.integers(1, 8))]
        assert incremental.arrive(batch) == plain.arrive(batch)
        start += len(batch)
    times = sorted(plain.fired)
    assert all(later - earlier > timedelta(days=one.days) for earlier, later in pairwise(times))


@settings(max_examples=80, deadline=None)
@given(feeds(), rules, st.integers(1, 6))
def test_cut_into_pieces_a_feed_in_time_order_fires_as_in_one(feed: list[Signal], one: FlagRule, size: int) -> None:
    feed = sorted((each._replace(cleared_at=None) for each in feed), key=lambda each: each.raised_at)
    # Flags of one instant come together, as they would in one file.
    pieces: list[list[Signal]] = [[]]
    for each in feed:
        if len(pieces[-1]) >= size and pieces[-1][-1].raised_at != each.raised_at:
            pieces.append([])
        pieces[-1].append(each)
    incremental = Incremental(lambda _: one, one.days)
    assert [made for piece in pieces for made in incremental.arrive(piece)] == PlainCount(lambda _: one).arrive(feed)


@settings(max_examples=80, deadline=None)
@given(feeds(), rules, rules, st.integers(0, 60))
def test_an_edition_holds_from_its_day_on(feed: list[Signal], before: FlagRule, after: FlagRule, day: int) -> None:
    since = START + timedelta(days=day)

    def rule_at(at: datetime) -> FlagRule:
        return after if at >= since else before

    found = [(f.fired_at, frozenset(s.flag_id for s in f.counted)) for f in fire(feed, [], rule_at)]
    assert found == PlainCount(rule_at).arrive(feed)


def test_both_ends_of_a_window_belong_to_it() -> None:
    three = [signal(1, 0, "A"), signal(2, 1, "B"), signal(3, 21, "A")]
    assert len(fire(three, [], lambda _: rule())) == 1
    late = [*three[:2], signal(3, 21.001, "A")]
    assert not fire(late, [], lambda _: rule())


def test_one_course_alone_fires_nothing() -> None:
    assert not fire([signal(number, number) for number in range(9)], [], lambda _: rule())


def test_a_heavy_student_takes_time_in_proportion() -> None:
    many = [signal(number, number / 1000, "AB"[number % 2]) for number in range(60_000)]
    firings = fire(many, [], lambda _: rule())
    assert len(firings) == 3
    assert sum(len(firing.counted) for firing in firings) == len({s for f in firings for s in f.counted})
