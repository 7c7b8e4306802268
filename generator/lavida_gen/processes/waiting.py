"""Waiting for the futures of a pool, of which a few are submitted ahead, so that a signal finds no lock held.

The handler of a signal raises an exception wherever the main thread is. Inside of `concurrent.futures` that would
leave a lock taken: a thread of the pool would wait for it for ever, and so would the process, which joins its threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from typing import TypeVar

from lavida_gen.processes.signals import uninterrupted_start

J = TypeVar("J")
R = TypeVar("R")

LONGEST = 0.2
"""Seconds that a signal waits at most."""


def completed(submit: Callable[[J], Future[R]], jobs: Iterable[J], ahead: int) -> Iterator[set[Future[R]]]:
    """Submit jobs and wait for them. All at once would cost memory, and time for each of them at every wait.

    Args:
        submit: Submits one job; it may start processes.
        jobs: The jobs, taken as they are needed.
        ahead: How many are submitted and not completed, at most.

    Yields:
        The futures completed since the last time, at least every `LONGEST` seconds: perhaps none.
    """
    waiting, pending = iter(jobs), set[Future[R]]()
    while True:
        with uninterrupted_start():
            pending |= {submit(job) for job in islice(waiting, ahead - len(pending))}
            done, pending = wait(pending, timeout=LONGEST, return_when=FIRST_COMPLETED)
        if not done and not pending:
            return
        yield done
