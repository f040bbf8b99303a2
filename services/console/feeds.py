"""Words and shapes of the pages about feeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

KINDS = {
    "file_drop": "Files in a folder",
    "http_push": "Pushed over HTTPS",
    "canvas": "Canvas Live Events",
    "caliper": "Caliper events",
    "oneroster": "OneRoster files",
    "topic": "A topic of Kafka",
    "referrals_api": "Referrals API",
}
BRINGS = {"flags": "Flags", "referrals": "Referrals", "roster": "The roster"}
STATES = {
    "draft": ("Not in use yet", "soon"),
    "active": ("In use", ""),
    "paused": ("Paused", "late"),
    "retired": ("Ended", ""),
}
FATES = {
    "accepted": "Taken",
    "unchanged": "There already",
    "merged": "Known from another feed",
    "skipped": "Not wanted by the mapping",
    "quarantined": "Set aside",
}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WORKDAYS = range(5)
LONGEST_DOCUMENT = 200_000


class NotYaml(ValueError):  # noqa: N818 - what is wrong with it
    """A text that is no mapping at all; says where it goes wrong."""


class _Plain(yaml.SafeLoader):
    """YAML without references to itself: with them a small text can mean a boundless one."""

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - PyYAML's own
        """Refuse a reference."""
        if self.check_event(yaml.AliasEvent):
            raise NotYaml("References (& and *) are not read. Write it out.")
        return super().compose_node(parent, index)


def read_document(text: str) -> dict[str, Any]:
    """Return the mapping that somebody typed. Raises NotYaml in words that help."""
    try:
        said = yaml.load(text, _Plain)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark is not None else ""
        raise NotYaml(f"This is no YAML{place}. Each field stands on a line of its own: name: value.") from error
    if not isinstance(said, dict):
        raise NotYaml("This is no mapping. It begins with lines such as brings: flags and fields:.")
    return {str(name): value for name, value in said.items() if name != "for"}


def written(document: Mapping[str, Any]) -> str:
    """Return a mapping as people read and write it."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=100)


def expected(feed: Mapping[str, Any]) -> str:
    """Say when and how much a feed should bring."""
    said = feed["expected"]
    if not said["days"]:
        return "Nothing is expected at a certain time"
    by = f" by {_hour(said['by'])}" if said["by"] else ""
    low, high = said["low"], said["high"]
    many = f", {low:,} to {high:,} rows" if high else f", at least {low:,} rows" if low else ""
    days = _days(said["days"])
    return f"{days}{by}{many}"


def _days(numbers: Sequence[int]) -> str:
    """Return days of the week in words: "Every day", "Monday to Friday", "Mon, Wed"."""
    if len(numbers) == len(DAYS):
        return "Every day"
    return "Monday to Friday" if list(numbers) == list(_WORKDAYS) else ", ".join(DAYS[day] for day in numbers)


def _hour(said: str) -> str:
    """Return "6:30 am" for "06:30"."""
    hour, _, minute = said.partition(":")
    return f"{int(hour) % 12 or 12}:{minute} {'am' if int(hour) < 12 else 'pm'}"  # noqa: PLR2004 - noon


def column_names(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the fields that some rows have, in order."""
    return list(dict.fromkeys(name for row in rows for name in row))


def sentence(words: str) -> str:
    """Return a reason as it stands at the beginning of a cell."""
    return words[:1].upper() + words[1:]
