"""Busy time of the stages of some work, summed over threads."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


class Timer:
    """Busy seconds by stage. Stages of several threads may add up to more than the elapsed time.

    Attributes:
        seconds: Stage -> seconds by the wall clock.
        processor: Stage -> processor seconds of the calling threads; threads of FFmpeg and torch do not count.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.processor: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add the time of a block.

        Args:
            stage: The stage that it counts for.

        Yields:
            None.
        """
        start, processor_start = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[stage] += time.perf_counter() - start
                self.processor[stage] += time.thread_time() - processor_start

    def timed(self, stage: str, items: Iterator[Item]) -> Iterator[Item]:
        """Add the time that an iterator takes for each item.

        Args:
            stage: The stage that it counts for.
            items: The iterator.

        Yields:
            The same items.
        """
        while True:
            with self(stage):
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item

    def plain(self) -> dict[str, float]:
        """All seconds, those of the processor under ``STAGE, processor``."""
        return {**self.seconds, **{f"{stage}, processor": seconds for stage, seconds in self.processor.items()}}
