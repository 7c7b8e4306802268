"""Folders of annotation files: listing them, telling whether they are the same, and which are missing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from lavida_gen.common.errors import DataError, problem

SHOWN = 10
"""So many missing files are told in full; the rest is counted."""


def listing(folder: Path, suffix: str = ".png") -> list[str]:
    """File names below `folder` without `suffix`, subfolders with "/", sorted; hidden files are not data.

    Raises DataError if there is no such folder, or for a name that is not UTF-8.
    """
    if not folder.is_dir():
        raise DataError(problem(folder, "no such folder", "the data set's folder of annotations"))
    found = []
    for base, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inner = Path(base).relative_to(folder).as_posix()
        before = "" if inner == "." else f"{inner}/"
        own = [before + name for name in files if name.endswith(suffix) and name[0] != "."]
        found += [readable(folder, name)[: -len(suffix)] for name in own]
    return sorted(found)


def readable(folder: Path, name: str) -> str:
    """`name` of a file below `folder`, if it is text: no key, record or message holds another. Raises DataError."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        path = os.fsencode(folder / name).decode(errors="backslashreplace")
        raise DataError(problem(path, "has a name that is not UTF-8", "one that is", "rename it")) from error
    return name


def digest(folder: Path, names: Iterable[str], *more: str) -> str:
    """Digest of the names and sizes of files below `folder`: who changed a mask has changed its size, nearly always.

    Reading every mask of a large data set would take minutes. `more` is mixed in (digests of other files).
    """
    sha = hashlib.sha256("\n".join(more).encode())
    for name in names:
        path = folder / name
        size = path.stat().st_size if path.is_file() else -1
        sha.update(f"{name}\0{size}\n".encode())
    return sha.hexdigest()


def missing(files: Iterable[Path]) -> Iterator[str]:
    """Which of `files` are not there: some in full, then how many."""
    total = lost = 0
    for path in files:
        total += 1
        if not path.is_file():
            lost += 1
            if lost <= SHOWN:
                yield f"no file {path}"
    if lost > SHOWN:
        yield f"{lost:,} of {total:,} files are missing, these {SHOWN} among them; fetch them again"


def inside(root: Path, name: str, where: object) -> Path:
    """`root / name` for a file name that an annotation gives. Raises DataError if it would leave `root`."""
    parts = name.replace("\\", "/").split("/")
    if not name or name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
        raise DataError(
            problem(
                where,
                f"file name {name!r} leaves the data set's folder",
                "a relative path inside it",
                "mend the annotations",
            )
        )
    return root / name
