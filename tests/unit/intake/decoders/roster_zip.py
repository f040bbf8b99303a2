"""A small campus as OneRoster writes it, with invented people."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence

HEADERS = {
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
    "courses": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId",
    "classes": (
        "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
        "schoolSourcedId,termSourcedIds"
    ),
    "users": (
        "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,"
        "email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,"
        "preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns"
    ),
    "roles": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId",
    "enrollments": (
        "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate"
    ),
}
CHANGED = "2026-09-20T06:00:00.000Z"


def user(sourced_id: str, given: str, family: str, number: str = "", **more: str) -> dict[str, str]:
    return {
        "sourcedId": sourced_id, "enabledUser": "true", "username": f"{given.lower()}.{family.lower()}",
        "givenName": given, "familyName": family, "identifier": number, "primaryOrgSourcedId": "org-north",
        "email": f"{given.lower()}.{family.lower()}@north.example.edu", "password": "hunter2", "phone": "+1 555 0100",
    } | more  # fmt: skip


def role(sourced_id: str, user_id: str, what: str = "student", org: str = "org-north") -> dict[str, str]:
    return {
        "sourcedId": sourced_id, "userSourcedId": user_id, "roleType": "primary", "role": what, "orgSourcedId": org
    }  # fmt: skip


def enrollment(sourced_id: str, class_id: str, user_id: str, what: str = "student", **more: str) -> dict[str, str]:
    return {
        "sourcedId": sourced_id, "classSourcedId": class_id, "userSourcedId": user_id, "role": what,
        "schoolSourcedId": "org-north", "primary": "true" if what == "teacher" else "false",
    } | more  # fmt: skip


CAMPUS: dict[str, list[dict[str, str]]] = {
    "orgs": [{"sourcedId": "org-north", "name": "North Campus", "type": "school", "identifier": "north"}],
    "academicSessions": [
        {
            "sourcedId": "s-1",
            "title": "2026-FALL",
            "type": "semester",
            "startDate": "2026-08-24",
            "endDate": "2026-12-18",
            "schoolYear": "2027",
        }
    ],
    "courses": [
        {"sourcedId": "c-bio", "title": "Biology", "courseCode": "BIO-101", "orgSourcedId": "org-north"},
        {"sourcedId": "c-chem", "title": "Chemistry", "courseCode": "CHEM-110", "orgSourcedId": "org-north"},
    ],
    "classes": [
        {
            "sourcedId": f"k-{name}",
            "title": name,
            "courseSourcedId": f"c-{name}",
            "classCode": "1",
            "schoolSourcedId": "org-north",
            "termSourcedIds": "s-1",
        }
        for name in ("bio", "chem")
    ],
    "users": [
        user("u-1", "Sora", "Example", "N-1", preferredGivenName="Sol", pronouns="they"),
        user("u-2", "Ines", "Sample", "N-2"),
        user("u-9", "Teo", "Teacher", "teo"),
    ],
    "roles": [role("r-1", "u-1"), role("r-2", "u-2"), role("r-9", "u-9", "teacher")],
    "enrollments": [
        enrollment("e-1", "k-bio", "u-1"),
        enrollment("e-2", "k-chem", "u-1"),
        enrollment("e-3", "k-bio", "u-2"),
        enrollment("e-9", "k-bio", "u-9", "teacher"),
    ],
}


def delta(row: Mapping[str, str], status: str = "active") -> dict[str, str]:
    return {**row, "status": status, "dateLastModified": CHANGED}


def sheet(kind: str, rows: Sequence[Mapping[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADERS[kind].split(","), restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def manifest(files: Mapping[str, str], version: str = "1.2") -> bytes:
    lines = ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}"]
    lines += [f"file.{kind},{files.get(kind, 'absent')}" for kind in (*HEADERS, "demographics", "results")]
    return "\r\n".join([*lines, "source.systemName,Example SIS", ""]).encode()


def packed(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def roster_zip(tables: Mapping[str, Sequence[Mapping[str, str]]] = CAMPUS, mode: str = "bulk", **more: bytes) -> bytes:
    files = {f"{kind}.csv": sheet(kind, rows) for kind, rows in tables.items()}
    files["manifest.csv"] = manifest(dict.fromkeys(tables, mode))
    return packed(files | {name.replace("_", "."): data for name, data in more.items()})
