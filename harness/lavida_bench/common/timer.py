"""How long each stage of some work took, added up over threads."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


class Timer:
    """Busy seconds by stage. Stages of several threads may add up to more than the time that went by.

    seconds    by the wall clock
    processor  of the threads that called; helpers of FFmpeg and torch do not count
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.processor: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Counts the time inside the block."""
        start, own = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[stage] += time.perf_counter() - start
                self.processor[stage] += time.thread_time() - own

    def timed(self, stage: str, items: Iterator[Item]) -> Iterator[Item]:
        """The same items, counting the time that it takes to get each."""
        while True:
            with self(stage):
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item

    def plain(self) -> dict[str, float]:
        """Both, the processor's under ``STAGE, processor``."""
        return {**self.seconds, **{f"{stage}, processor": seconds for stage, seconds in self.processor.items()}}
