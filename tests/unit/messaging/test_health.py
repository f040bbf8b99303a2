"""Liveness is about loops that turn, not about what they depend on."""

from shared.messaging import health


def test_a_loop_that_does_not_turn_is_named() -> None:
    health.beat("turning.relay")
    health.beat("other.relay")

    assert health.stalled("turning", after=60) == []
    assert health.stalled("turning", after=-1) == ["turning.relay"]

    health.gone("turning.relay")
    assert health.stalled("turning", after=-1) == []


def test_work_that_takes_long_counts_as_turning_where_its_loop_runs() -> None:
    health.at_work("long.drops")
    assert health.stalled("long", after=-1) == []

    health.beat("long.drops")
    health._beats["long.drops"] -= 120
    assert health.stalled("long") == ["long.drops"]
    health.at_work("long.drops")
    assert health.stalled("long") == []
    health.gone("long.drops")


def test_a_loop_that_turns_without_working_is_trouble_and_not_stalled() -> None:
    health.beat("held.flags")
    health.trouble("held.flags", "held")

    assert health.troubles("held") == {"held.flags": "held"}
    assert health.stalled("held", after=60) == []

    health.trouble("held.flags", "")
    assert health.troubles("held") == {}
