"""What pages say about referrals: that somebody was told, and who took it."""

from collections.abc import Sequence

from services.intake.storage import standing, watches
from shared.events import Envelope
from shared.events.pages import LateReviewAsked, PageAccepted, PageRaised
from shared.storage.tx import Tx


async def stop_watching(tx: Tx, envelopes: Sequence[Envelope[PageRaised] | Envelope[LateReviewAsked]]) -> None:
    """Stop watching over dangers that are on their way to people, by a page or as work to review."""
    told = [e.event.referral_id for e in envelopes if e.event.function == "danger" and e.event.referral_id]
    await watches.stop(tx.connection, told)


async def grant_duty(tx: Tx, envelopes: Sequence[Envelope[PageAccepted]]) -> None:
    """Open one referral to whoever took its page, until the page says."""
    events = [envelope.event for envelope in envelopes]
    await standing.grant(
        tx.connection,
        [
            (e.page_id, e.accepted_by, e.referral_id, e.campus, e.function, e.grant_until)
            for e in events
            if e.referral_id is not None
        ],
    )
