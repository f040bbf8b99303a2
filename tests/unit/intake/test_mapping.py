"""What a mapping says, what it makes of an item, and what it says of a document that is none."""

from copy import deepcopy
from typing import Any

import pytest
import yaml

from services.intake.domain.mapping import ColumnsMissing, Compiled, compiled
from services.intake.domain.mapping_checks import UnfitMapping
from services.intake.domain.mapping_fields import finder, id_of, text_of
from services.intake.domain.rejects import BadCell
from services.intake.storage.shipped import FOLDER, document_of, shipped

SHEET: dict[str, Any] = {
    "mapping": "sheet",
    "brings": "flags",
    "reads": "csv",
    "fields": {
        "alert_id": "Alert",
        "student_id": {"column": ["Student ID", "SIS ID"]},
        "course_code": {"column": "Course", "optional": True},
        "reason_code": {"column": "Reason", "values": {"Absences": "ABSENCE", "Other": "OTHER"}, "else": "OTHER"},
        "severity": {"column": "Priority", "values": {"High": 3, "Low": 1}},
        "raised_at": {"column": "Date", "format": ["%m/%d/%Y %H:%M", "epoch"]},
        "term_code": {"value": "2026FA"},
    },
}
HEADER = ["student id", "Alert", "Reason", "Priority", "Date"]
EVENT: dict[str, Any] = {
    "mapping": "events",
    "brings": "flags",
    "reads": "json",
    "take": "kind == 'alert'",
    "fields": {
        "student_id": "who.sis_id",
        "reason_code": {"path": "upper(reasons[0].code)"},
        "raised_at": {"path": "at", "format": "epoch_ms"},
        "comment": {"path": "join(' ', notes)"},
        "severity": {"path": "urgent", "values": {"true": 3, "false": 1}, "default": "1"},
    },
}


def row(mapping: Compiled, *cells: str, header: list[str] = HEADER) -> dict[str, str]:
    read, _ = mapping.of_csv(header)
    made = read(list(cells))
    assert made is not None
    return {name: cell for name, cell in zip(mapping.names, made, strict=True) if cell}


def test_a_row_is_read_by_its_headings_whatever_their_order_and_spelling() -> None:
    assert row(compiled(SHEET, "NORTH"), "N1", "A-1", "absences ", "HIGH", "09/14/2026 10:30") == {
        "alert_id": "A-1",
        "student_id": "N1",
        "reason_code": "ABSENCE",
        "severity": "3",
        "raised_at": "2026-09-14T10:30:00",
        "term_code": "2026FA",
        "campus_code": "NORTH",
    }


def test_times_are_tried_in_the_order_of_their_formats_and_an_instant_has_its_offset() -> None:
    assert row(compiled(SHEET, "NORTH"), "N1", "A", "", "", "1790000000")["raised_at"] == "2026-09-21T14:13:20+00:00"
    with pytest.raises(BadCell, match="another format") as wrong:
        row(compiled(SHEET, "NORTH"), "N1", "A", "", "", "yesterday")
    assert (wrong.value.column, wrong.value.accepted) == ("Date", "%m/%d/%Y %H:%M or epoch")


def test_an_unknown_value_is_refused_with_the_known_ones_unless_the_mapping_has_an_else() -> None:
    mapping = compiled(SHEET, "NORTH")
    assert row(mapping, "N1", "A", "Asleep", "low", "09/14/2026 10:30")["reason_code"] == "OTHER"
    with pytest.raises(BadCell) as wrong:
        row(mapping, "N1", "A", "Absences", "Sometimes", "09/14/2026 10:30")
    assert (wrong.value.column, wrong.value.accepted) == ("Priority", "High, Low")
    assert "Sometimes" not in f"{wrong.value.reason} {wrong.value.accepted}"


def test_a_missing_column_is_told_with_the_one_that_may_be_meant() -> None:
    with pytest.raises(ColumnsMissing) as missing:
        compiled(SHEET, "NORTH").of_csv(["Student ID", "Alert", "Reson", "Priority", "Date"])
    assert missing.value.columns == ("Reason",)
    assert "is reson meant as Reason?" in missing.value.bad.accepted


def test_headings_that_the_mapping_does_not_read_are_told() -> None:
    _, strangers = compiled(SHEET, "NORTH").of_csv([*HEADER, "Shoe size"])
    assert strangers == ("shoe_size",)


def test_a_row_can_also_be_read_and_chosen_by_expressions() -> None:
    document = deepcopy(SHEET)
    document["take"] = "Priority != 'Low'"
    document["fields"]["comment"] = {"path": "join(', ', [Reason, Priority])"}
    mapping = compiled(document, "NORTH")
    assert row(mapping, "N1", "A", "Other", "High", "09/14/2026 10:30")["comment"] == "Other, High"
    read, _ = mapping.of_csv(HEADER)
    assert read(["N1", "A", "Other", "Low", "09/14/2026 10:30"]) is None


