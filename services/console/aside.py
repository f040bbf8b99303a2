"""What can be done with a row that a feed set aside and that nobody can mend on its page."""

from collections.abc import Mapping
from typing import Any

_KEPT_FILE = "The file it came in is kept for 30 days in the folder “processed” or “rejected” of the feed"


def instead(item: Mapping[str, Any], feed: Mapping[str, Any]) -> list[str]:
    """Say what to do with an item that cannot be mended on its page."""
    if item["whole"] and item["form"] != "bytes":
        return ["It is too long to mend here. Where the mapping is the cause, mend that and play it back."]
    if feed["kind"] in ("file_drop", "oneroster"):
        why = (
            "This could not be read by itself"
            if item["form"] == "bytes"
            else "It is longer than what is kept of it; here is its beginning"
        )
        return [
            f"{why}, so it can be neither mended here nor played back.",
            f"{_KEPT_FILE}, under a name that ends with its own. Mend it, and drop it into the feed's folder again.",
        ]
    why = "It is larger than what is taken at once; here is its beginning" if not item["whole"] else "It is no item"
    return [f"{why}, so it can be neither mended here nor played back. Let its sender send it again, in smaller parts."]
