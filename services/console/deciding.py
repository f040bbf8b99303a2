"""What is decided about a referral: read from a form, checked in words, sent to its owner in its owner's terms."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.console.owners import Answer
from services.console.reading import LEVELS, MUST_RATE, REASONS, reason_for
from services.console.visit import Visit

_REFERENCE = re.compile(r"^[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$")


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody chose. `wrong` is (field, sentence) for what is missing, empty when nothing is."""

    decision: str
    rating: str
    reason: str
    of: str
    wrong: tuple[tuple[str, str], ...]


def decision_of(form: Mapping[str, str]) -> Decision:
    """Read a decision. Nothing is chosen beforehand, so something may be missing."""
    decision, rating = form.get("decision", ""), form.get("rating", "")
    reason, of = form.get("reason", ""), form.get("of", "").strip().upper()
    rating = rating if rating in LEVELS else ""
    wrong: list[tuple[str, str]] = []
    if decision not in REASONS:
        wrong.append(("decision", "Choose what becomes of it"))
    elif decision == "redirect" and not reason_for(decision, reason):
        wrong.append(("reason", "Choose where to send it"))
    elif decision == "duplicate" and not _REFERENCE.match(of):
        wrong.append(("of", "Write the reference of the referral it repeats, such as 7KD-4QX2-9MPA"))
    elif decision in MUST_RATE and not rating:
        wrong.append(("rating", "Choose how worried you are"))
    return Decision(decision, rating, reason_for(decision, reason), of, tuple(wrong))


async def send(visit: Visit, referral_id: str, made: Decision, key: str, *, several: bool = False) -> Answer:
    """Have a decision made. Sending elsewhere and naming a double are verbs of their own."""
    here = f"/referrals/{referral_id}"
    rating: dict[str, Any] = {"rating": made.rating} if made.rating else {}
    if made.decision == "redirect":
        return await visit.tell("intake", "POST", f"{here}/redirect", {"office": made.reason, **rating}, key=key)
    if made.decision == "duplicate":
        return await visit.tell("intake", "POST", f"{here}/duplicate", {"of": made.of, **rating}, key=key)
    decision = "spam" if made.reason == "spam" else made.decision
    body = {"decision": decision, "reason_code": made.reason, "several": several, **rating}
    return await visit.tell("intake", "POST", f"{here}/triage", body, key=key)
