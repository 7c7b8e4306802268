"""SIGTERM, which schedulers and `kill` send, stops a command as ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after ctrl-C and after SIGTERM: 128 and the number of the signal, as shells count."""


HELD_BACK = (signal.SIGINT, signal.SIGTERM)


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

    Blocked in the main thread, a signal goes to another thread if there is one (one of numpy's), and Python would run
    its handler in the main thread all the same: so the handlers, too, wait for the end of the block.
    """
    came: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        came.append(number)

    main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.signal(number, remember) for number in HELD_BACK} if main else {}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for signal_number in dict.fromkeys(came):
            signal.raise_signal(signal_number)


def accept_sigterm() -> None:
    """End at SIGTERM from now on, in a process that was started in `uninterrupted_start`."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
