"""Few calls of many events, and no aggregate sees its own in another order."""

from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.grouping import group_by_type

items = st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.sampled_from([int, str, float])), max_size=60)


@given(items)
def test_every_event_is_in_exactly_one_group_of_its_type(log: list[tuple[bytes, type]]) -> None:
    groups = group_by_type((key, kind, place) for place, (key, kind) in enumerate(log))

    assert sorted(place for _, places in groups for place in places) == list(range(len(log)))
    assert all(log[place][1] is kind for kind, places in groups for place in places)


@given(items)
def test_per_key_the_order_of_the_log_holds(log: list[tuple[bytes, type]]) -> None:
    groups = group_by_type((key, kind, place) for place, (key, kind) in enumerate(log))

    flat = [place for _, places in groups for place in places]
    for key in {key for key, _ in log}:
        assert [place for place in flat if log[place][0] == key] == [
            place for place, (other, _) in enumerate(log) if other == key
        ]


def test_many_keys_with_the_same_story_need_one_call_per_chapter() -> None:
    log = [(bytes([key]), kind) for key in range(100) for kind in (int, str)]

    groups = group_by_type((key, kind, None) for key, kind in log)

    assert [(kind, len(those)) for kind, those in groups] == [(int, 100), (str, 100)]


def test_a_type_that_comes_back_for_a_key_gets_a_further_call() -> None:
    groups = group_by_type([(b"a", int, 1), (b"a", str, 2), (b"a", int, 3), (b"b", int, 4)])

    assert groups == [(int, [1, 4]), (str, [2]), (int, [3])]


def test_nothing_makes_no_group() -> None:
    assert group_by_type([]) == []
