"""A command in a process that may be killed at any moment: forked from one that has imported everything already.

So a kill hits the work, and a hundred of them take minutes. Everything that the command may write has a place of its own:
HOME, TMPDIR, the cache and the working folder lie below one folder, whose listing is compared before and after.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
LIMIT = 240.0
"""Seconds after which a command hangs."""


@dataclass(frozen=True)
class Ran:
    """What became of a command."""

    code: int
    seconds: float
    megabytes: float
    text: str

    @property
    def killed(self) -> bool:
        """Whether it was still running when it was killed."""
        return self.code == -signal.SIGKILL


def run(
    command: Callable[[], None],
    folder: Path,
    environment: Mapping[str, str],
    kill_after: float | None = None,
    whole_group: bool = False,
) -> Ran:
    """Run a command in a process of its own, in the folder; kill it after some seconds, if it still runs then."""
    log = folder / "output.txt"
    sys.stdout.flush()
    began = time.monotonic()
    process = os.fork()
    if process == 0:
        _become(command, folder, environment, log)
    end = began + (kill_after if kill_after is not None else LIMIT)
    while True:
        found, status, usage = os.wait4(process, os.WNOHANG)
        if found:
            break
        if time.monotonic() >= end:
            with suppress(ProcessLookupError):
                (os.killpg if whole_group else os.kill)(process, signal.SIGKILL)
            found, status, usage = os.wait4(process, 0)
            break
        time.sleep(min(0.01, max(0.0, end - time.monotonic())))
    seconds = time.monotonic() - began
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    log.unlink(missing_ok=True)
    return Ran(os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss / 1024, text)


def _become(command: Callable[[], None], folder: Path, environment: Mapping[str, str], log: Path) -> None:
    """Turn this forked process into the command's; it ends here, as an interpreter ends."""
    code = 1
    try:
        os.setsid()
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # it ends with this script
        os.chdir(folder)
        os.environ.update(environment)
        tempfile.tempdir = None
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(target, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        command()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with suppress(BaseException):
            threading._shutdown()  # type: ignore[attr-defined]  # what the end of an interpreter does
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def settle(names: Callable[[], set[str]], before: set[str], seconds: float = 8.0) -> set[str]:
    """What is new among some names once the workers of a killed command have noticed that it is gone."""
    end = time.monotonic() + seconds
    while (new := names() - before) and time.monotonic() < end:
        time.sleep(0.1)
    return new
