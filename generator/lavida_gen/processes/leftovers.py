"""Temporary files and folders that killed processes left: each has its process in its name, the next one removes it.

    overlay.mp4.partial-3f9a1c.4711.88214-5b0c77e1     host, process, when the process began, a random part

A name is removed once its process has ended, never before: the name is there from the first byte on, and a number that
the system gives to another process later comes with another beginning. What another host left (or a container that is
gone) is removed when nothing in it has changed for a day.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import time
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path

PARTIAL = ".partial"
"""Marks the temporary name of a file or folder that is being written."""
DAY = 86_400.0
"""Seconds without a change after which what another host left counts as left."""
_MARK = re.compile(re.escape(PARTIAL) + r"-([0-9a-f]{6})\.(\d+)\.(\d+)-[0-9a-f]{8}$")
_NAME_BYTES = 200
"""Most bytes of the final name in a temporary one: file systems take 255 in all."""

_swept: set[str] = set()
"""Folders that this process has swept."""


def own_mark() -> str:
    """The end of a temporary name of this process, another one at each call."""
    process = os.getpid()
    return f"{PARTIAL}-{_host()}.{process}.{_began(process) or 0}-{uuid.uuid4().hex[:8]}"


def temporary_name(name: str) -> str:
    """The temporary name of a file or folder of this process, at most 255 bytes.

    Args:
        name: The final name.
    """
    return name.encode()[:_NAME_BYTES].decode(errors="ignore") + own_mark()


def sweep_once(folder: Path) -> None:
    """Remove what ended processes left in a folder, at this process' first call for it.

    Args:
        folder: The folder; it need not exist.
    """
    key = os.path.abspath(folder)
    if key not in _swept:
        _swept.add(key)
        sweep(folder)


def sweep(folder: Path) -> None:
    """Remove the temporary files and folders that ended processes left in a folder, not in folders below it.

    Args:
        folder: The folder; it need not exist.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        left = [Path(entry.path) for entry in entries if PARTIAL in entry.name]
        for path in left:
            if is_left(path):
                remove(path)


def is_temporary(path: Path) -> bool:
    """Whether a path has a temporary name, of an ended process or of one that runs."""
    return _MARK.search(path.name) is not None


def is_left(path: Path) -> bool:
    """Whether a path has a temporary name whose process has ended.

    Args:
        path: A file or folder.
    """
    mark = _MARK.search(path.name)
    if mark is None:
        return False
    host, process, began = mark.groups()
    if host != _host():
        return time.time() - _last_change(path) > DAY
    now = _began(int(process))
    return now is None or (now != int(began) and 0 not in (now, int(began)))


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; what cannot be removed (another user's) stays.

    Args:
        path: The file or folder.
    """
    with suppress(OSError):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@cache
def _host() -> str:
    """Six digits for this machine, or for this container of it: process numbers mean something only there."""
    try:
        numbers = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        numbers = 0
    return hashlib.sha256(f"{socket.gethostname()} {numbers}".encode()).hexdigest()[:6]


def _began(process: int) -> int | None:
    """When a process began, in clock ticks since the machine did; 0 = it runs, and that is all there is to know."""
    with suppress(OSError, ValueError, IndexError):
        with open(f"/proc/{process}/stat", "rb") as file:
            state, *fields = file.read().rpartition(b")")[2].split()  # the name before may hold anything
        return None if state in (b"Z", b"X") else int(fields[18])
    try:  # no /proc, or one that hides the processes of others
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return None
    except PermissionError:
        return 0
    return 0


def _last_change(path: Path) -> float:
    """Time of the last change of a file, or of anything in a folder."""
    with suppress(OSError):
        return max(each.lstat().st_mtime for each in (path, *path.rglob("*")))
    return time.time()
