"""Frame scores in MATLAB files (.mat of version 5 to 7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_TEXT, open_input, parsing

SCORES = ("frames", "scores", "score", "pred", "predictions")
"""Names of frame scores in files that hold more than one array."""


def read_mat_variables(path: Path) -> dict[str, NDArray[Any]]:
    """Read the variables of a MATLAB file.

    Args:
        path: A file of MATLAB 5 or older.

    Returns:
        Name -> array, without MATLAB's own.

    Raises:
        DataError: The file cannot be read.
    """
    from scipy.io import loadmat

    with open_input(path, MAX_TEXT, "a MATLAB file") as file:
        todo = "save it with -v7 or as .npz: version 7.3 is another format" if b"7.3" in file.read(128) else ""
        file.seek(0)
        with parsing(path, "a MATLAB file of version 5 to 7", todo):
            found = loadmat(file)
    return {name: np.asarray(value) for name, value in found.items() if not name.startswith("__")}


def read_mat(path: Path) -> dict[str, NDArray[Any]]:
    """Read the frame scores of one video from a MATLAB file.

    Args:
        path: A file with one variable, or one that is called scores.

    Returns:
        {"frames": the variable}.

    Raises:
        DataError: The file cannot be read, or has several variables.
    """
    variables = read_mat_variables(path)
    name = next((name for name in SCORES if name in variables), next(iter(variables), ""))
    if name not in SCORES and len(variables) != 1:
        raise DataError(
            problem(path, f"holds {', '.join(variables) or 'nothing'}", "one variable, or one named scores")
        )
    return {"frames": variables[name]}
