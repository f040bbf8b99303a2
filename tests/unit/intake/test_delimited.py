"""Delimited text comes in pieces of any size; a stray quote costs its own line and no other."""

import contextlib
import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.columns import columns_of
from services.intake.domain.delimited import LONGEST_RECORD, Record, Records
from services.intake.domain.roster_rows import SHAPE
from shared.refusal import Refused


def read(data: bytes, size: int = 1 << 20) -> tuple[Records, list[Record]]:
    """Read bytes in pieces of a size."""
    file, records = Records(), list[Record]()
    for start in range(0, len(data), size):
        records += file.feed(data[start : start + size])
    return file, records + file.finish()


cells = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
tables = st.lists(st.lists(cells, min_size=3, max_size=3), max_size=12)


@given(tables, st.sampled_from(["\n", "\r\n"]), st.integers(1, 40), st.booleans(), st.booleans())
def test_what_the_standard_writes_is_read_back_whatever_the_pieces(
    table: list[list[str]], end: str, size: int, bom: bool, last_end: bool
) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([["a", "b", "c"], *table])
    data = written.getvalue() if last_end else written.getvalue()[: -len(end)]
    file, records = read((b"\xef\xbb\xbf" if bom else b"") + data.encode(), size)
    assert file.header == ["a", "b", "c"]
    assert [row for _, row in records] == table
    assert not file.rejects


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_rows_are_numbered_by_their_first_line(size: int) -> None:
    file, records = read(b'a,b\n1,"x\ny"\n\n2,z\n3,"unclosed\n4,w\n', size)
    assert [(row, cells[0]) for row, cells in records] == [(2, "1"), (5, "2"), (7, "4")]
    assert [reject.row for reject in file.rejects] == [6]


@pytest.mark.parametrize("size", [1, 13, 1000])
def test_a_stray_quote_costs_its_own_line_only(size: int) -> None:
    lines = [b"a,b", b'1,"oops', b'2,"fine"', b'3,"also, fine"', b'4,"bad"x', b'5,5" pipe', b"6,end"]
    file, records = read(b"\n".join(lines), size)
    assert [cells for _, cells in records] == [["2", "fine"], ["3", "also, fine"], ["5", '5" pipe'], ["6", "end"]]
    assert [reject.row for reject in file.rejects] == [2, 5]


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_cells_that_are_no_text_are_rejected_with_their_column(size: int) -> None:
    file, records = read(b"a,b\n1,caf\xe9\n2,caf\xc3\xa9\n3\x00,x\n", size)
    assert records == [(3, ["2", "caf\u00e9"])]
    assert [(reject.row, reject.column, reject.reason) for reject in file.rejects] == [
        (2, "b", "the cell is not UTF-8"),
        (4, "a", "there is a NUL byte in the cell"),
    ]
    assert "\\udce9" in file.rejects[0].raw
    assert "\x00" not in file.rejects[1].raw


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_bytes_that_are_no_text_are_found_behind_an_open_quote_too(size: int) -> None:
    file, records = read(b'a,b\n1,"open\n2,caf\xe9\n3,x\n4,y\n', size)
    assert [cells for _, cells in records] == [["3", "x"], ["4", "y"]]
    assert sorted(reject.row for reject in file.rejects) == [2, 3]


def test_lines_may_end_as_they_did_on_old_machines_and_cells_be_parted_otherwise() -> None:
    assert read(b"a,b\r1,2\r3,4")[1] == [(2, ["1", "2"]), (3, ["3", "4"])]
    assert read(b"a;b\n1,5;2\n")[1] == [(2, ["1,5", "2"])]
    assert read(b"a\tb\n1\t2\n")[1] == [(2, ["1", "2"])]


def test_utf16_is_refused_with_what_to_do() -> None:
    with pytest.raises(Refused, match="wrong_encoding"):
        read("a,b\n1,2".encode("utf-16"))


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_has_no_header(data: bytes) -> None:
    file, records = read(data)
    assert (file.header, records, file.rejects) == ([], [], [])


@pytest.mark.parametrize("size", [1 << 10, 1 << 16, 1 << 22])
def test_neither_an_endless_line_nor_an_endless_quote_is_kept_in_memory(size: int) -> None:
    endless = b"x" * (LONGEST_RECORD * 3)
    file, records = read(b"a,b\n1,ok\n2," + endless + b"\n3,ok\n", size)
    assert [cells[0] for _, cells in records if len(cells[1]) < 9] == ["1", "3"]

    quote = b'a,b\n1,"' + b"line\n" * (LONGEST_RECORD // 2) + b"2,ok\n"
    file, records = read(quote, size)
    assert [cells for _, cells in records if len(cells) == 2] == [["2", "ok"]]
    assert file.rejects[0].row == 2
    assert sum(map(len, file._lines)) <= LONGEST_RECORD


@given(st.lists(st.binary(max_size=60), max_size=6), st.binary(max_size=40))
def test_any_bytes_end_in_rows_rejects_or_a_refusal(pieces: list[bytes], begin: bytes) -> None:
    file, read_rows = Records(), 0
    with contextlib.suppress(Refused):
        for piece in (begin, b"\n", *pieces):
            read_rows += len(file.feed(piece))
        read_rows += len(file.finish())
        columns_of(file.header, SHAPE)
    assert read_rows >= 0
    for reject in file.rejects:
        reject.raw.encode()


def test_a_file_full_of_stray_quotes_costs_no_more_than_its_length() -> None:
    lines = 40_000
    begun = time.process_time()
    file, records = read(b"a,b\n" + b',"""not closed\n' * lines)
    assert time.process_time() - begun < 3  # a tenth of it; with the square of the lines, several times as much
    assert not records
    assert len(file.rejects) == lines
