"""The folder that a command writes to, made and tried before any work is done for it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lavida_gen.common.errors import UserError, problem


def make_output_folder(folder: Path, option: str = "--out") -> Path:
    """The folder, made where it is missing, after a file was written to it for a try.

    option  what the user may give otherwise. Raises UserError for a place that cannot be written to.
    """
    what = "made"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        what = "written to"
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        got = "is a file" if folder.is_file() else f"cannot be {what} ({error.strerror})"
        raise UserError(problem(folder, got, "a folder to write to", f"give another {option}")) from error
    return folder
