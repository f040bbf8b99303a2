"""What stands around a page: who looks, where they are, what else waits. Services fill it in, templates show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from shared.web.ui.brands import Brand


@dataclass(frozen=True)
class NavItem:
    """One place to go. `count` None shows no number; `counted` says what is counted ("waiting", "not accepted")."""

    key: str
    label: str
    href: str
    count: int | None = None
    counted: str = "waiting"
    danger: bool = False
    current: bool = False


@dataclass(frozen=True, kw_only=True)
class ConsoleFrame:
    """The frame of a page for staff (`ui/frame.html`).

    `campus` is None where a person looks at several at once. `live` is the address of the event stream. `missing` are
    whole sentences, one for each owner that did not answer. `said` is what the last action did. `here` is this page's
    own path, to come back to from a choice of campus.
    """

    person: str
    nav: Sequence[NavItem]
    csrf: str
    zone: str
    campus: Brand | None = None
    campuses: Sequence[Brand] = ()
    said: str = ""
    missing: Sequence[str] = ()
    keys: bool = True
    theme: str = ""
    live: str = ""
    here: str = ""

    @property
    def csrf_field(self) -> Markup:
        """The hidden field that every form which changes something carries."""
        return Markup('<input type="hidden" name="csrf" value="{}">').format(self.csrf)


@dataclass(frozen=True)
class Language:
    """A language a public page can be read in; `label` is its name in itself."""

    code: str
    label: str
    href: str


@dataclass(frozen=True)
class Help:
    """Somebody to call at once. `number` is dialed; `text` says when to call them."""

    label: str
    number: str
    text: str


@dataclass(frozen=True, kw_only=True)
class PublicFrame:
    """The frame of a page without sign-in (`ui/public.html`), all words already in its language.

    `words` holds: skip, exit, exit_hint, danger_now (heading of the emergency notice), languages, foot.
    """

    campus: Brand
    service: str
    language: str
    words: dict[str, str]
    home: str = ""
    languages: Sequence[Language] = ()
    helps: Sequence[Help] = ()
    exit_url: str = ""
