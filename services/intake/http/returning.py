"""What a referrer who comes back is shown of their referral, and what it may still hold."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import Request

from services.intake.domain.afterwards import TAKEN_BACK
from services.intake.domain.referrals import Referral
from services.intake.domain.signed import Way
from services.intake.http.files import LARGEST_OF_A_REFERRAL, MOST_OF_A_REFERRAL, File
from services.intake.http.public import REFERRER
from services.intake.http.words import Words
from services.intake.storage import referrals, referrers, threads
from services.intake.storage.referrers import Referrer, WayBack
from services.intake.storage.threads import MESSAGE, QUESTION
from shared.access.actions import Action
from shared.access.decision import Resource
from shared.privacy.keys import KeyRing
from shared.privacy.text import unseal
from shared.web.gate import Door, by_link

# Campuses may send a referral back and forth, and nobody follows them for ever.
_MOST_MOVES = 5


@dataclass(frozen=True)
class Seen:
    """A referral as its referrer may know it, with the words of staff's questions and no others."""

    referral: Referral
    referrer: Referrer
    questions: Sequence[tuple[UUID, str, datetime, bool]]
    said: Sequence[tuple[str, datetime, int]]
    taken_back: datetime | None


@dataclass(frozen=True)
class Visit:
    """One look at the page: the request, the keys, and whose way it is."""

    request: Request
    keys: KeyRing
    token: str
    way: Way

    def begin(self) -> AbstractAsyncContextManager[Door]:
        """Open a unit of work for the referrer."""
        return by_link(self.request, f"{REFERRER}{self.way.referral_id}").begin()

    def resource(self, found: WayBack) -> Resource:
        """Return what is decided on: the referral of the link's own addressee."""
        return Resource(
            "referral",
            id=str(found.referral_id),
            campus=found.campus,
            sensitivity=found.sensitivity,
            addressees=frozenset({f"{REFERRER}{self.way.referral_id}"}),
        )


async def with_room(door: Door, referral_id: UUID, files: Sequence[File]) -> list[File]:
    """Return the files there is room for."""
    count, size = await threads.room_left(door.connection, referral_id)
    kept: list[File] = []
    for file in files:
        size += len(file.content)
        if count + len(kept) >= MOST_OF_A_REFERRAL or size > LARGEST_OF_A_REFERRAL:
            break
        kept.append(file)
    return kept


async def found_of(door: Door, visit: Visit) -> WayBack:
    """Return where the referral of a way back is now, wherever it was moved since."""
    found = await referrers.way_back(door.connection, id_=visit.way.referral_id)
    if found is None:
        await door.absent(Action.REFERRER_READ, "referral", str(visit.way.referral_id))
    return await followed(door, found)


async def followed(door: Door, found: WayBack) -> WayBack:
    """Follow a referral to the campus that has it now."""
    for _ in range(_MOST_MOVES):
        if found.moved_to is None:
            break
        found = await referrers.way_back(door.connection, id_=found.moved_to) or found
    return found


async def seen_of(visit: Visit) -> Seen:
    async with visit.begin() as door:
        found = await found_of(door, visit)
        await door.allow(Action.REFERRER_READ, visit.resource(found))
        id_ = found.referral_id
        referral = (await referrals.load(door.connection, [id_]))[id_]
        referrer = (await referrers.load(door.connection, [id_]))[id_]
        messages = await threads.messages(door.connection, id_)
        asked = [each for each in messages if each.kind == QUESTION]
        places = [(id_, MESSAGE, each.message_id, each.body) for each in asked]
        words = await unseal(door, visit.keys, referral.campus, places)
        answered = {each.answers for each in messages if each.answers is not None}
        files = await threads.attachments(door.connection, id_)
        turns = await threads.turns(door.connection, id_)
    return Seen(
        referral,
        referrer,
        [
            (each.message_id, text, each.written_at, each.message_id in answered)
            for each, text in zip(asked, words, strict=True)
        ],
        [
            (each.kind, each.written_at, sum(1 for file in files if file.message_id == each.message_id))
            for each in messages
            if each.kind != QUESTION
        ],
        next((turn.done_at for turn in turns if turn.kind == TAKEN_BACK), None),
    )


def day(words: Words, at: datetime) -> str:
    """Return a day as a language says it."""
    return words("date", day=at.day, month=words("months").split()[at.month - 1], year=at.year)
