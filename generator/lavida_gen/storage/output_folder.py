"""The folder that a command writes to, created and tested before any other work."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lavida_gen.common.errors import UserError, problem


def make_output_folder(folder: Path, option: str = "--out") -> Path:
    """Create a folder if it is missing, and write a temporary file to it as a test.

    Args:
        folder: The folder.
        option: The option by which the user can choose another one, for messages.

    Returns:
        The folder.

    Raises:
        UserError: It cannot be created or written to.
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
