"""The mappings that come with the product: files to begin from, read once."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from shared.refusal import Refused

FOLDER = Path(__file__).parents[1] / "mappings"


@cache
def shipped() -> dict[str, dict[str, Any]]:
    """Return the shipped mappings by name. `for` says for which kinds of feeds each is made; it is no part of one."""
    return {path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))}


def document_of(name: str) -> dict[str, Any]:
    """Return a shipped mapping as a document. Raises Refused (422) for one that is not."""
    found = shipped().get(name)
    if found is None:
        raise Refused(
            "no_such_mapping", f"Shipped mappings: {', '.join(shipped())}.", status=422, pointer="/body/mapping"
        )
    return {key: value for key, value in found.items() if key != "for"}
