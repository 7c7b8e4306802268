"""Files that are complete whenever they exist under their final name, and the messages for failed writes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lavida_gen.common.errors import DataError, problem
from lavida_gen.processes.leftovers import sweep_once, temporary_name

_FULL = ("no space", "os error 28", "quota", "unexpected pos")
"""Texts of a full disk in exceptions without an errno: safetensors, and torch's zip writer after a short write."""


def partial_path(path: Path) -> Path:
    """A temporary name for a file or folder, in the same folder as its final name; no other call returns it.

    At a process' first call for a folder, what ended processes left there is removed.

    Args:
        path: The final name.
    """
    sweep_once(path.parent)
    return path.with_name(temporary_name(path.name))


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, sync it to disk, and rename it.

    Raises:
        DataError: The file cannot be written.
    """
    with write_errors(path):
        replace_file(path, data)


def replace_file(path: Path, data: bytes, sync: bool = True) -> None:
    """As `write_atomic`, for callers that handle the errors themselves.

    Args:
        path: The final name.
        data: The content.
        sync: Whether to wait until the disk has it; False for files whose reader notices what a power cut left of them.

    Raises:
        OSError: The file cannot be written; nothing is left under the temporary name.
    """
    partial = partial_path(path)
    try:
        with open(partial, "wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:  # ctrl-C too
        with suppress(OSError):
            partial.unlink()
        raise


@contextmanager
def write_errors(
    where: object, resume: str = "run the same command again", also: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Report errors of the block as one DataError.

    Args:
        where: File or folder that the block writes.
        resume: How to continue once the place can be written to.
        also: Exceptions other than OSError that a failed write raises.

    Raises:
        DataError: The block raised an OSError or one of `also`.
    """
    caught: tuple[type[Exception], ...] = (OSError, *also)
    try:
        yield
    except caught as error:
        raise write_error(where, error, resume) from error


def write_error(where: object, error: Exception | str, resume: str = "run the same command again") -> DataError:
    """The DataError for a failed write.

    Args:
        where: File or folder that was written.
        error: The exception, or what `describe_write_failure` made of it in another process.
        resume: How to continue once the place can be written to.
    """
    failure = error if isinstance(error, str) else describe_write_failure(error)
    todo = "free some space" if failure == DISK_FULL else "make the place writable"
    return DataError(problem(where, failure, todo=f"{todo} and {resume}"))


DISK_FULL = "the disk is full"


def describe_write_failure(error: Exception) -> str:
    """``the disk is full``, or ``cannot be written (reason)`` with the first line of the exception."""
    number = error.errno if isinstance(error, OSError) else None
    text = str(error).lower()
    if number in (errno.ENOSPC, errno.EDQUOT) or any(part in text for part in _FULL):
        return DISK_FULL
    reason = error.strerror if isinstance(error, OSError) else None
    lines = (reason or str(error)).strip().splitlines()
    return f"cannot be written ({lines[0] if lines else type(error).__name__})"
