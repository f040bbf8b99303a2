"""The columns of a case, once: how each is written from a case, and which may change after it was opened."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row

from services.cases.domain.assignment import Assignment
from services.cases.domain.case import Case
from services.cases.domain.codes import State

# Lists of codes travel as one text each, because `unnest` would flatten a list of lists. No code holds this sign.
_BETWEEN = "\x1f"

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Assignment)


class Column(NamedTuple):
    """A column: its type in Postgres, the value to send, and what makes a sent value a stored one.

    `fixed` ones never change. `opened` is what the column holds at a case's first version, where that needs no value
    of its own: half of a case need not be sent when it opens, which is what most batches do.
    """

    name: str
    sent: str
    value: Callable[[Case], Any]
    stored: str = "{0}"
    fixed: bool = False
    opened: str = ""


def _plain(name: str, sent: str, *, fixed: bool = False, opened: str = "") -> Column:
    return Column(name, sent, attrgetter(name), fixed=fixed, opened=opened)


def _codes(name: str, *, fixed: bool = False, opened: str = "") -> Column:
    def value(case: Case) -> str:
        return _BETWEEN.join(getattr(case, name))

    return Column(name, "text", value, "string_to_array({0}, E'\\x1f')", fixed, opened)


def _assignment(case: Case) -> str:
    return _encoder.encode(case.assignment).decode()


COLUMNS: tuple[Column, ...] = (
    _plain("case_id", "uuid", fixed=True),
    _plain("campus", "text", fixed=True),
    _plain("student_id", "uuid"),
    _plain("family", "text", fixed=True),
    _plain("sensitivity", "text"),
    _plain("state", "text"),
    _plain("level", "text"),
    _codes("concerns", fixed=True),
    _codes("added_concerns", opened="'{}'"),
    _plain("reason_code", "text", fixed=True),
    Column("assignment", "text", _assignment, "CAST({0} AS jsonb)"),
    _plain("owner_id", "text"),
    _plain("owner_since", "timestamptz", opened="CASE WHEN row.owner_id IS NOT NULL THEN CAST(:at AS timestamptz) END"),
    _plain("accepted_at", "timestamptz", opened="NULL"),
    _codes("declined_by", opened="'{}'"),
    _plain("outreach_due", "timestamptz"),
    _plain("report_due", "timestamptz", fixed=True),
    _plain("calendar_version", "text"),
    _plain("clocks_edition", "text"),
    _plain("next_contact_due", "timestamptz", opened="NULL"),
    _plain("contacts", "int", opened="0"),
    _plain("first_attempt_at", "timestamptz", opened="NULL"),
    _plain("engaged_at", "timestamptz", opened="NULL"),
    _plain("referred_at", "timestamptz", fixed=True),
    _plain("opened_at", "timestamptz", fixed=True, opened=":at"),
    _plain("ended_at", "timestamptz", opened="NULL"),
    _plain("merged_into", "uuid", opened="NULL"),
    _plain("apart", "boolean", opened="false"),
    _plain("version", "bigint", opened="1"),
    _plain("changed_by", "text", opened="'rule'"),
    _plain("changed_how", "text", opened="'opened'"),
    _plain("changed_at", "timestamptz", opened=":at"),
    _plain("held_from", "text", opened="NULL"),
    _plain("hold_reason", "text", opened="NULL"),
    _plain("review_at", "timestamptz", opened="NULL"),
    _plain("close_code", "text", opened="NULL"),
    _plain("contact_outcome", "text", opened="NULL"),
    _plain("last_reached_at", "timestamptz", opened="NULL"),
)
OPENING = tuple(column for column in COLUMNS if not column.opened)
CHANGING = tuple(column for column in COLUMNS if not column.fixed)

# What a case is read with; `assignment` as text, whatever the driver makes of jsonb.
SELECTED = ", ".join(
    "CAST(c.assignment AS text) AS assignment" if column.name == "assignment" else f"c.{column.name}"
    for column in COLUMNS
    if column.name != "owner_id"
)

_READ = tuple(column.name for column in COLUMNS if column.name != "owner_id")


def parameters(cases: Sequence[Case], columns: Sequence[Column] = COLUMNS) -> dict[str, list[Any]]:
    """Return the values of cases, a list a column."""
    return {column.name: [column.value(case) for case in cases] for column in columns}


def unnested(columns: Sequence[Column] = COLUMNS) -> str:
    """Return the FROM item that turns such lists into rows, called `row`."""
    lists = ", ".join(f"CAST(:{column.name} AS {column.sent}[])" for column in columns)
    names = ", ".join(column.name for column in columns)
    return f"unnest({lists}) AS row({names})"


def case_of(row: Row[Any], **more: Any) -> Case:  # noqa: ANN401 - referrals and members
    """Return a case from a row that begins with `SELECTED`, with its referrals and members."""
    values: dict[str, Any] = dict(zip(_READ, row, strict=False))
    values["assignment"] = _decoder.decode(values["assignment"])
    values["state"] = State(values["state"])
    values["held_from"] = State(values["held_from"]) if values["held_from"] else None
    for name in ("concerns", "added_concerns", "declined_by"):
        values[name] = tuple(values[name])
    return Case(**values, **more)
