"""The base of all engines, which run the task of each shard in processes or on machines."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from lavida_gen.common.errors import DataError, UserError
from lavida_gen.common.plugins import install_hint

J = TypeVar("J")
R = TypeVar("R")

Tick = Callable[[], None]
"""Called by a task after each sample."""


class WorkerPool(Protocol):
    """Runs a picklable function over picklable jobs on workers that are there."""

    def __call__(self, task: Callable[[J, Tick], R], jobs: Sequence[J]) -> Iterable[R]:
        """The results, in any order."""


class Engine(ABC):
    """Runs picklable functions over picklable jobs. Where they run does not change what they make."""

    def __init__(self, address: str | None = None) -> None:
        """Make the engine; nothing is started yet.

        Args:
            address: Address of a cluster, for engines that have one.

        Raises:
            UserError: This engine has no address.
        """
        if address is not None:
            name = type(self).__module__.rpartition(".")[2]
            raise UserError(f"--address {address}: engine {name} runs on this machine only; give --engine ray")

    @abstractmethod
    def run(
        self,
        task: Callable[[J, Tick], R],
        jobs: Sequence[J],
        workers: int,
        progress: Callable[[int], None],
    ) -> Iterator[R]:
        """Run a task for every job. May be called again until `close`.

        Args:
            task: Called as `task(job, tick)` in a worker; it calls `tick()` after each sample.
            jobs: The jobs.
            workers: Number of processes.
            progress: Called here with the number of ticks since the last call.

        Yields:
            The results, in any order.

        Raises:
            Exception: The first error of a task; running tasks are stopped.
        """

    def close(self) -> None:  # noqa: B027  an engine that keeps nothing has nothing to do
        """End what `run` started and keeps for the next run."""


def pack_task(task: Callable[[J, Tick], R], job: J) -> bytes:
    """Pickle a task and its job for a worker.

    Args:
        task: The function.
        job: Its first argument.
    """
    return pickle.dumps((task, job))


def unpack_task(work: bytes) -> tuple[Callable[[object, Tick], object], object]:
    """Unpickle what `pack_task` made, in a worker.

    Args:
        work: The bytes.

    Returns:
        The task and its job.

    Raises:
        DataError: The worker cannot import a module that the job needs, such as that of a plug-in.
    """
    try:
        task, job = pickle.loads(work)
    except ImportError as error:
        module = error.name or str(error)
        raise DataError(f"a worker cannot import {module}, which the recipe needs; {install_hint(module)}") from error
    except AttributeError as error:  # a class of a notebook or of the main script
        raise DataError(
            f"a worker cannot find a class of the recipe ({error}); put the class into a module of its own, or give "
            "--workers 1"
        ) from error
    return task, job
