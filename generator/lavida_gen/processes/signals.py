"""SIGTERM, which schedulers and `kill` send, stops a command as ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after ctrl-C and after SIGTERM: 128 and the number of the signal, as shells count."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came. What handles ctrl-C handles it too."""


class Signals:
    """What a command was sent.

    Attributes:
        terminated: Whether a SIGTERM came.
    """

    def __init__(self) -> None:
        self.terminated = False

    def exit_code(self, error: KeyboardInterrupt) -> int:
        """The exit code of a command that was stopped.

        Args:
            error: What stopped it; a loop that ends at ctrl-C may have raised a new one after a SIGTERM.
        """
        return TERMINATED if self.terminated or isinstance(error, Terminated) else INTERRUPTED

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.terminated = True
        raise Terminated


@contextmanager
def terminable() -> Iterator[Signals]:
    """Raise Terminated in the block when SIGTERM comes, unless the program around it handles SIGTERM itself."""
    signals = Signals()
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield signals
        return
    signal.signal(signal.SIGTERM, signals._handle)
    try:
        yield signals
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def uninterrupted_start() -> Iterator[None]:
    """Start processes that never see ctrl-C, which a terminal sends to all processes of a command.

    The block holds both signals back, so that it is not cut in the middle either. Processes inherit what is held back:
    they call `accept_sigterm` once they can end without a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def accept_sigterm() -> None:
    """End at SIGTERM from now on, in a process that was started in `uninterrupted_start`."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
