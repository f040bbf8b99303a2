"""The last line: when nobody can be paged, intake itself mails the emergency contacts that a danger waits.

Claim, commit, send, mark: never a transaction over a send. A process that dies in between leaves a claim that runs out
and is sent again under the same Message-ID, so the contacts are told at least once, and mostly once.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.storage import watches
from services.intake.storage.watches import Waiting
from shared.access.actors import service_actor
from shared.ids import derived_id
from shared.program import load_program
from shared.storage.engines import Database
from shared.telemetry import counters, describe, logger

_log = logger("watch")


@dataclass(frozen=True, slots=True)
class Alarm:
    """A mail to send: to whom, about which referrals of which campus."""

    message_id: UUID
    to: tuple[str, ...]
    campus: str
    references: tuple[str, ...]


Send = Callable[[Alarm], Awaitable[None]]


async def watch_for_silence(database: Database, send: Send) -> int:
    """Tell the emergency contacts of dangers that wait, once each; return how many mails went out."""
    actor = service_actor(database.service)
    async with database.transaction(actor) as tx:
        waiting = await watches.claim(tx)
        program = await load_program(tx.connection) if waiting else None
        now = tx.now
    sent = 0
    for (claim, campus), dangers in _together(waiting).items():
        contacts = program.emergency_contacts(campus, now) if program else ()
        if not contacts:
            counters["dangers_without_emergency_contact"] += len(dangers)
            _log.critical("a danger referral waits and no emergency contact is named", extra={"campus": campus})
            continue
        references = tuple(danger.reference for danger in dangers)
        alarm = Alarm(derived_id("emergency", claim, campus), tuple(contacts), campus, references)
        try:
            await send(alarm)
        except Exception as error:  # noqa: BLE001 - logged; its claim runs out, and no other campus waits for it
            counters["emergency_mails_failed"] += 1
            error_class, place = describe(error)
            more = {"campus": campus, "error_class": error_class, "error_place": place}
            _log.critical("the emergency contacts could not be mailed", extra=more)
            continue
        async with database.transaction(actor) as tx:
            await watches.mailed(tx, claim, campus)
        sent += 1
    return sent


def _together(waiting: Sequence[Waiting]) -> dict[tuple[UUID, str], list[Waiting]]:
    """Group what is mailed together: what was claimed together for one campus."""
    groups: dict[tuple[UUID, str], list[Waiting]] = {}
    for each in _in_order(waiting):
        groups.setdefault((each.claim, each.campus), []).append(each)
    return groups


def _in_order(waiting: Iterable[Waiting]) -> list[Waiting]:
    return sorted(waiting, key=lambda each: (each.raised_at, each.reference))
