"""Forms: read once, within limits, and only from a page of the same session."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from services.console.cookies import is_csrf
from services.console.visit import Visiting
from shared.refusal import Refused

FIELDS = 1000
FILES = 20
HEADER = "X-CSRF"
# What the frame adds to every form, and no page means.
OWN_FIELDS = frozenset({"csrf", "form_key"})


class Fields(Mapping[str, str]):
    """What was typed. `fields["name"]` is the first value, stripped; `all` every one; `file` an upload, if any."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def __getitem__(self, name: str) -> str:
        """Return the first value; raises KeyError for a field that was not sent."""
        value = next((each for each in self._data.getlist(name) if isinstance(each, str)), None)
        if value is None:
            raise KeyError(name)
        return value.replace("\r\n", "\n").strip()

    def __iter__(self) -> Iterator[str]:
        return iter({name for name, value in self._data.multi_items() if isinstance(value, str)})

    def __len__(self) -> int:
        return len(list(iter(self)))

    def all(self, name: str) -> list[str]:
        """Return every value of a field, such as of boxes that were ticked."""
        return [each.strip() for each in self._data.getlist(name) if isinstance(each, str) and each.strip()]

    def file(self, name: str) -> UploadFile | None:
        """Return a file that was chosen."""
        found = self._data.get(name)
        return found if isinstance(found, UploadFile) and found.filename else None

    @property
    def key(self) -> str:
        """The key of this one form: sending it twice is sending it once."""
        return self.get("form_key", "")


async def read(request: Request) -> FormData:
    """Return the form of a request, parsed once however many ask."""
    return await request.form(max_files=FILES, max_fields=FIELDS)


async def form(request: Request, visit: Visiting) -> Fields:
    """Return the form somebody sent; refuse one that did not come from a page of theirs."""
    fields = Fields(await read(request))
    given = request.headers.get(HEADER) or fields.get("csrf", "")
    elsewhere = request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")
    if elsewhere or not is_csrf(visit.token, given):
        raise Refused(
            "form_not_ours",
            "This form did not come from a page of yours. Open the page again and send it from there.",
            status=HTTPStatus.FORBIDDEN,
        )
    return fields


Form = Annotated[Fields, Depends(form)]
