"""Whether a document is a mapping: everything that is to mend, each with its place in the document."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from services.intake.domain import flag_rows, referral_rows, roster_rows
from services.intake.domain.columns import Shape, canonical
from services.intake.domain.feeds import Brings
from services.intake.domain.mapping_fields import bad_format, finder
from shared.refusal import Refused

SHAPES: Mapping[Brings, Shape] = {
    "flags": flag_rows.SHAPE,
    "referrals": referral_rows.SHAPE,
    "roster": roster_rows.SHAPE,
}
ID_FIELD: Mapping[Brings, str] = {"flags": "alert_id", "referrals": "source_event_id", "roster": ""}
# What a document itself must give; the feed gives the campus, and the reader says what else a row needs.
_NEEDED: Mapping[Brings, tuple[tuple[str, ...], ...]] = {
    "flags": (("student_id", "student_email"), ("reason_code",), ("raised_at",)),
    "referrals": (("narrative",), ("happened_at",)),
    "roster": (("student_id",), ("name",), ("email",)),
}
_TOP = ("mapping", "about", "brings", "reads", "take", "clears", "fields")
_OF_A_FIELD = ("value", "column", "path", "values", "else", "format", "default", "optional")
LONGEST_PATH = 500
MOST_CLEARED = 50
MOST_FIELDS, MOST_VALUES = 80, 2_000


class Fault(NamedTuple):
    """Something to mend in a document, and where."""

    pointer: str
    detail: str


class UnfitMapping(Refused):
    """A document that is no mapping. `faults` say all that is to mend."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        first, *more = self.faults
        said = "".join(f" Also {fault.pointer}: {fault.detail}" for fault in more[:9])
        super().__init__("unfit_mapping", first.detail + said, status=422, pointer=f"/body/document{first.pointer}")


def faults_of(document: Mapping[str, Any], campus: str) -> Iterator[Fault]:
    """Yield what keeps a document from being a mapping for a feed of this campus (`*`: of several)."""
    for name in document:
        if name not in _TOP:
            yield Fault(f"/{name}", _unknown(str(name), _TOP))
    said = document.get("brings")
    brings: Any = said if isinstance(said, str) else ""
    if brings not in SHAPES:
        yield Fault("/brings", f"Say what it brings: {', '.join(SHAPES)}.")
        return
    if document.get("reads", "csv") not in ("csv", "json"):
        yield Fault("/reads", "Say what it reads: csv or json.")
    yield from _path_faults("/take", document.get("take"))
    yield from _clears_faults(document.get("clears"), brings)
    fields = document.get("fields")
    if not isinstance(fields, Mapping) or not fields or len(fields) > MOST_FIELDS:
        yield Fault("/fields", f"Name the fields, at most {MOST_FIELDS}.")
        return
    yield from _missing(fields, brings, campus)
    for name, said in fields.items():
        yield from _field_faults(str(name), said, brings, str(document.get("reads", "csv")))


def _clears_faults(said: object, brings: Brings) -> Iterator[Fault]:
    if said is None:
        return
    if brings != "flags":
        yield Fault("/clears", "Only what brings flags can end flags.")
    if (
        not isinstance(said, list | tuple)
        or not 0 < len(said) <= MOST_CLEARED
        or not all(isinstance(each, str) and each.strip() for each in said)
    ):
        yield Fault("/clears", f"Name the reasons of the flags that are ended, at most {MOST_CLEARED}.")


def _missing(fields: Mapping[str, Any], brings: Brings, campus: str) -> Iterator[Fault]:
    for names in _NEEDED[brings]:
        if not any(name in fields for name in names):
            yield Fault("/fields", f"The field {' or '.join(names)} is missing.")
    if campus == "*" and "campus_code" not in fields:
        yield Fault("/fields", "The field campus_code is missing: the feed is not of one campus.")


def _field_faults(name: str, said: object, brings: Brings, reads: str) -> Iterator[Fault]:
    at, shape = f"/fields/{name}", SHAPES[brings]
    if name not in shape.known and (brings != "roster" or canonical(name) != name):
        yield Fault(at, _unknown(name, shape.known))
    said = whole(said, reads)
    if not isinstance(said, Mapping):
        yield Fault(at, "Say where the value comes from: a column, a path or a value.")
        return
    for key in said:
        if key not in _OF_A_FIELD:
            yield Fault(f"{at}/{key}", _unknown(str(key), _OF_A_FIELD))
    if sum(key in said for key in ("value", "column", "path")) != 1:
        yield Fault(at, "Say one of column, path and value.")
    if "column" in said:
        yield from _column_faults(f"{at}/column", said["column"], reads)
    yield from _path_faults(f"{at}/path", said.get("path"))
    yield from _values_faults(at, said)
    yield from _format_faults(f"{at}/format", said.get("format"))


def _format_faults(at: str, formats: object) -> Iterator[Fault]:
    for how in listed(formats):
        wrong = bad_format(how) if isinstance(how, str) else "not a text"
        if wrong:
            yield Fault(at, f"This is {wrong}.")


def _column_faults(at: str, column: object, reads: str) -> Iterator[Fault]:
    if reads != "csv":
        yield Fault(at, "Columns are of csv; say a path.")
    if not listed(column) or not all(isinstance(each, str) and each.strip() for each in listed(column)):
        yield Fault(at, "Name the heading of the column, or a list of headings it may have.")


def _path_faults(at: str, path: object) -> Iterator[Fault]:
    if path is None:
        return
    if not isinstance(path, str) or not path.strip() or len(path) > LONGEST_PATH:
        yield Fault(at, f"A JMESPath is a text of at most {LONGEST_PATH} signs.")
        return
    try:
        finder(path)
    except ValueError as error:
        yield Fault(at, f"This is {error}.")


def _values_faults(at: str, said: Mapping[str, Any]) -> Iterator[Fault]:
    values = said.get("values")
    if values is not None and (
        not isinstance(values, Mapping)
        or not values
        or len(values) > MOST_VALUES
        or not all(_is_scalar(each) for each in values.values())
    ):
        yield Fault(f"{at}/values", f"Say for each value what it means; at most {MOST_VALUES}.")
    if "else" in said and values is None:
        yield Fault(f"{at}/else", "There are no values that this could be the rest of.")
    for key in ("value", "else", "default"):
        if not _is_scalar(said.get(key, "")):
            yield Fault(f"{at}/{key}", "This must be one text, number or yes/no.")
    if not isinstance(said.get("optional", False), bool):
        yield Fault(f"{at}/optional", "Say true or false.")


def _unknown(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Not known here.{f' Is {near[0]} meant?' if near else ''} Known: {', '.join(known)}."


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float | bool)


def listed(value: object) -> list[Any]:
    """Return what may stand alone or in a list, as a list."""
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def whole(said: Any, reads: str) -> Any:  # noqa: ANN401 - checked by who asks
    """Return a field as it is meant: a bare text names its column, or in a mapping of json its path."""
    return {"column" if reads == "csv" else "path": said} if isinstance(said, str) else said
