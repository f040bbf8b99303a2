"""A batch that cannot be handled comes again, and the log says so."""

from collections.abc import Sequence

import pytest

from shared.messaging.consuming import Consuming, Subscription
from shared.messaging.records import RawRecord
from shared.settings import Settings


async def test_a_batch_that_cannot_be_handled_is_said_in_the_log_without_its_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("shared.messaging.consuming._REWIND_PAUSE", 0)

    async def fail(_records: Sequence[RawRecord]) -> None:
        raise ValueError("Grendel-4711")

    subscription = Subscription("toy.replicas", "toy", ["toy.flags"], fail)
    with pytest.raises(ValueError, match="Grendel"):
        await Consuming(Settings(environment="test"), [subscription])._handle(subscription, [])

    (line,) = caplog.records
    assert (line.message, line.consumer, line.error_class) == (  # type: ignore[attr-defined]
        "batch not handled, it comes again", "toy.replicas", "ValueError",
    )  # fmt: skip
