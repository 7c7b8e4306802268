"""Waiting for a pool: a few jobs at a time, and no signal while a lock is held."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from lavida_gen.processes.signals import Terminated, terminable
from lavida_gen.processes.waiting import completed


def test_jobs_are_taken_as_they_are_needed() -> None:
    taken, most = [], 0
    with ThreadPoolExecutor(2) as pool:
        jobs = (taken.append(number) or number for number in range(50))
        seen: list[int] = []
        for done in completed(lambda number: pool.submit(pow, number, 2), jobs, 4):
            seen += [future.result() for future in done]
            most = max(most, len(taken) - len(seen))
    assert sorted(seen) == [number**2 for number in range(50)]
    assert most <= 4
    assert list(completed(pool.submit, [], 4)) == []


def test_it_yields_also_when_nothing_is_done() -> None:
    with ThreadPoolExecutor(1) as pool:
        sizes = [len(done) for done in completed(lambda seconds: pool.submit(time.sleep, seconds), [0.3], 1)]
    assert sizes == [0, 1]


def test_a_signal_is_raised_outside_of_the_pool() -> None:
    """In the middle of `wait` it would leave the lock of a future taken, for which a thread of the pool waits for ever."""
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
    with ThreadPoolExecutor(1) as pool, terminable():
        timer.start()
        with pytest.raises(Terminated) as raised:
            for _ in completed(lambda seconds: pool.submit(time.sleep, seconds), [0.4] * 9, 1):
                pass
    inside = {frame.filename for frame in traceback.extract_tb(raised.value.__traceback__)}
    assert not [name for name in inside if "concurrent" in name or name.endswith("threading.py")]
