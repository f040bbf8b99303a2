"""What is decided about a referral reaches its owner as it was chosen."""

from typing import Any

import pytest

from services.console.deciding import decision_of, send


class Owners:
    """Stands for a visit: notes what its owner is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    async def tell(self, _service: str, _method: str, path: str, body: Any, *, key: str) -> None:
        assert key
        self.told.append((path.rpartition("/")[2], body))


@pytest.mark.parametrize(
    ("decision", "more", "verb"),
    [
        ("redirect", {"reason": "counseling"}, "redirect"),
        ("duplicate", {"of": "7KD-4QX2-9MPA"}, "duplicate"),
        ("open_case", {}, "triage"),
    ],
)
async def test_how_worried_somebody_is_is_told_with_every_decision(
    decision: str, more: dict[str, str], verb: str
) -> None:
    owners = Owners()
    made = decision_of({"decision": decision, "rating": "critical", **more})
    assert not made.wrong
    await send(owners, "id", made, "key")  # type: ignore[arg-type]
    ((told, body),) = owners.told
    assert (told, body["rating"]) == (verb, "critical")
