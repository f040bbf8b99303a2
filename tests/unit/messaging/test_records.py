"""Headers are read without trusting them."""

from datetime import UTC, datetime
from uuid import UUID

from shared.messaging.parking import pack_headers, unpack_headers
from shared.messaging.records import EPOCH, Record, arrive, record_of
from shared.storage.outbox import partition_of
from tests.toys.services import WHEN, flag

KEY = UUID("0193523e-1111-7111-8111-123456789abc")


def raw(*headers: tuple[str, bytes]) -> Record:
    return Record("caselight.flags", 0, 0, b"key", headers, b"{}")


def test_a_record_made_for_a_test_arrives_as_the_relay_would_send_it() -> None:
    record = record_of(flag(KEY, 3), now=WHEN, prefix="caselight.", source="intake")
    arrival = arrive(record)

    assert record.topic == "caselight.flags"
    assert record.partition == partition_of(str(KEY).encode(), 12)
    assert arrival.type == "caselight.flag.raised.v1"
    assert (arrival.campus, arrival.sensitivity, arrival.sequence) == ("north", "standard", 3)
    assert arrival.time == WHEN
    assert arrival.subject == str(KEY)
    assert arrival.event_id == str(arrival.id)
    assert not arrival.republished


def test_the_republish_header_arrives() -> None:
    assert arrive(record_of(flag(KEY), now=WHEN, prefix="", republished=True)).republished


def test_a_record_without_headers_is_of_no_type_and_has_no_id() -> None:
    arrival = arrive(raw())

    assert (arrival.type, arrival.id, arrival.event_id) == ("", None, "")
    assert (arrival.campus, arrival.sequence, arrival.time, arrival.subject) == ("", 0, EPOCH, "key")


def test_headers_that_are_no_text_do_no_harm() -> None:
    arrival = arrive(raw(("ce_id", b"\xff\xfe"), ("ce_type", b"caselight.flag.raised.v1"), ("ce_sequence", b"-1")))

    assert arrival.id is None
    assert arrival.type == "caselight.flag.raised.v1"
    assert arrival.sequence == 0


def test_an_id_is_the_same_however_it_is_written() -> None:
    spellings = [str(KEY), str(KEY).upper(), KEY.hex]

    assert {arrive(raw(("ce_id", spelling.encode()))).event_id for spelling in spellings} == {str(KEY)}


def test_an_envelope_says_where_it_was_in_the_log() -> None:
    record = record_of(flag(KEY), now=datetime(2026, 1, 1, tzinfo=UTC), prefix="x.", offset=7, source="intake")
    envelope = arrive(record).envelope(flag(KEY))

    assert (envelope.topic, envelope.partition, envelope.offset) == ("x.flags", record.partition, 7)
    assert (envelope.source, envelope.key) == ("/caselight/intake", str(KEY))


def test_headers_are_kept_without_loss() -> None:
    headers = (("ce_id", b"\x00\xff"), ("ce_id", "ü".encode()), ("", b""))

    assert unpack_headers(pack_headers(headers)) == headers
