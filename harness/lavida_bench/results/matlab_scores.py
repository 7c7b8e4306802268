"""Frame scores in MATLAB files (.mat of version 5 to 7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lavida_bench.common.mat_file import read_variables
from lavida_bench.results.score_table import LABEL
from lavida_gen.common.errors import DataError, problem

SCORES = ("frames", "scores", "score", "pred", "predictions")
"""Names of frame scores in files that hold more than one array."""


def read_mat(path: Path) -> dict[str, NDArray[Any]]:
    """Read the frame scores of one video from a MATLAB file.

    Args:
        path: A file with one variable, or one that is called scores.

    Returns:
        {"frames": the variable}.

    Raises:
        DataError: The file cannot be read, or has several variables.
    """
    variables = read_variables(path)
    name = next((name for name in SCORES if name in variables), next(iter(variables), ""))
    if name not in SCORES and len(variables) != 1:
        raise DataError(
            problem(path, f"holds {', '.join(variables) or 'nothing'}", "one variable, or one named scores")
        )
    if name.lower() in LABEL:
        raise DataError(problem(path, f"holds {name} alone, which are labels", "scores"))
    scores = unwrapped(variables[name])
    if isinstance(scores, dict):
        scores = next((scores[field] for field in SCORES if field in scores), scores)
    if not isinstance(scores, np.ndarray):
        raise DataError(problem(path, f"{name} is a struct of {', '.join(scores)}", "(F,) numbers, one per frame"))
    return {"frames": scores}


def unwrapped(array: NDArray[Any]) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """Take an array out of a cell array of one cell, or the fields out of a struct.

    Args:
        array: A variable as SciPy reads it.

    Returns:
        The array, or name -> array of a struct's fields.
    """
    while array.dtype == np.object_ and array.size == 1 and isinstance(array.item(), np.ndarray):
        array = array.item()
    if array.dtype.names and array.size == 1:
        fields = {name: unwrapped(np.asarray(array[name].item())) for name in array.dtype.names}
        return {name: field for name, field in fields.items() if isinstance(field, np.ndarray)}
    return array
