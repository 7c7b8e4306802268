"""The base of all engines: who runs the task of each shard, and where."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from lavida_gen.common.errors import UserError

J = TypeVar("J")
R = TypeVar("R")


class Engine(ABC):
    """Runs a picklable function over picklable jobs. Where it runs never changes what it makes."""

    def __init__(self, address: str | None = None) -> None:
        """Raises UserError if an address is given to an engine that has none."""
        if address is not None:
            name = type(self).__name__.lower()
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
