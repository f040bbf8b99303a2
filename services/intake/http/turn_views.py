"""How what came after a referral is shown: to whom, and with what left out."""

from typing import Any
from uuid import UUID

from services.intake.domain.inspection import Whose
from services.intake.domain.referrals import Referral
from services.intake.domain.sentences import only_danger
from services.intake.http.bodies import HitView, ReferralView
from services.intake.http.referrals import referral_view
from services.intake.http.turn_bodies import AttachmentView, MessageView, TurnView, WayBackView
from services.intake.storage import referrals, threads
from services.intake.storage.referrers import ANONYMOUS, OPEN, Referrer
from services.intake.storage.threads import FILE_NAME, MESSAGE, Attachment, Message
from services.intake.usecases.turn_referral import Said
from shared.access.decision import Decision
from shared.events.codes import SourceKind
from shared.privacy.keys import KeyRing
from shared.privacy.text import unseal
from shared.web.gate import Door


async def now_view(door: Door, referral_id: UUID, decision: Decision) -> ReferralView:
    return referral_view((await referrals.load(door.connection, [referral_id]))[referral_id], decision)


async def messages_of(door: Door, keys: KeyRing, referral: Referral, *, limited: bool) -> list[MessageView]:
    said = await threads.messages(door.connection, referral.referral_id)
    places = [(referral.referral_id, MESSAGE, each.message_id, each.body) for each in said]
    texts = await unseal(door, keys, referral.campus, places)
    return [_message(each, words, limited=limited) for each, words in zip(said, texts, strict=True)]


def _message(said: Message, words: str, *, limited: bool) -> MessageView:
    return MessageView(
        message_id=said.message_id,
        kind=said.kind,
        author_id="" if limited else said.author_id,
        answers=said.answers,
        text=" ".join(only_danger(words, said.hits)) if limited else words,
        level=said.level,
        hits=[] if limited else [_hit(each) for each in said.hits],
        screened_with=said.screened_with,
        written_at=said.written_at,
    )


async def attachments_of(door: Door, keys: KeyRing, referral: Referral) -> list[AttachmentView]:
    files = await threads.attachments(door.connection, referral.referral_id)
    places = [(referral.referral_id, FILE_NAME, each.attachment_id, bytes(each.name)) for each in files]
    names = await unseal(door, keys, referral.campus, places)
    return [_attachment(each, name) for each, name in zip(files, names, strict=True)]


def _attachment(file: Attachment, name: str) -> AttachmentView:
    return AttachmentView(
        attachment_id=file.attachment_id,
        message_id=file.message_id,
        kind=file.kind,
        size=file.size,
        name=name,
        added_at=file.added_at,
    )


def _hit(hit: Any) -> HitView:  # noqa: ANN401 - a hit of the lexicon
    return HitView(category=hit.category, start=hit.start, end=hit.end, negated=hit.negated, edition=hit.edition)


def turn_view(turn: threads.Turn) -> TurnView:
    return TurnView(kind=turn.kind, code=turn.code, other_id=turn.other_id, done_by=turn.done_by, done_at=turn.done_at)


def way_back_view(referrer: Referrer) -> WayBackView:
    return WayBackView(
        visibility=referrer.visibility,
        language=referrer.language,
        returns=referrer.returns,
        notices=referrer.notices,
    )


def whose_of(referral: Referral, referrer: Referrer, said: Said) -> Whose:
    """Return whom an inspection copy must not name. Who wrote about themselves is no secret to themselves."""
    shielded = referral.source_kind != SourceKind.SELF and referrer.visibility != OPEN
    if referrer.visibility == ANONYMOUS and referral.source_kind != SourceKind.SELF:
        return Whose()
    who = said.referrer
    return Whose(who.get("name", ""), who.get("email", ""), who.get("phone", ""), shielded=shielded)
