"""What is wrong with a feed, in the words of a mail to its owner: what it is, and what to do about it."""

from typing import NamedTuple


class Said(NamedTuple):
    """How a subject line says it, and how the mail goes on."""

    headline: str
    meaning: str
    to_do: str


WORDS = {
    "silent": Said(
        "is silent",
        "Nothing has come when it was expected, more than once or for longer than you allow.",
        "Ask whoever runs the sending system whether it still sends, and whether its token or key has ended.",
    ),
    "late": Said(
        "is late",
        "What was expected by now has not come.",
        "If it comes later today this is over by itself. If it does not, look at the sending system.",
    ),
    "refused": Said(
        "is turned away",
        "Deliveries arrive and cannot be taken as a whole, such as a wrong signature or a damaged file.",
        "The feed's page says why, and what the sender can change. Nothing is lost: it can be sent again.",
    ),
    "errors": Said(
        "cannot be read in part",
        "More of what came than usual was set aside because it could not be read.",
        "The feed's page shows it by reason. Mend the mapping or the items, and read them again.",
    ),
    "unknown_codes": Said(
        "says codes without a meaning",
        "Some values are not in the mapping, so what said them was set aside.",
        "Say in the mapping what they mean, and read again what waits.",
    ),
    "new_columns": Said(
        "has new columns",
        "The file has columns that were not in it before. They are left out until the mapping reads them.",
        "If they matter, add them to the mapping. If not, put the mapping in use once more and this is over.",
    ),
    "volume_low": Said(
        "brings less than usual",
        "Much less has come for this day than this feed brings.",
        "Ask the sending system whether its export was complete.",
    ),
    "volume_high": Said(
        "brings more than usual",
        "Much more has come for this day than this feed brings.",
        "Ask the sending system whether something was sent twice or for too long a time.",
    ),
}
OTHER = Said("needs a look", "Something about it is not as it should be.", "The feed's page says more.")


def said_of(signal: str) -> Said:
    """Return the words for a signal, also for one that a later release knows."""
    return WORDS.get(signal, OTHER)
