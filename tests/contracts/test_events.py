"""A published version of an event is never edited: its bytes, its fields and its headers stay as they are."""

import json
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from shared.events import TOPICS, Event, catalogue
from shared.events.cases import CaseOpened
from shared.storage.outbox import headers_of, partition_of
from tests.contracts.examples import EXAMPLES, LATER

GOLDEN = Path(__file__).parent / "golden"
_BY_TYPE = {example.TYPE: example for example in EXAMPLES}


def test_every_event_has_an_example_and_its_golden_bytes() -> None:
    declared = {cls.TYPE for cls in catalogue}
    assert declared == set(_BY_TYPE)
    assert {path.name.removesuffix(".json") for path in GOLDEN.glob("*.json")} == declared


@pytest.mark.parametrize("type_", sorted(_BY_TYPE))
def test_published_versions_keep_their_bytes(type_: str) -> None:
    golden = (GOLDEN / f"{type_}.json").read_bytes().rstrip(b"\n")
    example = _BY_TYPE[type_]
    assert msgspec.json.encode(example) == golden
    assert msgspec.json.decode(golden, type=type(example)) == example


@pytest.mark.parametrize("type_", sorted(_BY_TYPE))
def test_a_consumer_of_tomorrow_reads_what_was_written_today(type_: str) -> None:
    """Every field of the golden bytes is still declared; every field added since has a default."""
    cls = catalogue.find(type_)
    assert cls is not None
    golden = json.loads((GOLDEN / f"{type_}.json").read_bytes())
    fields = {field.name: field for field in msgspec.structs.fields(cls)}
    assert set(golden) <= set(fields)
    assert all(not field.required for name, field in fields.items() if name not in golden)


def test_a_field_from_a_newer_release_is_ignored_and_a_code_nobody_knows_is_read() -> None:
    example = _BY_TYPE["caselight.case.opened.v1"]
    raw = json.loads(msgspec.json.encode(example)) | {"level": "catastrophic", "new_field": {"a": 1}}
    read = msgspec.json.decode(json.dumps(raw).encode(), type=type(example))
    assert isinstance(read, CaseOpened)
    assert read.level == "catastrophic"


def test_every_event_names_a_topic_of_ours_and_a_key() -> None:
    for example in EXAMPLES:
        assert example.TOPIC in TOPICS
        assert example.key
        assert example.TYPE.startswith("caselight.")
        assert example.TYPE.endswith(".v1")


def test_no_event_has_a_field_for_a_name_an_address_or_text() -> None:
    """Personal data on topics is ids, codes and campus; staff names and work e-mail may travel on `program`."""
    forbidden = {"name", "email", "narrative", "comment", "note", "text", "phone", "address", "sis_id"}
    for cls in catalogue:
        if cls.TOPIC != "program":
            assert not forbidden & {field.name for field in msgspec.structs.fields(cls)}, cls.TYPE


def test_headers_are_cloudevents_in_binary_mode() -> None:
    example = _BY_TYPE["caselight.referral.danger_raised.v1"]
    headers = dict(headers_of(example, source="intake", now=LATER, event_id=UUID(int=0x192)))
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": "00000000-0000-0000-0000-000000000192",
        "ce_type": "caselight.referral.danger_raised.v1",
        "ce_source": "/caselight/intake",
        "ce_time": "2026-09-14T09:00:00+00:00",
        "ce_subject": example.key,
        "ce_campus": "NORTH",
        "ce_sensitivity": "sensitive",
        "ce_sequence": "2",
        "content-type": "application/json",
    }


def test_the_partition_of_a_key_is_the_one_librdkafka_picks() -> None:
    """CRC-32 as in zlib, so that a producer or consumer in another language agrees."""
    assert partition_of(b"referral", 12) == 0x73079D00 % 12
    assert partition_of(b"", 12) == 0


def _write_golden(events: tuple[Event, ...]) -> None:
    """Write the bytes of events that have none yet: `python -m tests.contracts.test_events`."""
    GOLDEN.mkdir(exist_ok=True)
    for event in events:
        path = GOLDEN / f"{event.TYPE}.json"
        if not path.exists():
            path.write_bytes(msgspec.json.encode(event) + b"\n")


if __name__ == "__main__":
    _write_golden(EXAMPLES)
