"""Building shards on a Ray cluster: a running one, or one started on this machine.

    lavida-gen build --recipe coco --out s3://bucket/coco --engine ray --address auto

A shard is one Ray task that runs the same function as a local process. A task whose worker or machine fails is run
again elsewhere. Workers need this package and those of the recipe's plug-ins, in the driver's versions, and access to
the data and to `--out` (a shared folder or a URL): only the recipe and the range of samples are sent to them.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any, TypeVar

from lavida_gen import __version__
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.common.extras import require
from lavida_gen.engines._base import Engine, Tick, pack_task, unpack_task
from lavida_gen.processes.signals import Terminated

J = TypeVar("J")
R = TypeVar("R")

RETRIES = 5
"""Retries of a task whose worker was lost."""


def _call(work: bytes, version: str) -> tuple[object, int]:
    """In a worker: the result, and the number of ticks."""
    if __version__ != version:
        raise DataError(f"a Ray worker has lavida-gen {__version__}, the driver {version}; install one version on all")
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    task, job = unpack_task(work)
    return task(job, tick), ticks


class RayEngine(Engine):
    """The cluster at an address (``auto``, ``HOST:PORT``, ``ray://HOST:PORT``), or `workers` processes here."""

    _joined = False

    def __init__(self, address: str | None = None) -> None:
        """Make the engine.

        Args:
            address: Address of the cluster; None for RAY_ADDRESS, or else a new cluster on this machine.
        """
        self.address = address or os.environ.get("RAY_ADDRESS") or None

    def run(
        self,
        task: Callable[[J, Tick], R],
        jobs: Sequence[J],
        workers: int,
        progress: Callable[[int], None],
    ) -> Iterator[R]:
        """See Engine. A running cluster uses all its cores, whatever `workers` is."""
        if not jobs:
            return
        ray = _ray()
        if not ray.is_initialized():
            self._joined = True
            _join(ray, self.address, min(workers, len(jobs)))
        yield from _spread(ray, task, jobs, progress)

    def close(self) -> None:
        """Leave the cluster if this engine joined it; one that was started here ends."""
        if self._joined:
            self._joined = False
            _ray().shutdown()


def _ray() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    require("ray", "--engine ray")
    import ray

    return ray


def _join(ray: ModuleType, address: str | None, workers: int) -> None:
    quiet = {"log_to_driver": False, "logging_level": "error"}
    handler = signal.getsignal(signal.SIGTERM)
    try:
        if address is None:
            ray.init("local", num_cpus=workers, include_dashboard=False, **quiet)
        else:
            ray.init(address, **quiet)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        todo = "give the --address of a running cluster, or none to start one here"
        raise UserError(f"--engine ray: no cluster at {address or 'this machine'} ({reason}); {todo}") from error
    except SystemExit as error:  # Ray's own handler of SIGTERM
        raise Terminated from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def _spread(
    ray: ModuleType, task: Callable[[J, Tick], R], jobs: Sequence[J], progress: Callable[[int], None]
) -> Iterator[R]:
    """Submit at most two tasks per core of the cluster at a time."""
    remote = ray.remote(num_cpus=1, max_retries=RETRIES, retry_exceptions=False)(_call)
    waiting = list(reversed(jobs))
    running: list[object] = []
    try:
        while waiting or running:
            free = 2 * max(1, int(ray.cluster_resources().get("CPU", 1))) - len(running)
            for _ in range(min(free, len(waiting))):
                running.append(remote.remote(pack_task(task, waiting.pop()), __version__))
            done, running = ray.wait(running, num_returns=1, timeout=5)
            for reference in done:
                result, ticks = _result(ray, reference)
                progress(ticks)
                yield result
    finally:
        for reference in running:
            ray.cancel(reference, force=True)


def _result(ray: ModuleType, reference: object) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, BaseException):
            raise error.cause from error
        raise
    except ray.exceptions.RayError as error:
        kind = type(error).__name__
        raise DataError(
            f"Ray lost a worker {RETRIES + 1} times ({kind}: killed, or out of memory); finished shards are kept: run "
            "the same command again"
        ) from error
