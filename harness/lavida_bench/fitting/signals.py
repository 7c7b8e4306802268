"""Being asked to stop: the first ctrl-C (or SIGTERM of a scheduler) lets the step end and a checkpoint be written.

torchrun and accelerate hand the signal on, so that a process gets it twice: only a later one stops at once.
"""

from __future__ import annotations

import signal
import time
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ECHO = 2.0
"""Seconds in which a second signal is taken for the same one."""


class StopSignals:
    """While it is open, `asked` says whether to stop; a second signal stops at once."""

    def __init__(self) -> None:
        self.asked = False
        self._when = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        try:
            self._before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        except ValueError:  # not in the main thread: whoever started this one stops it
            self._before = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.asked and now - self._when > ECHO:
            raise KeyboardInterrupt
        if not self.asked:
            self.asked, self._when = True, now
