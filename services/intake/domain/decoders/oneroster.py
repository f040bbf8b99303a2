"""OneRoster 1.1 and 1.2 as CSV files in a zip: what each file says, row by row.

A file is `bulk` (all there is: what it does not name has left) or `delta` (what changed since). Only what a roster
needs is read: passwords, telephone numbers, grades and guardians never leave the zip file.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Literal, NamedTuple, get_args

from services.intake.domain.decoders.archives import LIMITS, Limits, Member, members, whole
from services.intake.domain.decoders.parts import BadPart, Unread, refuse
from services.intake.domain.delimited import Record, Records
from services.intake.domain.rejects import raw_of

Mode = Literal["bulk", "delta", "absent"]
Kind = Literal["orgs", "academicSessions", "courses", "classes", "users", "roles", "enrollments"]

MANIFEST = "manifest.csv"
VERSIONS = ("1.1", "1.2")
ACTIVE, TO_BE_DELETED = "active", "tobedeleted"
_SMALL = 64 * 1024
_LONGEST_CELL, _LONGEST_ID = 1_000, 255


class Shape(NamedTuple):
    """The columns of one file that are read."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


# In the order in which they refer to each other.
SHAPES: Mapping[Kind, Shape] = {
    "orgs": Shape(("name", "type"), ("identifier", "parentSourcedId")),
    "academicSessions": Shape(("title", "type", "startDate", "endDate"), ("schoolYear",)),
    "courses": Shape(("title", "orgSourcedId"), ("courseCode",)),
    "classes": Shape(("title", "courseSourcedId", "schoolSourcedId", "termSourcedIds"), ("classCode", "location")),
    "users": Shape(
        ("enabledUser", "username", "givenName", "familyName"),
        (
            "middleName", "identifier", "email", "role", "orgSourcedIds", "primaryOrgSourcedId",
            "preferredGivenName", "preferredFamilyName", "pronouns",
        ),
    ),
    "roles": Shape(("userSourcedId", "role", "orgSourcedId"), ("roleType", "beginDate", "endDate")),
    "enrollments": Shape(
        ("classSourcedId", "userSourcedId", "role"), ("schoolSourcedId", "primary", "beginDate", "endDate")
    ),
}  # fmt: skip
_NEEDED: tuple[Kind, ...] = ("orgs", "users")


@dataclass(frozen=True)
class Manifest:
    """What a zip file says of itself. Files that are not named in it, or are `absent`, are not there."""

    version: str
    files: Mapping[Kind, Mode]
    system: str = ""

    @property
    def whole(self) -> bool:
        """Whether this is all there is, as far as users go."""
        return self.files.get("users") == "bulk"


class Object(NamedTuple):
    """One row. `gone` objects are to be forgotten; `fields` are those read, without empty ones."""

    kind: Kind
    sourced_id: str
    gone: bool
    fields: Mapping[str, str]
    place: str


@dataclass
class Read:
    """What a piece of a file held."""

    objects: list[Object] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)


def manifest_in(file: BinaryIO, name: str = "roster.zip", limits: Limits = LIMITS) -> Manifest:
    """Read the manifest of a zip file. Raises Refused when there is none, or it does not fit what is there."""
    found, there = None, set[str]()
    for member in members(file, name, limits):
        there.add(member.name)
        if member.name == MANIFEST:
            found = whole(member, _SMALL)
    if found is None:
        refuse("no_manifest", "There is no manifest.csv. Send the zip file as OneRoster 1.2 describes it.")
    manifest = _manifest(found)
    for kind, mode in manifest.files.items():
        if mode != "absent" and f"{kind}.csv" not in there:
            refuse("file_missing", f"The manifest names {kind}.csv, which is not in the zip file.")
    if not any(manifest.files.get(kind, "absent") != "absent" for kind in SHAPES):
        refuse("nothing_to_read", "The manifest names no file of a roster: users, classes, enrollments and so on.")
    missing = [kind for kind in _NEEDED if manifest.whole and manifest.files.get(kind, "absent") == "absent"]
    if missing:
        refuse("file_missing", f"A roster in bulk needs {missing[0]}.csv.")
    file.seek(0)
    return manifest


def files_of(file: BinaryIO, manifest: Manifest, limits: Limits = LIMITS) -> Iterator[tuple[Kind, Member]]:
    """Yield the files that the manifest announces and a roster needs, in the order in which they are packed."""
    wanted = {f"{kind}.csv": kind for kind, mode in manifest.files.items() if mode != "absent"}
    for member in members(file, "roster.zip", limits):
        if member.name in wanted:
            yield wanted[member.name], member


