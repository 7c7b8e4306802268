"""Threads that decode videos ahead of a model, with one bounded queue, so that memory stays bounded too.

Each reader works on one job (a video) at a time and puts the pieces that it makes into the queue in order; pieces of
different jobs interleave. Decoding and resizing release Python's lock, so readers run in parallel to each other and to
the model.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from lavida_gen.common.errors import LavidaGenError

Job = TypeVar("Job")
Piece = TypeVar("Piece")


@dataclass(frozen=True, slots=True, eq=False)
class JobPiece(Generic[Job, Piece]):
    """One piece of a job."""

    job: Job
    piece: Piece


@dataclass(frozen=True, slots=True, eq=False)
class JobDone(Generic[Job]):
    """The end of a job; `error` is why it ended early, if it did."""

    job: Job
    error: LavidaGenError | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _ReaderCrashed:
    """An error that is not in the data: raised in the thread that takes the pieces."""

    error: BaseException


class _ReaderDone:
    """A reader has ended because no job is left."""


_Queue = queue.Queue[JobPiece[Job, Piece] | JobDone[Job] | _ReaderCrashed | _ReaderDone]


def read_ahead(
    jobs: Iterable[Job],
    work: Callable[[Job], Iterator[Piece]],
    readers: int = 2,
    depth: int = 4,
    interrupt: Callable[[], None] = lambda: None,
) -> Generator[JobPiece[Job, Piece] | JobDone[Job]]:
    """Run jobs in threads. Leaving the iterator stops the threads before it returns.

    Args:
        jobs: The jobs, started in this order.
        work: Gives the pieces of a job.
        readers: Number of threads.
        depth: Largest number of pieces that wait in the queue.
        interrupt: Ends what a job waits for; called when the iterator is left.

    Yields:
        The pieces of each job in order, then its end. A LavidaGenError ends its job alone.

    Raises:
        BaseException: Any other error in `work`, which ends everything.
    """
    waiting: _Queue[Job, Piece] = queue.Queue(depth)
    rest: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        rest.put(job)
    stop = threading.Event()

    def reader() -> None:
        with suppress(queue.Empty):
            while not stop.is_set():
                _run_job(rest.get_nowait(), work, waiting, stop)
        waiting.put(_ReaderDone())

    threads = [threading.Thread(target=reader, name=f"reader-{n}", daemon=True) for n in range(readers)]
    try:  # ctrl-C may come between the first thread and the last
        for thread in threads:
            thread.start()
        yield from _received(waiting, len(threads))
    finally:
        stop.set()
        interrupt()
        _drain(waiting, threads)


def _run_job(
    job: Job,
    work: Callable[[Job], Iterator[Piece]],
    waiting: _Queue[Job, Piece],
    stop: threading.Event,
) -> None:
    """Put the pieces and the end of a job into the queue."""
    try:
        for piece in work(job):
            if stop.is_set():
                return
            waiting.put(JobPiece(job, piece))
        waiting.put(JobDone(job))
    except LavidaGenError as error:
        waiting.put(JobDone(job, error))
    except BaseException as error:
        waiting.put(_ReaderCrashed(error))


def _received(waiting: _Queue[Job, Piece], readers: int) -> Iterator[JobPiece[Job, Piece] | JobDone[Job]]:
    """What comes out of the queue until all readers are done."""
    while readers:
        item = waiting.get()
        if isinstance(item, _ReaderDone):
            readers -= 1
        elif isinstance(item, _ReaderCrashed):
            raise item.error
        else:
            yield item


def _drain(waiting: _Queue[Job, Piece], threads: list[threading.Thread]) -> None:
    """Empty the queue until every reader has seen `stop`."""
    for thread in threads:
        while thread.is_alive():
            try:
                waiting.get(timeout=0.05)
            except queue.Empty:
                continue
