"""Folders of annotation files: listing them, fingerprinting them, and finding which files are missing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from lavida_gen.annotations.problem_list import MAX_PROBLEMS
from lavida_gen.common.digests import sha256
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.common.input_file import beside


def list_files(folder: Path, suffix: str = ".png") -> list[str]:
    """Names of the files below a folder. Hidden files and folders are skipped.

    Args:
        folder: Folder to search, with its subfolders.
        suffix: End of the file names, which may also be written in capitals; `as_written` finds the file.

    Returns:
        Sorted paths relative to `folder`, with "/" between folders, without `suffix`, each once.

    Raises:
        DataError: The folder does not exist, or a name is not UTF-8.
    """
    if not folder.is_dir():
        raise DataError(problem(folder, "the folder does not exist", "the data set's folder of annotations"))
    names, endings = [], endings_of(suffix)
    for base, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = Path(base).relative_to(folder).as_posix()
        prefix = "" if relative == "." else f"{relative}/"
        matching = [prefix + name for name in files if name.endswith(endings) and name[0] != "."]
        names += [utf8_name(folder, name)[: len(name) - len(suffix)] for name in matching]
    return sorted(set(names))


def endings_of(suffix: str) -> tuple[str, str]:
    """The end of file names as usual, and as programs for Windows write it: ``_mask.png`` and ``_mask.PNG``.

    Args:
        suffix: The usual end.
    """
    start, dot, kind = suffix.rpartition(".")
    return suffix, f"{start}{dot}{kind.upper()}"


def as_written(path: Path) -> Path:
    """The file of a path, also where its suffix is written in capitals.

    Args:
        path: The path, with the usual suffix.

    Returns:
        ``a.png`` or ``a.PNG``, whichever exists; else `path`.
    """
    if path.is_file():
        return path
    capitals = path.with_suffix(path.suffix.upper())
    return capitals if capitals.is_file() else path


def utf8_name(folder: Path, name: str) -> str:
    """Check that a file name is text, as keys, records and messages need it.

    Args:
        folder: Folder of the file, for the error.
        name: Its name.

    Returns:
        `name`.

    Raises:
        DataError: The name is not UTF-8.
    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        path = os.fsencode(folder / name).decode(errors="backslashreplace")
        raise DataError(problem(path, "has a name that is not UTF-8", "a UTF-8 name", "rename it")) from error
    return name


def names_and_sizes_digest(folder: Path, names: Iterable[str], *more: str) -> str:
    """Digest of the names and sizes of files. Reading every mask of a large data set would take minutes.

    Args:
        folder: Folder of the files.
        names: Their paths below `folder`. A changed mask nearly always has another size.
        *more: Digests of other files, mixed in.

    Returns:
        SHA-256 as hexadecimal text.
    """
    lines = []
    for name in names:
        path = as_written(folder / name)
        size = path.stat().st_size if path.is_file() else -1
        lines.append(f"{name}\0{size}\n")
    return sha256("\n".join(more) + "".join(lines))


def marks(folder: Path, names: Iterable[str], suffix: str = "") -> list[str]:
    """What changes when a file changes: its name, size and time of change. A link may lead nowhere: then its name.

    Args:
        folder: Folder of the files.
        names: Their paths below `folder`, without `suffix`.
        suffix: End of the file names.

    Returns:
        A text for each name.
    """
    found = []
    for name in names:
        try:
            facts = as_written(folder / f"{name}{suffix}").stat()
            found.append(f"{name} {facts.st_size} {facts.st_mtime_ns}")
        except OSError:
            found.append(name)
    return found


def frame_path(folder: Path, name: str) -> Path:
    """The image of a frame, which data sets keep as JPEG and some copies as PNG.

    Args:
        folder: Folder of the frames.
        name: Its path below `folder`, without the end.

    Returns:
        The first of ``NAME.jpg``, ``NAME.png``, ``NAME.jpeg`` and these in capitals that exists; else ``NAME.jpg``.
    """
    paths = [folder / f"{name}{end}" for end in (".jpg", ".png", ".jpeg")]
    return next((found for path in paths if (found := as_written(path)).is_file()), paths[0])


def missing_files(scenes: Iterable[Iterable[Path]]) -> Iterator[Finding]:
    """Which files do not exist.

    Args:
        scenes: The files of each scene. A scene is lost if one of them is missing.

    Yields:
        A finding for each of the first missing files, then one for all others.
    """
    exists: dict[Path, bool] = {}
    lost: dict[Path, int] = {}  # missing file -> scenes that are lost with it, each counted once
    for files in scenes:
        gone = []
        for path in files:
            if path not in exists:
                exists[path] = path.is_file()
            if not exists[path]:
                gone.append(path)
        for number, path in enumerate(gone):
            lost[path] = lost.get(path, 0) + (number == 0)
    for path in list(lost)[:MAX_PROBLEMS]:
        other = beside(path)
        yield Finding("dropped", f"no file {path}" + (f"; there is {other}" if other else ""), lost[path])
    if len(lost) > MAX_PROBLEMS:
        text = f"{len(lost):,} of {len(exists):,} files are missing, including these {MAX_PROBLEMS}; fetch them again"
        yield Finding("dropped", text, sum(list(lost.values())[MAX_PROBLEMS:]))
