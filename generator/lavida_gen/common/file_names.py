"""Names of files that somebody else may have written: one rule for all of them.

A name that is read from a manifest, a record, an annotation, an archive, a list or a server's listing means a file
inside one folder, and no other: the name is relative, has no `..`, no drive and no control characters, and where it
leads after links are followed is inside the folder, too. Three places count as inside besides the folder itself: what
the folder is a link to (`train2017 -> /data/coco/train2017` is the wish of who set it up), the blobs of which a
snapshot in the cache of `huggingface_hub` consists, and the folders that LAVIDA_GEN_LINKS names. Files that are found
by listing a folder of the user are not names that somebody wrote: links among them are followed.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.text import CONTROL

LINKS = "LAVIDA_GEN_LINKS"
"""Environment variable: folders, separated by colons, that links inside data sets and corpora may lead to."""
MOST_LETTERS, MOST_LETTERS_OF_A_PART, MOST_LETTERS_OF_A_CORPUS = 1024, 255, 200
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


def check_file_name(name: str, folder: str = "the data set's folder") -> str:
    """Check a name in a data set, whose names may have blanks and letters of all languages.

    Args:
        name: The name, with "/" or a backslash between folders.
        folder: What it must not leave, for the error.

    Returns:
        `name`.

    Raises:
        ValueError: It is absolute, has `..`, a drive or scheme, control characters, is no UTF-8, empty or too long.
    """
    if len(name) <= MOST_LETTERS_OF_A_CORPUS and _PLAIN.fullmatch(name):
        return name  # what nearly all names are: letters, digits, dots inside, no `..`
    shown = repr(name if len(name) <= 80 else f"{name[:77]}...")
    parts = name.replace("\\", "/").split("/")
    if not parts[0] or ".." in parts or ":" in parts[0] or "\0" in name:
        raise ValueError(f"file name {shown} leaves {folder}")
    if CONTROL.search(name) or "\n" in name or "\t" in name:
        raise ValueError(f"file name {shown} holds control characters")
    if len(name) > MOST_LETTERS or max(map(len, parts)) > MOST_LETTERS_OF_A_PART:
        raise ValueError(f"file name {shown} is too long")
    return name


def is_file_name(name: str) -> bool:
    """Whether `check_file_name` accepts a name."""
    try:
        return bool(check_file_name(name))
    except ValueError:
        return False


def path_inside(
    folder: Path, name: str, where: object, todo: str = "fix the annotations", what: str = "the data set's folder"
) -> Path:
    """The path of a file that somebody else's file names.

    Args:
        folder: The folder that it is in.
        name: The name, relative to `folder`.
        where: The file that holds the name, for the error.
        todo: What the user can do, for the error.
        what: What `folder` is, for the error.

    Returns:
        `folder / name`, which need not exist.

    Raises:
        DataError: The name, or a link on its way, leads out of the folder.
    """
    try:
        path = folder / check_file_name(name, what)
    except ValueError as error:
        raise DataError(problem(where, str(error), "a relative path inside it", todo)) from error
    if not is_inside(folder, path):
        got = f"file name {name!r} leaves {what}: a link leads to {os.path.realpath(path)}"
        todo = f"copy the file there, or name the folders that links may lead to in {LINKS}"
        raise DataError(problem(where, got, f"a file inside {folder}", todo))
    return path


def plain_name(name: str) -> str:
    """A file name without the differences that systems make: upper case, decomposed accents.

    Args:
        name: The name.
    """
    return unicodedata.normalize("NFC", name).casefold()


def is_inside(folder: Path, path: Path) -> bool:
    """Whether a path below a folder stays inside it when links are followed.

    Args:
        folder: The folder.
        path: A path that begins with `folder` and has no `..`; it need not exist.
    """
    text, base = str(path), str(folder)
    above = text.rpartition("/")[0]
    if text[0] == base[0] == "/" and _is_folder_inside(base, above) and not os.path.islink(text):
        return True
    own, parent = _resolved(os.path.abspath(folder)), _resolved(os.path.abspath(path.parent))
    resolved = os.path.realpath(path) if os.path.islink(path) else f"{parent}/{path.name}"
    return _is_below(resolved, own) or any(_is_below(resolved, other) for other in _allowed(own))


@lru_cache(maxsize=4096)
def _is_folder_inside(folder: str, inner: str) -> bool:
    """Whether an absolute folder is another one or inside it, once links are followed."""
    return _is_below(_resolved(inner), _resolved(folder))


@lru_cache(maxsize=4096)
def _resolved(folder: str) -> str:
    """A folder with its links followed; a data set has few folders and many files, which need not be followed again."""
    return os.path.realpath(folder)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/") or path == folder


def _allowed(folder: str) -> Iterator[str]:
    """Where links of a folder may lead, in addition to itself."""
    for parent in Path(folder, "file").parents:
        if parent.parent.name == "snapshots" and (parent.parent.parent / "refs").is_dir():
            yield str(parent.parent.parent / "blobs")
    for given in os.environ.get(LINKS, "").split(os.pathsep):
        if given.startswith("/"):
            yield os.path.realpath(given)


def check_corpus_name(name: str) -> str:
    """Check a name in a corpus, all of which consist of ASCII letters, digits, `-`, `_` and dots.

    Args:
        name: The name, relative to the corpus.

    Returns:
        `name`.

    Raises:
        ValueError: It is no plain relative name: absolute, with `..`, a drive, a backslash, hidden, or too long.
    """
    if len(name) > MOST_LETTERS_OF_A_CORPUS or not _PLAIN.fullmatch(name):
        shown = name if len(name) <= 60 else f"{name[:57]}..."
        raise ValueError(f"{shown!r} is no name inside a corpus; expected one such as image/train-00000.tar")
    return name


CorpusFileName = Annotated[str, AfterValidator(check_corpus_name)]
"""A file of a corpus, relative to it."""
