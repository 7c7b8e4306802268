"""Standard input and named pipes as FFmpeg reads them: what is there, when it is there, and an end at any time.

A read of a pipe waits for its writer, which may be a camera that is silent for hours. Here it waits by `select`, a
moment at a time, so that another thread can end it.
"""

from __future__ import annotations

import os
import select
import stat
import threading
from io import UnsupportedOperation
from pathlib import Path
from typing import BinaryIO

MOMENT = 0.1
"""Seconds from one look at `stop` to the next."""


class Pipe:
    """A pipe, socket or terminal that is open for reading.

    Args:
        handle: Its file descriptor.
        name: Its name.
        owned: Whether `close` closes it.
    """

    def __init__(self, handle: int, name: str, owned: bool = False) -> None:
        self.handle, self.name, self.owned = handle, name, owned
        self._stop = threading.Event()

    @classmethod
    def of(cls, source: str | Path | BinaryIO) -> Pipe | None:
        """Open a named pipe, or take an open one.

        Args:
            source: Path, address or open file.

        Returns:
            The pipe; None for anything else.
        """
        if isinstance(source, str | Path):
            if not Path(source).is_fifo():
                return None
            return cls(os.open(source, os.O_RDONLY), str(source), owned=True)
        try:
            handle = source.fileno()
        except (AttributeError, UnsupportedOperation):
            return None
        mode = os.fstat(handle).st_mode
        waits = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)
        return cls(handle, str(source.name)) if waits else None

    def read(self, size: int) -> bytes:
        """Wait for bytes.

        Args:
            size: The most that are wanted.

        Returns:
            What is there; b"" at the end, or after `stop`.
        """
        while not self._stop.is_set():
            ready, _, _ = select.select([self.handle], [], [], MOMENT)
            if ready:
                return os.read(self.handle, size)
        return b""

    def stop(self) -> None:
        """End all reads, also one that waits."""
        self._stop.set()

    def close(self) -> None:
        """Close it if it was opened here."""
        if self.owned:
            os.close(self.handle)
            self.owned = False
