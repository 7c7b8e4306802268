"""The base of all engines: who runs the task of each shard, and where."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from lavida_gen.common.errors import DataError, UserError
from lavida_gen.common.plugins import install_hint

J = TypeVar("J")
R = TypeVar("R")


class Engine(ABC):
    """Runs a picklable function over picklable jobs. Where it runs never changes what it makes."""

    def __init__(self, address: str | None = None) -> None:
        """Raises UserError if an address is given to an engine that has none."""
        if address is not None:
            name = type(self).__module__.rpartition(".")[2]
            raise UserError(f"--address {address}: engine {name} runs on this machine alone; give --engine ray")

    @abstractmethod
    def run(
        self,
        task: Callable[[J, Callable[[], None]], R],
        jobs: Sequence[J],
        workers: int,
        progress: Callable[[int], None],
    ) -> Iterator[R]:
        """Yield task(job, tick) for every job, in any order; `tick()` in a task shows up as `progress(n)` here.

        The first error of a task is raised here, and what still runs is stopped.
        """


def pack_task(task: Callable[[J, Callable[[], None]], R], job: J) -> bytes:
    """A task and its job, to be sent to a worker."""
    return pickle.dumps((task, job))


def unpack_task(work: bytes) -> tuple[Callable[[Any, Callable[[], None]], Any], Any]:
    """What `packed` gave, in a worker.

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
