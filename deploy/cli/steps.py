"""Says what long work is doing: a moving line when a person watches, one plain line per step when not."""

import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from types import TracebackType

    from rich.status import Status

console = Console(highlight=False, soft_wrap=True)


class Steps:
    """Use as a context manager, and call it with what is being done now."""

    def __init__(self) -> None:
        self._status: Status | None = None
        self._doing = ""
        self._since = time.monotonic()

    def __enter__(self) -> Self:
        if console.is_terminal:
            self._status = console.status("")
            self._status.start()
        return self

    def __call__(self, doing: str) -> None:
        """Say what is being done from now on; what was being done before is finished."""
        if self._status is None:
            console.print(escape(doing))
            return
        self._finish()
        self._doing, self._since = doing, time.monotonic()
        self._status.update(escape(doing))

    def _finish(self) -> None:
        if self._doing:
            console.print(f"[dim]{time.monotonic() - self._since:5.1f} s[/dim]  {escape(self._doing)}")
        self._doing = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        if self._status is not None:
            self._status.stop()
            if error is None:
                self._finish()
