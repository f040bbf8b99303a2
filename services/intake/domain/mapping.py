"""A mapping: the versioned document that says what the items of a feed mean. Checked as a whole, then compiled.

mapping: some-name
about: One line for people.
brings: flags                  # or referrals, roster
reads: csv                     # or json
take: "status != 'Cleared'"    # optional JMESPath; what it does not take is skipped
clears: [NO_ACTIVITY]          # optional, of flags: items raise nothing, and end open flags with these reasons
fields:
  student_id: {column: [Student ID, SIS ID]}      # a heading, or several that it may have
  course_code: {path: body.course.id}             # JMESPath, in csv over the row as an object
  campus_code: {value: NORTH}                     # the same for all
  severity: {column: Priority, values: {High: 3, Low: 1}, else: 2}
  raised_at: {column: Created, format: "%m/%d/%Y %H:%M"}
  comment: {column: Notes, optional: true}        # its column may be missing; `default` fills an empty value
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from services.intake.domain.columns import Shape, canonical
from services.intake.domain.feeds import Brings
from services.intake.domain.flag_rules import reason_code
from services.intake.domain.mapping_checks import ID_FIELD, SHAPES, UnfitMapping, faults_of, listed, whole
from services.intake.domain.mapping_fields import Change, FieldSpec, Find, changes, finder, id_of, text_of
from services.intake.domain.rejects import BadCell

# Both return None for an item that the mapping does not take, and raise BadCell for one it cannot read.
JsonCells = Callable[[Any, str], list[str] | None]
RowCells = Callable[[list[str]], list[str] | None]


class ColumnsMissing(Exception):  # noqa: N818 - read by the delivery, which sets the rows aside
    """A file without columns that the mapping reads. `columns` are headings of the mapping."""

    def __init__(self, columns: Sequence[str], near: Mapping[str, str]) -> None:
        super().__init__("columns are missing")
        self.columns = tuple(columns)
        hints = "".join(f"; is {there} meant as {missing}?" for missing, there in near.items())
        self.bad = BadCell(columns[0], "the column is not in the file", ", ".join(columns) + hints)


@dataclass(frozen=True)
class Compiled:
    """A mapping ready to read items. `names` are the fields it gives, in the order of the cells."""

    name: str
    brings: Brings
    reads: str
    names: tuple[str, ...]
    specs: tuple[FieldSpec, ...]
    take: Find | None = None
    # Reasons, as codes, of the flags that its items end; empty where they raise flags.
    clears: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape:
        """The shape of rows it makes."""
        return SHAPES[self.brings]

    def of_json(self) -> JsonCells:
        """Return what makes cells of one JSON item and the id its sender gave it; None for what is not taken."""
        finds = [_find(spec) for spec in self.specs]
        steps = [changes(spec) for spec in self.specs]
        places = [spec.place for spec in self.specs]
        identity = self.names.index(ID_FIELD[self.brings]) if ID_FIELD[self.brings] in self.names else -1
        take = self.take

        def cells(item: Any, event_id: str = "") -> list[str] | None:  # noqa: ANN401 - any JSON
            if take is not None and not take(item):
                return None
            made = [text_of(find(item), place) for find, place in zip(finds, places, strict=True)]
            for place, step in enumerate(steps):
                if step is not None:
                    made[place] = step(made[place])
            if identity >= 0:
                made[identity] = id_of(made[identity] or event_id)
            return made

        return cells

    def of_csv(self, header: Sequence[str]) -> tuple[RowCells, tuple[str, ...]]:
        """Return what makes cells of a row under this header, and headings that the mapping does not know.

        Raises ColumnsMissing. Columns are picked by place; only a `path` or a `take` looks at the row as an object.
        """
        places = _places(header, self.specs)
        strangers = _strangers(header, self.specs) if not self._reads_paths else ()
        identity = self.names.index(ID_FIELD[self.brings]) if ID_FIELD[self.brings] in self.names else -1
        return _row_reader(header, self.specs, places, self.take, identity), strangers

    @property
    def _reads_paths(self) -> bool:
        return any(spec.path for spec in self.specs)


def compiled(document: Mapping[str, Any], campus: str) -> Compiled:
    """Check a document and compile it for a feed of this campus (`*`: it must name one). Raises UnfitMapping."""
    faults = list(faults_of(document, campus))
    if faults:
        raise UnfitMapping(faults)
    brings: Brings = document["brings"]
    reads = str(document.get("reads", "csv"))
    specs = {name: _spec(name, whole(said, reads)) for name, said in document["fields"].items()}
    if "campus_code" not in specs:
        specs["campus_code"] = FieldSpec("campus_code", value=campus)
    for name in (*SHAPES[brings].required, ID_FIELD[brings]):
        if name and name not in specs:
            specs[name] = FieldSpec(name, value="")
    take = finder(document["take"]) if document.get("take") else None
    name, clears = str(document.get("mapping", "")), tuple(map(reason_code, document.get("clears", ())))
    return Compiled(name, brings, reads, tuple(specs), tuple(specs.values()), take, clears)


def _spec(name: str, said: Any) -> FieldSpec:  # noqa: ANN401 - checked before
    values = said.get("values")
    return FieldSpec(
        name,
        value=text_of(said["value"], name) if "value" in said else None,
        columns=tuple(listed(said.get("column"))),
        path=said.get("path", ""),
        values=None if values is None else {text_of(key, name): text_of(each, name) for key, each in values.items()},
        otherwise=text_of(said["else"], name) if "else" in said else None,
        formats=tuple(listed(said.get("format"))),
        default=text_of(said.get("default", ""), name),
        optional=said.get("optional", False) or bool(said.get("default")),
    )


def _find(spec: FieldSpec) -> Find:
    if spec.value is not None:
        return lambda _item: spec.value
    return finder(spec.path)


def _places(header: Sequence[str], specs: Sequence[FieldSpec]) -> list[int]:
    """Return where each field's column stands; behind the last for what is not read from a column."""
    there = {canonical(heading): place for place, heading in reversed(list(enumerate(header)))}
    places, missing = list[int](), list[str]()
    for spec in specs:
        found = next((there[name] for name in map(canonical, spec.columns) if name in there), None)
        if found is None and spec.columns and not spec.optional:
            missing.append(spec.columns[0])
        places.append(len(header) if found is None else found)
    if missing:
        named = {canonical(column) for spec in specs for column in spec.columns}
        strangers = [heading for heading in there if heading and heading not in named]
        near = {each: match[0] for each in missing if (match := get_close_matches(canonical(each), strangers, n=1))}
        raise ColumnsMissing(missing, near)
    return places


