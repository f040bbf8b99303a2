"""Somebody who is not signed in brings a concern: taken in as any other, with a way back and the files sent along."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from services.intake.domain.passphrases import phrase_of
from services.intake.domain.referrals import Incoming, Referral
from services.intake.storage import referrals, referrers, threads
from services.intake.storage.referrers import Referrer
from services.intake.storage.threads import FILE, FILE_NAME
from services.intake.usecases.receive_referrals import FORM, Receipt, receive_referrals
from shared.ids import new_id
from shared.privacy.keys import KeyRing
from shared.privacy.text import Clear, seal_all
from shared.storage.tx import Tx

__all__ = ["FORM", "Back", "Sent", "attach", "event_id", "passphrase", "refer_publicly"]


@dataclass(frozen=True, slots=True)
class Sent:
    """A file somebody sent: its kind by its content, its name, and what is in it."""

    kind: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Back:
    """How the referrer comes back. `salt` and `phrase` (the hash) are None where no passphrase was wanted."""

    visibility: str
    language: str
    notices: bool
    salt: bytes | None = None
    phrase: bytes | None = None


def event_id(ticket: UUID, content: Sequence[bytes]) -> str:
    """Return the id of what a form said. The same form with the same words is the same; with others it is another."""
    digest = blake2b(ticket.bytes, digest_size=16)
    for each in content:
        digest.update(len(each).to_bytes(8, "big") + each)
    return digest.hexdigest()


def passphrase(keys: KeyRing, event: str, words: Sequence[str]) -> str:
    """Return the passphrase of what a form said: known again when it is sent twice, and kept nowhere."""
    return phrase_of(hmac.digest(keys.secret("passphrases of referrers"), event.encode(), "sha256"), words)


async def refer_publicly(tx: Tx, keys: KeyRing, incoming: Incoming, back: Back, files: Sequence[Sent]) -> Receipt:
    """Take a concern in. Sent twice it is one referral, and the receipt is the same."""
    receipt = (await receive_referrals(tx, keys, [incoming]))[0]
    if not receipt.again:
        made = (await referrals.load(tx.connection, [receipt.referral_id]))[receipt.referral_id]
        who = Referrer(made.referral_id, back.visibility, back.language, back.notices)
        await referrers.store(tx, who, salt=back.salt, phrase=back.phrase)
        await attach(tx, keys, made, files)
        await referrers.tell(tx, referrals=[made.referral_id])
    return receipt


async def attach(
    tx: Tx, keys: KeyRing, referral: Referral, files: Sequence[Sent], message_id: UUID | None = None
) -> None:
    """Seal files under the referral's key and store them with it, or with what was said about it later."""
    ids = [new_id() for _ in files]
    clear = [
        Clear(referral.campus, referral.referral_id, field, id_, content)
        for id_, file in zip(ids, files, strict=True)
        for field, content in ((FILE_NAME, file.name), (FILE, file.content))
    ]
    sealed = await seal_all(tx, keys, clear)
    names, contents = sealed[::2], sealed[1::2]
    rows = [
        (id_, file.kind, len(file.content), name, content)
        for id_, file, name, content in zip(ids, files, names, contents, strict=True)
    ]
    await threads.attach(tx, referral, rows, message_id)
