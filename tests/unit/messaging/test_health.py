"""Liveness is about loops that turn, not about what they depend on."""

from shared.messaging import health


def test_a_loop_that_does_not_turn_is_named() -> None:
    health.beat("toy.relay")
    health.beat("other.relay")

    assert health.stalled("toy", after=60) == []
    assert health.stalled("toy", after=-1) == ["toy.relay"]

    health.gone("toy.relay")
    assert health.stalled("toy", after=-1) == []


def test_a_loop_that_turns_without_working_is_trouble_and_not_stalled() -> None:
    health.beat("toy.flags")
    health.trouble("toy.flags", "held")

    assert health.troubles("toy") == {"toy.flags": "held"}
    assert health.stalled("toy", after=60) == []

    health.trouble("toy.flags", "")
    assert health.troubles("toy") == {}
