"""Signal handling: the first ctrl-C (or a scheduler's SIGTERM) lets a step or clip end and files be written.

torchrun and accelerate forward the signal, so a process may get it twice: only a later one stops at once.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

from lavida_gen.processes.signals import Terminated

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ECHO_SECONDS = 2.0
"""A second signal within this time counts as the same one."""

_Handler = Callable[[int, FrameType | None], object] | int | None


class StopSignals:
    """Context in which SIGINT and SIGTERM set `stop_requested` instead of ending the process.

    A second signal, `ECHO_SECONDS` after the first or later, raises KeyboardInterrupt (Terminated for SIGTERM) at once.
    """

    def __init__(self) -> None:
        self.stop_requested = False
        self._first: int | None = None
        self._requested_at = 0.0
        self._waiting = False
        self._previous: dict[signal.Signals, _Handler] = {}

    def __enter__(self) -> StopSignals:
        try:
            self._previous = {number: signal.signal(number, self._handle) for number in SIGNALS}
        except ValueError:  # not in the main thread: whoever started this thread stops it
            self._previous = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.stop_requested and now - self._requested_at > ECHO_SECONDS:
            raise _interrupt(number)
        if not self.stop_requested:
            self.stop_requested, self._requested_at, self._first = True, now, number
            if self._waiting:
                raise _interrupt(number)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Context in which a signal raises at once: for a wait that nothing else would end, as for a silent camera.

        Raises:
            KeyboardInterrupt: A signal comes, or came before.
        """
        self._waiting = True
        try:
            if self.stop_requested:
                raise self.interrupt()
            yield
        finally:
            self._waiting = False

    def interrupt(self) -> KeyboardInterrupt:
        """What to raise once everything is written."""
        return _interrupt(self._first)


def _interrupt(number: int | None) -> KeyboardInterrupt:
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()