def _strangers(header: Sequence[str], specs: Sequence[FieldSpec]) -> tuple[str, ...]:
    named = {canonical(column) for spec in specs for column in spec.columns}
    return tuple(name for heading in header if (name := canonical(heading)) and name not in named)


def _row_reader(
    header: Sequence[str], specs: Sequence[FieldSpec], places: Sequence[int], take: Find | None, identity: int
) -> RowCells:
    """Return what makes cells of a row. A row of another width than the header is the reader's to refuse."""
    pick, change = _picker(specs, places), _changer(specs, identity)
    paths = [(place, spec.place, finder(spec.path)) for place, spec in enumerate(specs) if spec.path]
    if take is None and not paths:
        return lambda row: change(pick(row))

    def by_path(row: list[str]) -> list[str] | None:
        item = dict(zip(header, row, strict=False))
        if take is not None and not take(item):
            return None
        made = pick(row)
        for place, said, find in paths:
            made[place] = text_of(find(item), said)
        return change(made)

    return by_path


def _picker(specs: Sequence[FieldSpec], places: Sequence[int]) -> Callable[[list[str]], list[str]]:
    """Return what picks the cells of a row by their places, and puts in what is the same for all."""
    constants = [(place, spec.value) for place, spec in enumerate(specs) if spec.value is not None]

    def pick(row: list[str]) -> list[str]:
        padded = [*row, ""]
        made = [padded[place] for place in places]
        for place, value in constants:
            made[place] = value
        return made

    return pick


def _changer(specs: Sequence[FieldSpec], identity: int) -> Callable[[list[str]], list[str]]:
    """Return what reads values and times in the cells of a row, in place."""
    steps: list[tuple[int, Change]] = [
        (place, step) for place, spec in enumerate(specs) if (step := changes(spec)) is not None
    ]
    if identity >= 0:
        steps.append((identity, id_of))

    def change(made: list[str]) -> list[str]:
        for place, step in steps:
            made[place] = step(made[place])
        return made

    return change
