"""Reads pickles of plain data in a process of its own, with limits on memory and time.

`safe_pickle` calls nothing that a pickle names, but nine bytes can still ask for three gigabytes, a tuple that contains
itself twice, thirty times over, is hashed for ever, and two million nested tuples overflow the stack of the
interpreter. In a process of its own that is an error like any other. Data come back by `marshal`, which holds plain
data only.
"""

from __future__ import annotations

import gc
import marshal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lavida_gen.annotations import safe_pickle
from lavida_gen.annotations.safe_pickle import Container
from lavida_gen.common.errors import DataError, problem

_REFUSED = 3
"""Exit code with which the process hands over the text of a DataError."""
MEMORY = 1 << 30
"""Bytes of address space, beside 40 for each byte of the file (what dicts of short texts take)."""
SECONDS = 3
"""Seconds of processor time, beside one for each megabyte of the file; 50,000 references (28 MB) take two in all."""


def load(path: Path, kind: type[Container]) -> Container:
    """Read a pickle file of plain data.

    Args:
        path: The pickle file.
        kind: Type of the outermost object: list or dict.

    Returns:
        The outermost object.

    Raises:
        DataError: As `safe_pickle.load`, or the file needs more memory, time or depth than plain data of its size.
    """
    command = [sys.executable, "-m", __name__, str(path.absolute()), kind.__name__]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode == _REFUSED:
        raise DataError(done.stderr.decode("utf-8", "replace"))
    if done.returncode != 0:
        got = "takes more memory, time or depth than plain data of its size"
        todo = "do not trust this file; fetch the published one"
        raise DataError(problem(path, got, "a pickle of plain data", todo))
    with _without_collections():
        plain = marshal.loads(done.stdout)  # written by the lines below, not by the file
    assert type(plain) is kind, f"{path}: another type came back"
    return plain


@contextmanager
def _without_collections() -> Iterator[None]:
    """No search for garbage while millions of objects are made, none of which is garbage; it doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _limit(size: int) -> None:
    """Limit this process. Systems without such limits (macOS has no RLIMIT_AS) keep the others."""
    import resource

    seconds, memory = SECONDS + size // 1_000_000, MEMORY + 40 * size
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _main(path: Path, kind: str) -> int:
    if path.is_file():
        _limit(path.stat().st_size)
    gc.disable()
    try:
        plain = safe_pickle.load(path, list) if kind == "list" else safe_pickle.load(path, dict)
        sys.stdout.buffer.write(marshal.dumps(plain))
    except DataError as error:
        sys.stderr.buffer.write(str(error).encode("utf-8", "replace"))
        return _REFUSED
    except (ValueError, RecursionError, MemoryError):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), sys.argv[2]))
