"""Mutations of a file's bytes, whatever it holds; and of the file itself: a FIFO, a device or a link in its place.

Each takes the path and a random generator, changes what lies there and returns what it did in a few words.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

Mutation = Callable[[Path, np.random.Generator], str]
NAMES = (
    "x\x1b[31mred\x07.txt",
    "a\nb.json",
    "x" * 250,
    "..\\up.png",
    " ",
    "\udcff.jpg",
    "'; rm -rf;'.txt",
    "CON.txt",
    "ä ß.png",
)


def _place(data: bytes, rng: np.random.Generator) -> tuple[int, int]:
    """A stretch of the data: start and length, short ones more often; half of them near the beginning."""
    end = len(data) if rng.random() < 0.5 else min(len(data), 600)
    start = int(rng.integers(0, max(1, end)))
    return start, int(min(len(data) - start, 2 ** rng.integers(0, 12)))


def flip(path: Path, rng: np.random.Generator) -> str:
    """Some bytes get other values."""
    data = bytearray(path.read_bytes())
    count = int(rng.choice([1, 2, 8, 64]))
    for _ in range(count if data else 0):
        data[_place(bytes(data), rng)[0]] = int(rng.choice([0, 0xFF, 0x7F, 0x80, rng.integers(0, 256)]))
    path.write_bytes(data)
    return f"{count} bytes changed"


def truncate(path: Path, rng: np.random.Generator) -> str:
    """The end is missing."""
    data = path.read_bytes()
    keep = int(len(data) * rng.random()) if rng.random() < 0.7 else max(0, len(data) - int(rng.integers(1, 20)))
    path.write_bytes(data[:keep])
    return f"cut to {keep} of {len(data)} bytes"


def cut_out(path: Path, rng: np.random.Generator) -> str:
    """A stretch is missing."""
    data = path.read_bytes()
    start, length = _place(data, rng)
    path.write_bytes(data[:start] + data[start + length :])
    return f"{length} bytes missing from {start}"


def insert(path: Path, rng: np.random.Generator) -> str:
    """Random bytes are put in."""
    data = path.read_bytes()
    start, _ = _place(data, rng)
    more = rng.bytes(int(rng.choice([1, 7, 512, 4096])))
    path.write_bytes(data[:start] + more + data[start:])
    return f"{len(more)} bytes put in at {start}"


def duplicate(path: Path, rng: np.random.Generator) -> str:
    """The content, or a stretch of it, stands there twice."""
    data = path.read_bytes()
    start, length = (0, len(data)) if rng.random() < 0.5 else _place(data, rng)
    path.write_bytes(data[: start + length] + data[start : start + length] + data[start + length :])
    return f"{length} bytes from {start} twice"


def zeros(path: Path, rng: np.random.Generator) -> str:
    """A stretch is zero."""
    data = path.read_bytes()
    start, length = _place(data, rng)
    path.write_bytes(data[:start] + bytes(length) + data[start + length :])
    return f"{length} zero bytes from {start}"


def empty(path: Path, rng: np.random.Generator) -> str:
    """Nothing is left."""
    path.write_bytes(b"")
    return "empty"


def of_another(path: Path, rng: np.random.Generator) -> str:
    """The content of another file of the folder."""
    others = sorted(p for p in path.parent.parent.rglob("*") if p.is_file() and not p.is_symlink() and p != path)
    if not others:
        return empty(path, rng)
    other = others[int(rng.integers(len(others)))]
    path.write_bytes(other.read_bytes())
    return f"content of {other.name!r}"


def noise(path: Path, rng: np.random.Generator) -> str:
    """Random bytes."""
    path.write_bytes(rng.bytes(int(rng.choice([1, 100, 5000]))))
    return "random bytes"


def sparse(path: Path, rng: np.random.Generator) -> str:
    """Zeros that take no space on the disk; fewer in videos, which are read to their end."""
    size = 300 << 20 if path.suffix.lower() in (".avi", ".mp4", ".mkv", ".tar") else 5 << 30
    os.truncate(path, size)
    return f"{size >> 20} MiB long (sparse)"


# ---- another kind of file ---------------------------------------------------------------------------------------------


def fifo(path: Path, rng: np.random.Generator) -> str:
    """A FIFO that nobody writes to."""
    path.unlink()
    os.mkfifo(path)
    return "a FIFO"


def device(path: Path, rng: np.random.Generator) -> str:
    """A link to a device."""
    path.unlink()
    target = str(rng.choice(["/dev/zero", "/dev/random", "/dev/null", "/dev/full", "/dev/stdin", "/proc/self/mem"]))
    path.symlink_to(target)
    return f"a link to {target}"


def link(path: Path, rng: np.random.Generator) -> str:
    """A link to itself, to nothing, to the folder above, or to a file outside."""
    path.unlink()
    targets = [path.name, "nothing-there", "..", "../" * 40 + "etc/hostname", str(path.parent)]
    target = str(rng.choice(targets))
    path.symlink_to(target)
    return f"a link to {target!r}"


def folder(path: Path, rng: np.random.Generator) -> str:
    """A folder of that name."""
    path.unlink()
    path.mkdir()
    if rng.random() < 0.5:
        (path / "x").write_bytes(b"x")
    return "a folder"


def missing(path: Path, rng: np.random.Generator) -> str:
    """No such file; or its whole folder is gone."""
    if rng.random() < 0.2 and len(list(path.parent.parent.iterdir())) > 1:
        shutil.rmtree(path.parent)
        return "its folder removed"
    path.unlink()
    return "removed"


def renamed(path: Path, rng: np.random.Generator) -> str:
    """Another name: control characters, no UTF-8, a very long one."""
    name = NAMES[int(rng.integers(len(NAMES)))]
    path.rename(path.with_name(name))
    return f"renamed to {name!r}"


def added(path: Path, rng: np.random.Generator) -> str:
    """A file beside it, with an odd name or a like one."""
    names = [
        *NAMES,
        f"._{path.name}",
        f"{path.stem} (1){path.suffix}",
        f"{path.name}.partial",
        path.name.upper(),
        path.stem,
    ]
    name = names[int(rng.integers(len(names)))]
    if not path.with_name(name).exists():
        path.with_name(name).write_bytes(path.read_bytes()[: int(rng.choice([0, 50, 10**6]))])
    return f"{name!r} beside it"


BYTES: tuple[Mutation, ...] = (
    flip,
    flip,
    truncate,
    truncate,
    cut_out,
    insert,
    duplicate,
    zeros,
    empty,
    of_another,
    noise,
)
KINDS: tuple[Mutation, ...] = (fifo, device, link, folder, missing, renamed, added, sparse)
