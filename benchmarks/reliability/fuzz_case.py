"""One case of the fuzzer: a copy of valid input, mutated, read by the real verb or reader under limits, and judged.

Good ends are success and one clear error. Everything else has a name: traceback, hang, memory, outside (a file written or
changed outside the output folder), unclear (an error without a place), raw (control characters in the output).
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import stat
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np
from fuzz_formats import mutate

from lavida.errors import LavidaError
from lavida_gen.common.errors import LavidaGenError

CPU_LIMIT, WALL_LIMIT, IDLE_LIMIT = 20.0, 200.0, 8.0
"""Seconds of a case: of the processor, by the clock (other programs may be running), and of waiting without any work."""
MEMORY_LIMIT, ADDRESS_LIMIT = 1 << 30, 6 << 30
"""Bytes over what the process had before: resident, and of addresses (an emergency brake)."""
GOOD = ("success", "error")
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Area:
    """Input of one kind.

    Attributes:
        name: Its name.
        prepare: Writes valid input into a folder.
        run: Reads it: `run(input, output, seed)` writes into the output folder only; returns what was printed.
        own_input: Whether the verb continues work in its input folder, so that it may change it.
    """

    name: str
    prepare: Callable[[Path], None]
    run: Callable[[Path, Path, int], str]
    own_input: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case ended.

    Attributes:
        end: success, error, or the name of the problem.
        detail: The message, or the last lines of the traceback.
        mutation: What had been changed.
        seconds: Duration by the clock.
        mebibytes: Peak of the memory over what the process had before.
    """

    end: str
    detail: str
    mutation: str
    seconds: float
    mebibytes: float


class Hang(BaseException):
    """A limit on time was exceeded."""


class VerbError(Exception):
    """A command ended with exit code 1 or 2; the text is what it printed."""


@contextmanager
def _time_limit() -> Iterator[None]:
    began = worked = time.monotonic()
    first = last = time.process_time()

    def check(number: int, frame: FrameType | None) -> None:
        nonlocal worked, last
        now, cpu = time.monotonic(), time.process_time()
        if cpu - last > 0.01:
            worked, last = now, cpu
        if cpu - first > CPU_LIMIT or now - began > WALL_LIMIT or now - worked > IDLE_LIMIT:
            raise Hang(
                f"{now - began:.0f} s, {cpu - first:.0f} of the processor\n" + "".join(traceback.format_stack(frame, 8))
            )

    before = signal.signal(signal.SIGALRM, check)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _status(key: str) -> int:
    """A value of /proc/self/status in bytes."""
    match = re.search(rf"^{key}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


@contextmanager
def _memory_limit() -> Iterator[Callable[[], int]]:
    """Brake a process that takes all memory; gives a function for the peak over what it had before."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    resident, addresses = _status("VmRSS"), _status("VmSize")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (addresses + ADDRESS_LIMIT, before[1]))
    try:
        yield lambda: max(0, _status("VmHWM") - resident)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    this: BaseException | None = error
    while this is not None and id(this) not in seen:
        seen.add(id(this))
        yield this
        this = this.__cause__ or this.__context__


def _judge(error: BaseException) -> tuple[str, str]:
    """The end that an exception stands for, and its text."""
    if isinstance(error, Hang):
        return "hang", str(error)
    if any(isinstance(one, MemoryError) for one in _chain(error)):
        return "memory", f"MemoryError behind: {error}"
    if isinstance(error, LavidaGenError | LavidaError | VerbError):
        return ("error" if ":" in str(error) else "unclear"), str(error)
    if isinstance(error, OSError) and error.filename:  # the commands print it in one line with the place
        return "error", f"{error.filename}: {error.strerror}"
    return "traceback", "".join(traceback.format_exception(error)[-6:])


def _snapshot(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Kind, size and time of everything below a folder, links not followed."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            facts = os.lstat(os.path.join(place, name))
            kind = stat.S_IFMT(facts.st_mode)
            is_folder = stat.S_ISDIR(facts.st_mode)
            found[os.path.join(place, name)] = (
                kind,
                0 if is_folder else facts.st_size,
                0 if is_folder else facts.st_mtime_ns,
            )
    return found


def rng_of(area: str, seed: int) -> np.random.Generator:
    """The random generator of a case."""
    return np.random.default_rng([zlib.crc32(area.encode()), seed])


def run_case(area: Area, seed: int, template: Path, home: Path) -> Outcome:
    """Run one case in this process.

    Args:
        area: Its area.
        seed: Number of the case; 0 changes nothing, and must succeed.
        template: Valid input, as `area.prepare` wrote it; not changed.
        home: New folder of the case; holds `in`, `out`, and files that nobody may touch.

    Returns:
        How it ended.
    """
    given, out = home / "in", home / "out"
    shutil.copytree(template, given, symlinks=True)
    out.mkdir()
    for sentinel in (home / "outside.txt", home / "outside" / "file.txt"):
        sentinel.parent.mkdir(exist_ok=True)
        sentinel.write_text("not to be touched")
    mutation = mutate(given, rng_of(area.name, seed)) if seed else "nothing changed"
    before, above = _snapshot(home), sorted(os.listdir(home.parent))
    here, began = os.getcwd(), time.monotonic()
    os.chdir(out)
    try:
        with _memory_limit() as peak:
            try:
                with _time_limit():
                    text = area.run(given, out, seed)
                end, detail, printed = "success", text, True
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # SystemExit, Hang and what Rust raises are outcomes too
                end, detail = _judge(error)
                printed = isinstance(error, VerbError)
            used = peak()
    finally:
        os.chdir(here)
    if end in GOOD and used > MEMORY_LIMIT:
        end, detail = "memory", f"{used >> 20} MiB; {detail}"
    ours = str(out) + os.sep
    allowed = (ours, str(given) + os.sep) if area.own_input else (ours,)
    after = _snapshot(home)
    changed = [
        name
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name) and not name.startswith(allowed)
    ]
    if end in GOOD and (changed or sorted(os.listdir(home.parent)) != above):
        end, detail = "outside", f"changed: {changed or sorted(os.listdir(home.parent))}"
    if end in GOOD and printed and RAW.search(detail):
        end, detail = "raw", repr(detail)
    return Outcome(end, detail[-3000:], mutation, round(time.monotonic() - began, 2), used / 2**20)
