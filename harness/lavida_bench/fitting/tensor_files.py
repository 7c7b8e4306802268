"""Tensors of a fit in safetensors files: plain data, unlike `torch.save`'s pickles, which can run code when read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_STREAM, open_input, parsing

EXPECTED, ADVICE = (
    "a complete checkpoint",
    "remove the folder of this checkpoint: the run then continues from the one before, if there is one",
)
NOTES = "notes"
"""Key of the texts beside the tensors of a file."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor], notes: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file.

    Args:
        path: The file.
        tensors: Tensors by name, on any device.
        notes: Texts stored in the file, as JSON.

    Raises:
        OSError | safetensors.SafetensorError: The file cannot be written.
    """
    from safetensors.torch import save_file

    own = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    one = {NOTES: json.dumps(dict(notes))} if notes else None  # safetensors writes several entries in any order
    save_file(own, path, one)


def read_shapes(path: Path, expected: str = EXPECTED, todo: str = ADVICE) -> dict[str, tuple[int, ...]]:
    """Read the names and shapes of a safetensors file's tensors, which are in its header.

    Args:
        path: The file.
        expected: What the file should be, for messages.
        todo: What to do about a damaged one, for messages.

    Raises:
        DataError: The file cannot be read, or is no safetensors file.
    """
    from safetensors import safe_open

    open_input(path, MAX_STREAM, expected, todo).close()  # a regular file
    with parsing(path, expected, todo, got="cannot be loaded"), safe_open(str(path), "pt") as stored:
        return {name: tuple(stored.get_slice(name).get_shape()) for name in stored.keys()}  # noqa: SIM118  # no dict


def read_tensors(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    allow_missing: bool = False,
    expected: str = EXPECTED,
    todo: str = ADVICE,
) -> dict[str, Tensor]:
    """Read a safetensors file.

    Values are copied into memory that torch allocated, so a continued fit computes with aligned operands, as the first
    part did (see `lavida.alignment`).

    Args:
        path: The file.
        shapes: The tensors that it should hold, checked before any of them is read.
        allow_missing: Whether it may hold fewer.
        expected: What the file should be, for messages.
        todo: What to do about a damaged one, for messages.

    Returns:
        The tensors that it holds, by name.

    Raises:
        DataError: The file cannot be read, is no safetensors file, or holds something else.
    """
    from safetensors import safe_open

    stored_shapes = read_shapes(path, expected, todo)
    wrong = [name for name, shape in stored_shapes.items() if shapes.get(name) != shape]
    missing = [] if allow_missing else [name for name in shapes if name not in stored_shapes]
    if wrong or missing:
        got = f"holds other weights than the model trains ({(wrong or missing)[0]})"
        raise DataError(problem(path, got, expected, f"was model.config changed? If not, {todo}"))
    with parsing(path, expected, todo, got="cannot be loaded"), safe_open(str(path), "pt") as stored:
        return {name: stored.get_tensor(name).clone() for name in stored.keys()}  # noqa: SIM118  # it is no dict
