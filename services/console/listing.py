"""Lists: filters and order in the address, part after part by key, saved under a name, and as a file of what is shown.

    filters = Filters(visit, [Choice("state", "State", [("", "Any"), ("new", "New")])], orders=NEWEST_FIRST)
    answer = await visit.ask("cases", "/cases", headers=filters.headers, **filters.parameters)
    if filters.csv:
        return as_csv("cases", ["Reference", "State"], rows)
    return visit.page("cases.html", filters=filters, saved=await filters.saved(), …)

What stands in an address is codes and ids, never a name: addresses are kept by browsers and proxies.
"""

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.responses import Response

from services.console.cookies import csrf
from services.console.owners import Answer
from services.console.storage import filters as stored
from services.console.visit import Visit, as_person
from shared.access.actors import EVERYWHERE
from shared.web.gate import EXPORT, USE_HEADER

AFTER, SORT, AS = "after", "sort", "as"
_LONGEST = 200
_AT_ONCE = 8
# What a spreadsheet would take for a formula (OWASP: CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
# Orders that many lists have: (the owner's code, words), the usual one first.
NEWEST_FIRST = (("newest", "Newest first"), ("oldest", "Oldest first"))
OLDEST_FIRST = (NEWEST_FIRST[1], NEWEST_FIRST[0])


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter. `options` are (code, words); None is a text field for a code; empty ones came by a link and go along.

    `asks` is the owner's name for it.
    """

    name: str
    label: str
    options: Sequence[tuple[str, str]] | None = None
    asks: str = ""


class Filters:
    """What the address of a list says, checked against what the list has."""

    def __init__(
        self,
        visit: Visit,
        choices: Sequence[Choice] = (),
        *,
        orders: Sequence[tuple[str, str]] = (),
        by_campus: bool = True,
    ) -> None:
        query = visit.request.query_params
        self._visit, self._choices, self._orders, self._by_campus = visit, choices, orders, by_campus
        self.path = visit.request.url.path
        self.values = {choice.name: _allowed(choice, query.get(choice.name, "")) for choice in choices}
        self.after = query.get(AFTER, "")[:_LONGEST]
        self.csv = query.get(AS) == "csv"
        wanted = query.get(SORT, "")
        # The usual order is not said in the address.
        self.sort = wanted if wanted in dict(orders[1:]) else ""

    @property
    def parameters(self) -> dict[str, str | None]:
        """What the owner is asked for, by its names; the chosen campus too."""
        asked: dict[str, str | None] = {
            choice.asks or choice.name: self.values[choice.name] or None for choice in self._choices
        }
        if self._by_campus and self._visit.campus != EVERYWHERE:
            asked.setdefault("campus", self._visit.campus)
        return {**asked, AFTER: self.after or None, SORT: self.order or None}

    @property
    def order(self) -> str:
        """The order of the list, by the owner's name; empty where it has but one."""
        return self.sort or (self._orders[0][0] if self._orders else "")

    @property
    def headers(self) -> Mapping[str, str]:
        """What tells the owner, and so its audit, that a file is taken away."""
        return {USE_HEADER: EXPORT} if self.csv else {}

    @property
    def chosen(self) -> bool:
        """Whether anything is filtered, so that an empty list can offer to clear it."""
        return any(self.values.values())

    @property
    def query(self) -> str:
        """The filters and the order as they stand in the address: what can be saved."""
        return urlencode({name: value for name, value in [*self.values.items(), (SORT, self.sort)] if value})

    def href(self, **changes: str) -> str:
        """Return the address with some of it otherwise; an empty value leaves it out. Begins at the first part."""
        held = {**self.values, SORT: self.sort} | changes
        said = urlencode({name: value for name, value in held.items() if value})
        return f"{self.path}?{said}" if said else self.path

    def next(self, after: str | None) -> str:
        """Return the address of the next part; empty at the end."""
        return self.href(after=after) if after else ""

    @property
    def first(self) -> str:
        """The address of the first part, from a later one."""
        return self.href() if self.after else ""

    @property
    def file(self) -> str:
        """The address of what is shown, as a file."""
        return self.href(**{AFTER: self.after, AS: "csv"})

    @property
    def clear(self) -> str:
        """The address without any filter, in the same order; empty where there is none."""
        return self.href(**dict.fromkeys(self.values, "")) if self.chosen else ""

    @property
    def fields(self) -> list[tuple[str, str, Sequence[tuple[str, str]] | None, str]]:
        """The filters, and the order where there is a choice, as the macro `filters` takes them."""
        fields = [(each.name, each.label, each.options, self.values[each.name]) for each in self._choices]
        # By a select, and not by heads of columns: on a phone a table has none.
        orders = [("" if place == 0 else code, words) for place, (code, words) in enumerate(self._orders)]
        return [*fields, (SORT, "Sort by", orders, self.sort)] if len(orders) > 1 else fields

    @property
    def csrf_field(self) -> Markup:
        """What the form that saves them carries."""
        return Markup('<input type="hidden" name="csrf" value="{}">').format(csrf(self._visit.token))

    async def saved(self) -> list[tuple[str, str, bool]]:
        """Return the person's saved filters of this list: name, address, and whether it is the present one."""
        async with self._visit.console.database.transaction(as_person(self._visit)) as tx:
            found = await stored.of_page(tx, self.path)
        return [(each.name, f"{self.path}?{each.query}", each.query == self.query) for each in found]


def _allowed(choice: Choice, value: str) -> str:
    """Return a value the filter has; anything else is as if it were not there."""
    if not choice.options:
        return value.strip()[:_LONGEST]
    return value if any(value == code for code, _ in choice.options) else ""


def as_csv(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Answer with a file that a spreadsheet opens and in which nothing is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([safe_cell(column) for column in columns])
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    # A mark at the beginning, or spreadsheets take names for Latin-1.
    return Response(
        "\ufeff" + out.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"},
    )


def safe_cell(value: object) -> str:
    """Return a value as text that no spreadsheet computes."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


@dataclass(frozen=True, slots=True)
class Done:
    """What became of several things done at once."""

    done: int
    refused: tuple[tuple[str, str], ...]

    def said(self, what: str) -> str:
        """Return it as a sentence: "12 decided. 1 was not: …"."""
        if not self.refused:
            return f"{self.done} {what}."
        return f"{self.done} {what}, {len(self.refused)} not: {self.refused[0][1]}"


async def each(ids: Sequence[str], do: Callable[[str], Awaitable[Answer]]) -> Done:
    """Do something with everything chosen, a few at a time, each decided for itself by its owner."""
    few = asyncio.Semaphore(_AT_ONCE)

    async def one(id_: str) -> tuple[str, Any]:
        async with few:
            return id_, await do(id_)

    answers = await asyncio.gather(*(one(id_) for id_ in dict.fromkeys(ids)))
    refused = tuple((id_, answer.detail or "It is away just now.") for id_, answer in answers if not answer.ok)
    return Done(len(answers) - len(refused), refused)