def test_an_item_of_json_is_read_by_paths() -> None:
    mapping = compiled(EVENT, "NORTH")
    item = {
        "kind": "alert", "who": {"sis_id": 17}, "reasons": [{"code": "absence"}], "at": 1_790_000_000_000,
        "notes": ["Twice.", "No word."], "urgent": True,
    }  # fmt: skip
    made = mapping.of_json()(item, "urn:uuid:7")
    assert made is not None
    said = dict(zip(mapping.names, made, strict=True))
    assert said["student_id"] == "17"
    assert said["reason_code"] == "ABSENCE"
    assert said["raised_at"] == "2026-09-21T14:13:20+00:00"
    assert said["comment"] == "Twice. No word."
    assert said["severity"] == "3"
    assert said["alert_id"] == id_of("urn:uuid:7") != "urn:uuid:7"
    assert mapping.of_json()({"kind": "other"}, "") is None


@pytest.mark.parametrize(
    ("notes", "reason"),
    [(7, "another kind"), (["a", {"b": 1}], "another kind")],
)
def test_a_value_of_another_kind_is_refused_by_its_item(notes: object, reason: str) -> None:
    with pytest.raises(BadCell, match=reason):
        compiled(EVENT, "NORTH").of_json()({"kind": "alert", "reasons": [{"code": "a"}], "at": 1, "notes": notes}, "")


def test_an_expression_that_python_cannot_evaluate_costs_its_item() -> None:
    with pytest.raises(BadCell):
        finder("notes[::0]")({"notes": ["a"]})


@pytest.mark.parametrize("value", [["a", "b"], {"a": 1}, float("nan"), "a\x00b", "\ud800"])
def test_what_is_not_one_storable_value_is_refused(value: object) -> None:
    with pytest.raises(BadCell):
        text_of(value, "here")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (3, "3"), (3.0, "3"), (2.5, "2.5"), ("a é \u202e 🙂", "a é \u202e 🙂")],
)
def test_one_value_becomes_its_text(value: object, text: str) -> None:
    assert text_of(value, "here") == text


def test_a_plain_path_and_the_same_path_as_an_expression_find_the_same() -> None:
    for item in ({"a": {"b": 1}}, {"a": None}, {"a": [1]}, {}, {"a": {"b": {"c": 2}}}):
        assert finder("a.b")(item) == finder("a.b | @")(item)


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"brings": "shoes"}, "/brings", "flags, referrals, roster"),
        ({"brings": ["flags"]}, "/brings", "flags, referrals, roster"),
        ({"reads": "xml"}, "/reads", "csv or json"),
        ({"feilds": {}}, "/feilds", "Is fields meant?"),
        ({"take": "a ==="}, "/take", "not JMESPath at sign"),
        ({"clears": "NO_ACTIVITY"}, "/clears", "Name the reasons"),
        ({"clears": []}, "/clears", "Name the reasons"),
        ({"clears": [" "]}, "/clears", "Name the reasons"),
        ({"fields": {}}, "/fields", "Name the fields"),
        ({"fields": {"student_id": "a", "raised_at": "b"}}, "/fields", "reason_code is missing"),
    ],
)
def test_what_is_wrong_with_a_document_is_said_with_its_place(change: dict[str, Any], pointer: str, words: str) -> None:
    with pytest.raises(UnfitMapping) as unfit:
        compiled({**SHEET, **change}, "NORTH")
    assert pointer in [fault.pointer for fault in unfit.value.faults]
    assert words in unfit.value.detail


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"colum": "A"}, "Is column meant?"),
        ({"path": "nothing_like_it(a)"}, "a function in it is not known"),
        ({"column": "A", "path": "b"}, "Say one of column, path and value."),
        ({"column": 3}, "Name the heading"),
        ({"path": "a..b"}, "not JMESPath"),
        ({"column": "A", "format": "%H:%M"}, "the year, the month or the day is missing"),
        ({"column": "A", "format": "soon"}, "the year, the month or the day is missing"),
        ({"column": "A", "values": {}}, "Say for each value what it means"),
        ({"column": "A", "else": "X"}, "There are no values"),
        ({"column": "A", "optional": "maybe"}, "true or false"),
        ({"value": ["a"]}, "one text, number or yes/no"),
        (7, "a column, a path or a value"),
    ],
)
def test_what_is_wrong_with_a_field_is_said_with_its_place(field: object, words: str) -> None:
    document = deepcopy(SHEET)
    document["fields"]["section"] = field
    with pytest.raises(UnfitMapping) as unfit:
        compiled(document, "NORTH")
    assert all(fault.pointer.startswith("/fields/section") for fault in unfit.value.faults)
    assert words in unfit.value.detail


def test_a_feed_of_several_campuses_needs_a_field_for_them() -> None:
    with pytest.raises(UnfitMapping, match="unfit_mapping") as unfit:
        compiled(SHEET, "*")
    assert "campus_code is missing" in unfit.value.detail


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.yaml")))
def test_every_shipped_mapping_is_one_and_says_what_it_is_for(name: str) -> None:
    said = shipped()[name]
    campus = "*" if "campus_code" in said["fields"] else "NORTH"
    assert compiled(document_of(name), campus).name == said["mapping"] == name
    assert said["about"].endswith(".")
    assert said["for"]
    assert yaml.safe_load((FOLDER / f"{name}.yaml").read_text()) == said
