"""Building shards in processes of this machine.

A single worker runs in the calling process. Several are forked or spawned; a worker whose parent has ended stops at
once, so that no process writes after a build was killed.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.sharedctypes import Synchronized
from typing import Any, TypeVar

from lavida_gen.common.errors import DataError
from lavida_gen.engines._base import Engine, Tick, pack_task, unpack_task
from lavida_gen.processes.forking import start_method
from lavida_gen.processes.signals import accept_sigterm
from lavida_gen.processes.waiting import completed

J = TypeVar("J")
R = TypeVar("R")

AHEAD = 4
"""Jobs for each worker that are submitted and not completed, at most."""

_ticks: Synchronized[int]
"""In a worker: the number of samples that all workers have made."""


def _start(ticks: Synchronized[int], parent: int) -> None:
    """Initialise a worker: where to count progress, and which process to watch."""
    global _ticks
    _ticks = ticks
    gc.freeze()  # what a forked worker shares with its parent stays shared: no collection writes into it
    accept_sigterm()
    threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()


def _exit_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _tick() -> None:
    with _ticks.get_lock():
        _ticks.value += 1


def _call(work: bytes) -> Any:
    task, job = unpack_task(work)
    return task(job, _tick)


class LocalEngine(Engine):
    """`workers` processes on this machine, which are kept from run to run."""

    _pool: ProcessPoolExecutor | None = None
    _counted: Synchronized[int]

    def run(
        self,
        task: Callable[[J, Tick], R],
        jobs: Sequence[J],
        workers: int,
        progress: Callable[[int], None],
    ) -> Iterator[R]:
        """See Engine; results come in the order in which they are finished."""
        if workers == 1 or len(jobs) <= 1:
            for job in jobs:
                yield task(job, lambda: progress(1))
            return
        pool = self._started(min(workers, len(jobs)))
        seen = self._counted.value
        try:
            for done in completed(lambda job: pool.submit(_call, pack_task(task, job)), jobs, AHEAD * workers):
                now = self._counted.value  # once: workers go on counting
                progress(now - seen)
                seen = now
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            self.close()
            raise DataError(
                "a worker process died (killed, or out of memory); finished shards are kept: run the same command "
                "again, with fewer --workers if memory is short; a script calls build below "
                'if __name__ == "__main__":, because workers import it'
            ) from error
        except BaseException:
            self.close()
            raise

    def _started(self, workers: int) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context(start_method())
            self._counted = context.Value("q", 0)
            self._pool = ProcessPoolExecutor(workers, context, _start, (self._counted, os.getpid()))
        return self._pool

    def close(self) -> None:
        """Terminate the workers; unfinished files have temporary names."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            if process.is_alive():
                process.kill()  # it may not have begun to accept a milder signal
        for process in processes:
            process.join()
