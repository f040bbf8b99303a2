"""A hint says that something happened to something, of few types, and never what."""

import asyncio
from typing import Any

import msgspec
import pytest

from shared.events import catalogue
from shared.messaging.hints import LIVE, Hint, Hints, hint_of, read, stream_of
from shared.settings import Settings
from shared.telemetry import counters
from tests.support.eventually import eventually


def headers(type_: str, **more: str) -> bytes:
    said = {"ce_specversion": "1.0", "ce_type": type_, "ce_campus": "NORTH", "ce_sensitivity": "titleix", **more}
    return msgspec.json.encode(list(said.items()))


def test_a_hint_names_the_thing_its_campus_and_its_wall() -> None:
    hint = hint_of(headers("caselight.page.raised.v1"), b"0190")
    assert hint == Hint("caselight.page.raised.v1", "0190", "NORTH", "titleix")
    assert hint is not None
    assert hint.kind == "page"


@pytest.mark.parametrize(
    "type_", ["caselight.flag.raised.v1", "caselight.access.decided.v1", "caselight.page.raised.v2"]
)
def test_most_events_are_no_hint(type_: str) -> None:
    assert hint_of(headers(type_), b"0190") is None


def test_every_type_that_screens_wait_for_is_published_by_somebody() -> None:
    assert {type_ for type_ in LIVE if catalogue.find(type_) is None} == set()


def test_a_hint_comes_out_of_the_stream_as_it_went_in() -> None:
    said = {b"type": b"caselight.case.opened.v1", b"id": b"01", b"campus": b"NORTH", b"sensitivity": b"standard"}
    assert read(said) == Hint("caselight.case.opened.v1", "01", "NORTH", "standard")
    assert stream_of(Settings(topic_prefix="x.")) == "x.live"


def rows(count: int) -> list[Any]:
    return [{"headers": headers("caselight.page.raised.v1"), "key": b"%d" % number} for number in range(count)]


def test_without_valkey_nothing_is_kept_and_nothing_runs() -> None:
    hints = Hints(Settings(redis_url=""))
    hints.offer(rows(3))
    assert not hints._waiting


def test_too_many_hints_push_out_the_oldest() -> None:
    hints = Hints(Settings(redis_url="redis://127.0.0.1:1/0"))
    hints.offer(rows(1200))
    assert (len(hints._waiting), hints._waiting[-1].id) == (1000, "1199")


async def test_with_valkey_away_hints_are_let_go_and_counted() -> None:
    hints, before = Hints(Settings(redis_url="redis://127.0.0.1:1/0")), counters["hints_lost"]
    hints.offer(rows(5))
    running = asyncio.ensure_future(hints.run())
    await eventually(lambda: counters["hints_lost"] > before)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
    assert not hints._waiting
