"""Readers that work ahead of a model: threads with one bounded queue, so that memory stays bounded too.

Each reader takes a whole job (a video) and puts what it makes of it into the queue in order; pieces of different jobs
interleave. Decoding and resizing release Python's lock, so readers run beside each other and beside the model.
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
    """The end of a job; `error` says why it could not be read to its end."""

    job: Job
    error: LavidaGenError | None = None


class _Crash:
    """Something that is no fault of the data: raised where the pieces are taken."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


_Line = queue.Queue[JobPiece[Job, Piece] | JobDone[Job] | _Crash]


def read_ahead(
    jobs: Iterable[Job], work: Callable[[Job], Iterator[Piece]], readers: int = 2, depth: int = 4
) -> Generator[JobPiece[Job, Piece] | JobDone[Job]]:
    """Pieces of `work(job)` of all jobs, made by `readers` threads, at most `depth` of them waiting.

    A LavidaGenError ends its job alone; any other error ends everything and is raised here. Leaving the iterator stops
    the readers before it returns.
    """
    line: _Line[Job, Piece] = queue.Queue(depth)
    rest: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        rest.put(job)
    stop = threading.Event()

    def reader() -> None:
        with suppress(queue.Empty):
            while not stop.is_set():
                _one(rest.get_nowait(), work, line, stop)
        line.put(_Crash(StopIteration()))

    threads = [threading.Thread(target=reader, name=f"reader-{n}", daemon=True) for n in range(readers)]
    for thread in threads:
        thread.start()
    try:
        yield from _taken(line, len(threads))
    finally:
        stop.set()
        _drain(line, threads)


def _one(
    job: Job,
    work: Callable[[Job], Iterator[Piece]],
    line: _Line[Job, Piece],
    stop: threading.Event,
) -> None:
    try:
        for piece in work(job):
            if stop.is_set():
                return
            line.put(JobPiece(job, piece))
        line.put(JobDone(job))
    except LavidaGenError as error:
        line.put(JobDone(job, error))
    except BaseException as error:
        line.put(_Crash(error))


def _taken(line: _Line[Job, Piece], readers: int) -> Iterator[JobPiece[Job, Piece] | JobDone[Job]]:
    while readers:
        item = line.get()
        if not isinstance(item, _Crash):
            yield item
        elif isinstance(item.error, StopIteration):
            readers -= 1
        else:
            raise item.error


def _drain(line: _Line[Job, Piece], threads: list[threading.Thread]) -> None:
    """Makes room until every reader has seen that it should stop."""
    for thread in threads:
        while thread.is_alive():
            try:
                line.get(timeout=0.05)
            except queue.Empty:
                continue
