"""How worker processes are started: forked, where that is safe, else spawned.

A forked worker has at once what this process has imported and looked up; a spawned one needs 0.3 s for that. Only a
process with one thread is forked: another thread may hold a lock, which nobody would ever release in the worker.
"""

from __future__ import annotations

import os
import sys
from typing import Literal


def start_method() -> Literal["fork", "spawn"]:
    """How to start workers of this process now, as `multiprocessing.get_context` takes it.

    macOS is not asked: its own libraries start threads, and do not survive a fork.
    """
    if sys.platform != "linux":
        return "spawn"
    try:
        threads = len(os.listdir("/proc/self/task"))  # those of C libraries too
    except OSError:
        return "spawn"
    return "fork" if threads == 1 else "spawn"


def keep_one_thread() -> None:
    """Keep numpy and OpenCV from starting a thread on each core for linear algebra; called before they are imported.

    A command that starts workers does none. Users' own settings stay.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
