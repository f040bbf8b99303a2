"""What an event is: a past-tense, complete fact, frozen, without names or free text."""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Generic, Literal, TypeVar
from uuid import UUID

import msgspec

Topic = Literal["roster", "flags", "referrals", "cases", "teams", "pages", "program", "access"]

# Topics that keep one full snapshot per key; the others keep 30 days of facts.
COMPACTED: frozenset[str] = frozenset({"roster", "program", "teams"})
TOPICS: tuple[Topic, ...] = ("roster", "flags", "referrals", "cases", "teams", "pages", "program", "access")

SENSITIVITIES = ("standard", "sensitive", "clinical", "titleix")
STRICTEST = "titleix"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact on a topic.

    `campus` is the campus code, or `*` where the whole system is meant. `sequence` is the version of the aggregate
    that published it, starting at 1. Codes are plain strings: a consumer that does not know one treats it as
    "other", and an unknown sensitivity as the strictest.
    """

    TYPE: ClassVar[str]
    TOPIC: ClassVar[Topic]

    campus: str
    sensitivity: str = "standard"
    sequence: int = 1

    @property
    def key(self) -> str:
        """The key on the topic: the id of the aggregate the event is about. It never changes."""
        raise NotImplementedError


class Snapshot(Event, frozen=True, kw_only=True):
    """The full present state of one key of a compacted topic. `sequence` is its version; a lower one is ignored."""

    status: str = "active"

    @property
    def removed(self) -> bool:
        """Whether the thing no longer exists. The snapshot comes long before any tombstone."""
        return self.status == "removed"


E_co = TypeVar("E_co", bound=Event, covariant=True)
C = TypeVar("C", bound=type[Event])


class Envelope(msgspec.Struct, Generic[E_co], frozen=True):
    """An event as it arrived, with what its headers and its place in the log say."""

    id: UUID
    time: datetime
    source: str
    event: E_co
    topic: str
    partition: int
    offset: int
    republished: bool = False

    @property
    def key(self) -> str:
        """The key of the event on its topic."""
        return self.event.key


class Catalogue:
    """Every event there is, by type. The contract between services, held against golden bytes in the tests."""

    def __init__(self) -> None:
        self._by_type: dict[str, type[Event]] = {}

    def add(self, cls: C) -> C:
        """Register an event class; use as a decorator."""
        if cls.TYPE in self._by_type:
            message = f"{cls.TYPE} is declared twice"
            raise ValueError(message)
        self._by_type[cls.TYPE] = cls
        return cls

    def find(self, type_: str) -> type[Event] | None:
        """Return the class of a type, or None for a type this release does not know."""
        return self._by_type.get(type_)

    def __iter__(self) -> Iterator[type[Event]]:
        return iter(self._by_type.values())


catalogue = Catalogue()