def _manifest(data: bytes) -> Manifest:
    records = Records()
    rows = [*records.feed(data), *records.finish()]
    said = {cells[0].strip(): cells[1].strip() for _, cells in rows if len(cells) > 1}
    version = said.get("oneroster.version", "")
    if version not in VERSIONS:
        refuse("unknown_version", "The manifest says no oneroster.version of 1.1 or 1.2; nothing else is read.")
    files: dict[Kind, Mode] = {}
    for kind in SHAPES:
        mode = said.get(f"file.{kind}", "absent").lower()
        if mode not in get_args(Mode):
            refuse("unknown_mode", f"The manifest says neither bulk, delta nor absent for {kind}.")
        files[kind] = mode  # type: ignore[assignment]
    return Manifest(version, files, said.get("source.systemName", "")[:_LONGEST_ID])


class FileReader:
    """Reads one file as its pieces come."""

    def __init__(self, kind: Kind, mode: Mode) -> None:
        self._kind, self._mode, self._shape = kind, mode, SHAPES[kind]
        self._records = Records()
        self._places: dict[str, int] = {}
        self._seen = set[str]()
        self.columns: tuple[str, ...] = ()

    def feed(self, piece: bytes) -> Read:
        """Return what is complete with this piece. Raises Refused for a header that cannot be read by."""
        return self._read(self._records.feed(piece))

    def finish(self) -> Read:
        """Return the rest."""
        read = self._read(self._records.finish())
        if not self._records.header:
            refuse("empty_file", f"{self._kind}.csv is empty; it has at least a line of column names.")
        return read

    def _read(self, records: Iterable[Record]) -> Read:
        if self._records.header and not self.columns:
            self._header(self._records.header)
        read = Read()
        for line, cells in records:
            try:
                read.objects.append(self._object(line, cells))
            except BadPart as bad:
                read.unread.append(Unread(self._place(line), bad.code, bad.reason, self._raw(cells)))
        rejects, self._records.rejects = self._records.rejects, []
        for reject in rejects:
            why = f"{reject.reason.capitalize()}; accepted: {reject.accepted or 'shorter lines'}."
            read.unread.append(Unread(self._place(reject.row), "unreadable_line", why, self._raw([reject.raw])))
        return read

    def _header(self, header: list[str]) -> None:
        names = [name.strip() for name in header]
        lower = {name.lower(): place for place, name in reversed(list(enumerate(names)))}
        wanted = ("sourcedId", "status", "dateLastModified", *self._shape.required, *self._shape.optional)
        self._places = {name: lower[name.lower()] for name in wanted if name.lower() in lower}
        missing = [name for name in ("sourcedId", *self._shape.required) if name not in self._places]
        if missing:
            refuse(
                "missing_columns", f"{self._kind}.csv lacks the column {missing[0]}. Send it with OneRoster's header."
            )
        self.columns = tuple(names)

    def _object(self, line: int, cells: list[str]) -> Object:
        if len(cells) != len(self.columns):
            raise BadPart("wrong_width", "The row has another number of cells than the header has names.")
        said = {name: cells[place].strip() for name, place in self._places.items()}
        if any(len(cell) > _LONGEST_CELL for cell in said.values()):
            raise BadPart("too_long", f"A cell is longer than {_LONGEST_CELL} signs.")
        sourced_id = said.pop("sourcedId")
        if not sourced_id or len(sourced_id) > _LONGEST_ID or not sourced_id.isprintable():
            raise BadPart("no_sourced_id", f"The row has no sourcedId of at most {_LONGEST_ID} printable signs.")
        if sourced_id in self._seen:
            raise BadPart("sourced_id_twice", "Another row of this file has the same sourcedId. Each stands once.")
        self._seen.add(sourced_id)
        gone = self._gone(said.pop("status", ""), said.pop("dateLastModified", ""))
        if not gone:
            self._complete(said)
        return Object(
            self._kind, sourced_id, gone, {name: cell for name, cell in said.items() if cell}, self._place(line)
        )

    def _gone(self, status: str, modified: str) -> bool:
        if status.lower() not in {"", ACTIVE, TO_BE_DELETED}:
            raise BadPart("unknown_status", "status is neither active nor tobedeleted.")
        if self._mode == "delta":
            if not status:
                raise BadPart("no_status", "A row of a delta says active or tobedeleted in status.")
            if not _is_time(modified):
                raise BadPart("no_time", "A row of a delta says in dateLastModified when it changed, in ISO 8601.")
        return status.lower() == TO_BE_DELETED

    def _complete(self, said: Mapping[str, str]) -> None:
        missing = [name for name in self._shape.required if not said[name] and name not in {"username", "enabledUser"}]
        if missing:
            raise BadPart("empty_cell", f"The cell {missing[0]} is empty, and OneRoster requires it.")

    def _place(self, line: int) -> str:
        return f"{self._kind}.csv line {line}"

    def _raw(self, cells: list[str]) -> bytes:
        """Return a row without the cells that are not read, under its header."""
        names = [name for name, _ in sorted(self._places.items(), key=lambda each: each[1])]
        if len(cells) != len(self.columns):
            return raw_of(cells).encode()
        return f"{','.join(names)}\n{raw_of([cells[self._places[name]] for name in names])}\n".encode()


def _is_time(cell: str) -> bool:
    try:
        datetime.fromisoformat(cell)
    except ValueError:
        return False
    return True
