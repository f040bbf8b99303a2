"""OneRoster zip files: what they say row by row, and the students that come of it."""

import io
from typing import Any

import pytest

from services.intake.domain.classes import Catalog, Composer, Person, teachers_of
from services.intake.domain.decoders.oneroster import FileReader, Manifest, Object, Read, files_of, manifest_in
from shared.refusal import Refused
from tests.unit.intake.decoders.roster_zip import (
    CAMPUS,
    HEADERS,
    delta,
    enrollment,
    manifest,
    packed,
    role,
    roster_zip,
    sheet,
    user,
)


def read(data: bytes) -> tuple[Manifest, dict[str, Read]]:
    file = io.BytesIO(data)
    found = manifest_in(file)
    everything: dict[str, Read] = {}
    for kind, member in files_of(file, found):
        reader, so_far = FileReader(kind, found.files[kind]), Read()
        for piece in (*(reader.feed(piece) for piece in member.pieces), reader.finish()):
            so_far.objects += piece.objects
            so_far.unread += piece.unread
        everything[kind] = so_far
    return found, everything


def rows(kind: str, *these: Any, mode: str = "bulk", header: str = "") -> Read:
    data = sheet(kind, these)
    if header:
        data = header.encode() + data[data.index(b"\r\n") :]
    _, everything = read(
        packed(
            {
                "manifest.csv": manifest({"orgs": "delta", "users": "delta", kind: mode}),
                "orgs.csv": sheet("orgs", []),
                "users.csv": sheet("users", []),
                f"{kind}.csv": data,
            }
        )
    )
    return everything[kind]


def why(data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        read(data)
    assert refused.value.status == 422
    return refused.value.code


def students(data: bytes, **how: Any) -> dict[str, dict[str, Any]]:
    _, everything = read(data)
    known: dict[str, list[Object]] = {kind: each.objects for kind, each in everything.items()}

    def by_id(kind: str) -> dict[str, Any]:
        return {each.sourced_id: each.fields for each in known.get(kind, [])}

    def of_user(kind: str, sourced_id: str) -> list[Any]:
        return [each.fields for each in known.get(kind, []) if each.fields["userSourcedId"] == sourced_id]

    catalog = Catalog(
        by_id("orgs"), by_id("academicSessions"), by_id("courses"), by_id("classes"),
        teachers_of(known.get("enrollments", [])), by_id("users"),
    )  # fmt: skip
    people = [
        Person(each.sourced_id, each.fields, of_user("roles", each.sourced_id), of_user("enrollments", each.sourced_id))
        for each in known["users"]
    ]
    parts = Composer(catalog, "2026-10-01", **how).parts(people)
    return {part.value["student_id"]: dict(part.value) for part in parts}


def test_a_campus_in_bulk_is_read_row_by_row() -> None:
    found, everything = read(roster_zip())
    assert found.whole
    assert {kind: len(each.objects) for kind, each in everything.items()} == {k: len(v) for k, v in CAMPUS.items()}
    assert not [each for kind in everything.values() for each in kind.unread]


def test_students_come_with_their_names_campus_and_classes() -> None:
    found = students(roster_zip())
    assert set(found) == {"N-1", "N-2"}
    sora = found["N-1"]
    assert (sora["name"], sora["name_in_use"], sora["pronouns"]) == ("Sora Example", "Sol", "they")
    assert sora["org"]["identifier"] == "north"
    assert sora["email"] == "sora.example@north.example.edu"
    assert sora["classes"] == "2026-FALL:BIO-101/1/teo; 2026-FALL:CHEM-110/1/"


def test_a_campus_chooses_by_which_ids_it_knows_people() -> None:
    assert set(students(roster_zip(), student_id="sourcedId")) == {"u-1", "u-2"}
    assert set(students(roster_zip(), student_id="username")) == {"sora.example", "ines.sample"}
    assert students(roster_zip(), staff_id="username")["N-2"]["classes"] == "2026-FALL:BIO-101/1/teo.teacher"


def test_a_student_of_1_1_is_one_by_the_role_in_users() -> None:
    header = HEADERS["users"] + ",role,orgSourcedIds"
    line = 'u-5,,,true,kim,,Kim,Older,,N-5,,,,,,,,,,,,,student,"org-north,org-other"'
    old = packed(
        {
            "manifest.csv": manifest({"users": "bulk", "orgs": "bulk"}, "1.1"),
            "users.csv": f"{header}\n{line}\n".encode(),
            "orgs.csv": sheet("orgs", CAMPUS["orgs"]),
        }
    )
    kim = students(old)["N-5"]
    assert [org["sourced_id"] for org in kim["orgs"]] == ["org-north", "org-other"]
    assert kim["classes"] == ""


def test_passwords_and_telephones_never_leave_the_zip() -> None:
    read_rows = rows("users", user("u-1", "Sora", "Example"), user("", "No", "Id"), user("u-1", "Same", "Again"))
    everything = repr(read_rows)
    assert [each.code for each in read_rows.unread] == ["no_sourced_id", "sourced_id_twice"]
    assert "hunter2" not in everything
    assert "555 0100" not in everything


def test_a_class_left_or_ended_is_not_a_class_somebody_is_in() -> None:
    ended = CAMPUS | {
        "enrollments": [
            enrollment("e-1", "k-bio", "u-1", endDate="2026-09-30"),
            enrollment("e-2", "k-nowhere", "u-1"),
            enrollment("e-3", "k-chem", "u-1", endDate="2026-10-01"),
        ]
    }
    assert students(roster_zip(ended))["N-1"]["classes"] == "2026-FALL:CHEM-110/1/"


def test_the_primary_teacher_stands_for_a_class() -> None:
    two = CAMPUS | {
        "enrollments": [*CAMPUS["enrollments"], enrollment("e-0", "k-bio", "u-2", "teacher", primary="false")]
    }
    assert students(roster_zip(two))["N-1"]["sections"][0]["instructor"] == "teo"


def test_signs_that_separate_are_taken_out_of_codes() -> None:
    odd = CAMPUS | {"classes": [CAMPUS["classes"][0] | {"classCode": "1/A;B"}]}
    assert students(roster_zip(odd))["N-1"]["classes"] == "2026-FALL:BIO-101/1-A-B/teo"


def test_a_delta_says_what_changed_and_what_is_gone() -> None:
    changed = {
        "users": [delta(user("u-2", "Ines", "Renamed", "N-2"))],
        "enrollments": [delta(enrollment("e-2", "k-chem", "u-1"), "tobedeleted")],
    }
    found, everything = read(roster_zip(changed, "delta"))
    assert not found.whole
    assert [each.gone for each in everything["enrollments"].objects] == [True]
    assert everything["users"].objects[0].fields["familyName"] == "Renamed"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (delta(role("r-1", "u-1"), "inactive"), "unknown_status"),
        (role("r-1", "u-1"), "no_status"),
        (delta(role("r-1", "u-1")) | {"dateLastModified": "yesterday"}, "no_time"),
        (delta(role("r-1", "")), "empty_cell"),
        (delta(role("r" * 300, "u-1")), "no_sourced_id"),
        (delta(role("r\x07", "u-1")), "no_sourced_id"),
        (delta(role("r-1", "u" * 1_001)), "too_long"),
    ],
)
def test_a_row_that_cannot_be_read_is_kept_with_its_place_and_what_to_do(row: dict[str, str], code: str) -> None:
    (one,) = rows("roles", row, mode="delta").unread
    assert (one.place, one.code) == ("roles.csv line 2", code)
    assert one.reason.endswith(".")
    assert one.raw.startswith(b"sourcedId,")


