"""Running a command and watching its processes: memory, open files and processor time of the parent and of its workers."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
TRACKER = b"resource_tracker"
"""What the command line of the one child contains that is no worker, where workers are spawned."""


@dataclass
class Process:
    """What was seen of one process.

    Attributes:
        peak: Highest resident memory in bytes.
        cpu: Processor seconds, its own.
        files: Most open files seen.
    """

    peak: int = 0
    cpu: float = 0.0
    files: int = 0

    def look(self, number: int) -> int:
        """Look at it now; its resident memory in bytes. Raises OSError when it has ended."""
        status = dict(line.split(":", 1) for line in (PROC / str(number) / "status").read_text().splitlines())
        now, peak = (1024 * int(status.get(key, "0 kB").split()[0]) for key in ("VmRSS", "VmHWM"))
        numbers = (PROC / str(number) / "stat").read_text().rpartition(")")[2].split()
        self.peak, self.cpu = max(self.peak, peak), sum(map(int, numbers[11:13])) / TICKS
        self.files = max(self.files, len(os.listdir(PROC / str(number) / "fd")))
        return now


@dataclass
class Watched:
    """A command that was run.

    Attributes:
        exit: Its exit code, negative for a signal.
        wall: Seconds that it took.
        cpu: Processor seconds of all of its processes, also of those that were too short to be seen.
        parent: The process that was started.
        workers: Those that it started, by number.
        trace: Seconds since the start and resident bytes of the parent and of all workers, every `EVERY` looks.
        output: What it wrote.
    """

    exit: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    parent: Process = field(default_factory=Process)
    workers: dict[int, Process] = field(default_factory=dict)
    trace: list[tuple[float, int, int]] = field(default_factory=list)
    output: str = ""

    def facts(self) -> dict[str, float | int]:
        """What is worth a line of a table."""
        workers = self.workers.values()
        return {
            "exit": self.exit,
            "wall": round(self.wall, 2),
            "cpu": round(self.cpu, 2),
            "parent_cpu": round(self.parent.cpu, 2),
            "parent_peak": self.parent.peak,
            "worker_peak": max((worker.peak for worker in workers), default=0),
            "parent_files": self.parent.files,
            "worker_files": max((worker.files for worker in workers), default=0),
        }


LOOK, EVERY = 1.0, 10
"""Seconds between looks; looks for each point of the trace."""


def watch(
    command: Sequence[str],
    output: Path,
    enough: Callable[[Watched], bool] = lambda seen: False,
    stop: signal.Signals = signal.SIGTERM,
) -> Watched:
    """Run a command to its end, or stop its parent process after some time.

    Args:
        command: The command.
        output: File for what it writes.
        enough: Called at every look with what was seen so far: whether to stop it.
        stop: The signal that the parent gets then.

    Returns:
        What was seen.
    """
    seen, began, looks, stopped = Watched(), time.monotonic(), 0, False
    with output.open("wb") as file:
        child = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        while True:
            ended, status, usage = os.wait4(child.pid, os.WNOHANG)
            seen.wall = passed = time.monotonic() - began
            if ended:
                break
            point = _look(seen, child.pid)
            if looks % EVERY == 0:
                seen.trace.append((round(passed, 1), *point))
            looks += 1
            if not stopped and enough(seen):
                child.send_signal(stop)
                stopped = True
            time.sleep(min(LOOK, 0.02 * (1 + looks)))
    child.returncode = seen.exit = os.waitstatus_to_exitcode(status)
    looked = seen.parent.cpu + sum(worker.cpu for worker in seen.workers.values())
    seen.cpu = max(usage.ru_utime + usage.ru_stime, looked)
    seen.output = output.read_text(errors="replace")
    return seen


def _look(seen: Watched, parent: int) -> tuple[int, int]:
    """Look at all processes; resident bytes of the parent and of its workers."""
    try:
        own, others = seen.parent.look(parent), 0
        for child in _children(parent):
            if TRACKER not in (PROC / str(child) / "cmdline").read_bytes():
                others += seen.workers.setdefault(child, Process()).look(child)
    except OSError:  # ended meanwhile
        return 0, 0
    return own, others


def _children(parent: int) -> Iterator[int]:
    for task in (PROC / str(parent) / "task").iterdir():
        yield from map(int, (task / "children").read_text().split())
