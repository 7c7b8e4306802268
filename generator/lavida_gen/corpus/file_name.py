"""Names of files of a corpus: what a manifest or record may name, and nothing outside the corpus."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
MOST_LETTERS = 200


def check_file_name(name: str) -> str:
    """Check a name that somebody else may have written: it becomes part of a path that is read or written.

    Args:
        name: The name, relative to the corpus.

    Returns:
        `name`.

    Raises:
        ValueError: It is no plain relative name: absolute, with `..`, a drive, a backslash, or too long.
    """
    if len(name) > MOST_LETTERS or not _NAME.fullmatch(name):
        shown = name if len(name) <= 60 else f"{name[:57]}..."
        raise ValueError(f"{shown!r} is no name inside a corpus; expected one such as image/train-00000.tar")
    return name


CorpusFileName = Annotated[str, AfterValidator(check_file_name)]
"""A file of a corpus, relative to it."""
