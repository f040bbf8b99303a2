"""Heartbeats of loops. Liveness asks whether a loop still turns, never whether what it depends on is up."""

import time

_beats: dict[str, float] = {}
_troubles: dict[str, str] = {}

STALLED_AFTER = 90.0  # seconds; longer than the longest wait inside one batch (60 s)


def beat(loop: str) -> None:
    """Say that a loop turns. `loop` is named `<service>.<loop>`. Also while it waits for something that is away."""
    _beats[loop] = time.monotonic()


def at_work(loop: str) -> None:
    """Say that a loop gets on with something that takes long; nothing where that loop does not run."""
    if loop in _beats:
        beat(loop)


def gone(loop: str) -> None:
    """Say that a loop ended on purpose, so that nobody waits for its next beat."""
    _beats.pop(loop, None)
    _troubles.pop(loop, None)


def trouble(loop: str, reason: str) -> None:
    """Say that a loop turns but does not work, in fixed words (`held`, `stopped`); an empty reason ends it."""
    if reason:
        _troubles[loop] = reason
    else:
        _troubles.pop(loop, None)


def stalled(service: str, after: float = STALLED_AFTER) -> list[str]:
    """Return the loops of a service that have not turned for `after` seconds: the process should be restarted."""
    now = time.monotonic()
    return sorted(name for name, at in _beats.items() if name.startswith(f"{service}.") and now - at > after)


def troubles(service: str) -> dict[str, str]:
    """Return the loops of a service that turn without working, with the reason: a person should look."""
    return {name: reason for name, reason in _troubles.items() if name.startswith(f"{service}.")}
