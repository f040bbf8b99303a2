"""On topic `referrals`: how the feeds do that referrals and flags come by. Key: the feed's id."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.events.base import Event, Topic, catalogue


@catalogue.add
class FeedHealthChanged(Event, frozen=True, kw_only=True):
    """Something is wrong with a feed (`state` is `opened`), or no longer (`resolved`). Codes only.

    `signal` is `silent` `late` `refused` `errors` `unknown_codes` `new_columns` `volume_low` or `volume_high`;
    `feed` is the code by which its owner knows the feed. `worst` is the gravest signal open now, `well` for none.
    """

    TYPE: ClassVar[str] = "caselight.feed.health_changed.v1"
    TOPIC: ClassVar[Topic] = "referrals"

    feed_id: UUID
    feed: str
    owner_id: str
    signal: str
    state: str
    worst: str
    since: datetime
    changed_at: datetime

    @property
    def key(self) -> str:
        """The feed's id."""
        return str(self.feed_id)
