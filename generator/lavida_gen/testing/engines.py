"""The contract of an engine: every job once, progress counted, the first error raised."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from lavida_gen.common.errors import DataError
from lavida_gen.engines._base import Engine
from lavida_gen.testing.expect import expect

BROKEN_JOB = 2
MESSAGE = f"job {BROKEN_JOB} is broken; repair it"


def square(job: int, tick: Callable[[], None]) -> int:
    """A task that always succeeds: the square of its job, one sample done."""
    tick()
    return job * job


def fail_at_two(job: int, tick: Callable[[], None]) -> int:
    """A task that fails for job 2."""
    if job == BROKEN_JOB:
        raise DataError(MESSAGE)
    return job


def check_engine(cls: type[Engine], workers: int = 2, address: str | None = None, jobs: int = 6) -> None:
    """Check everything that a build relies on in an engine.

    Args:
        cls: The class of the engine.
        workers: Number of workers that it is asked for.
        address: Address of its cluster, if it has one.
        jobs: Number of jobs that it runs.

    Raises:
        AssertionError: The engine breaks its contract.
    """
    with closing(cls(address)) as engine:
        for run in ("the first", "the second"):
            ticks: list[int] = []
            results = sorted(engine.run(square, range(jobs), workers, ticks.append))
            expect(results == [job * job for job in range(jobs)], f"results of {run} run's {jobs} jobs: {results}")
            expect(sum(ticks) == jobs, f"progress of {run} run adds up to {sum(ticks)}, {jobs} jobs of one sample each")
        expect(list(engine.run(square, [], workers, ticks.append)) == [], "results without a job")
    with closing(cls(address)) as engine:
        try:
            list(engine.run(fail_at_two, range(4), workers, lambda done: None))
        except DataError as error:
            expect(str(error) == MESSAGE, f"a task raised DataError({MESSAGE!r}), the engine {str(error)!r}")
        else:
            raise AssertionError("a task raised DataError, the engine nothing")