def test_lines_that_are_no_rows_are_kept_too() -> None:
    data = sheet("roles", [role("r-1", "u-1")]) + b'r-2,too,few\r\nr-3,,,"open\r\n' + b"r-4,,,u\x00,,student,,,org\r\n"
    _, everything = read(
        packed(
            {
                "manifest.csv": manifest({"users": "delta", "roles": "bulk"}),
                "users.csv": sheet("users", []),
                "roles.csv": data,
            }
        )
    )
    assert [each.sourced_id for each in everything["roles"].objects] == ["r-1"]
    assert sorted(each.code for each in everything["roles"].unread) == [
        "unreadable_line",
        "unreadable_line",
        "wrong_width",
    ]


def test_columns_are_found_by_name_in_any_order_and_new_ones_are_seen() -> None:
    header = "dateLastModified,status,sourcedid,userSourcedId,roleType,role,beginDate,endDate,OrgSourcedId"
    reader = FileReader("roles", "bulk")
    found = reader.feed(f"{header},metadata.house\n,,r-1,u-1,primary,student,,,org-north,red\n".encode())
    assert found.objects[0].fields["orgSourcedId"] == "org-north"
    assert reader.columns[-1] == "metadata.house"


def test_names_of_every_script_pass_as_they_are() -> None:
    name = "سارة e\u0301 \U0001f600 <script>alert(1)</script>"
    assert rows("users", user("u-1", name, "X")).objects[0].fields["givenName"] == name


ROLES = sheet("roles", CAMPUS["roles"])


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"users.csv": sheet("users", [])}, "no_manifest"),
        ({"manifest.csv": manifest({"users": "bulk", "orgs": "bulk"}), "orgs.csv": b""}, "file_missing"),
        ({"manifest.csv": manifest({"users": "bulk"}), "users.csv": b""}, "file_missing"),
        ({"manifest.csv": manifest({})}, "nothing_to_read"),
        ({"manifest.csv": manifest({"roles": "some"}), "roles.csv": ROLES}, "unknown_mode"),
        ({"manifest.csv": manifest({"roles": "delta"}, "1.0"), "roles.csv": ROLES}, "unknown_version"),
        ({"manifest.csv": b"\x00\xff" * 500}, "unknown_version"),
        ({"manifest.csv": manifest({"roles": "delta"}), "roles.csv": b""}, "empty_file"),
        ({"manifest.csv": manifest({"roles": "delta"}), "roles.csv": b"a,b\n"}, "missing_columns"),
        ({"manifest.csv": manifest({"roles": "delta"}), "roles.csv": b"\xff\xfea\x00"}, "wrong_encoding"),
    ],
)
def test_a_zip_that_is_no_roster_is_refused_by_name(files: dict[str, bytes], code: str) -> None:
    assert why(packed(files)) == code


def test_what_a_roster_does_not_need_is_never_opened() -> None:
    _, everything = read(roster_zip(demographics_csv=b"\x00not a table", results_csv=b"\xff"))
    assert set(everything) == set(CAMPUS)
