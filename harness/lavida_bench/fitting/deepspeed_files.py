"""DeepSpeed's checkpoints as plain data. Its own are pickles, which can run code when somebody else's are read.

DeepSpeed hands every file's content, a tree of dictionaries and lists with tensors, to a checkpoint engine. Here the
tensors go into a safetensors file and the tree, as JSON, into its notes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from lavida_bench.fitting.tensor_files import ADVICE, EXPECTED, NOTES, write_tensors
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_STREAM, open_input, parsing
from lavida_gen.common.json_file import check_json_object, parse_json

TAG = "deepspeed"
"""Folder of DeepSpeed's files in a checkpoint."""
_TREE = "tree"
"""Note of a file that holds its tree."""


class _Files(Protocol):
    """What DeepSpeed calls a checkpoint engine."""

    save: Callable[[object, str], None]
    load: Callable[..., object]


class _Engine(Protocol):
    """DeepSpeed's engine."""

    checkpoint_engine: _Files

    def save_checkpoint(self, save_dir: str, tag: str, *, exclude_frozen_parameters: bool) -> None: ...

    def load_checkpoint(self, load_dir: str, tag: str, *, load_module_strict: bool) -> tuple[str | None, object]: ...


def save(engine: nn.Module, folder: Path) -> None:
    """Let DeepSpeed write its files; every process calls it.

    Args:
        engine: The prepared model, a `DeepSpeedEngine`.
        folder: Folder of the checkpoint.
    """
    _use_plain_files(engine).save_checkpoint(str(folder), TAG, exclude_frozen_parameters=True)


def load(engine: nn.Module, folder: Path) -> None:
    """Let DeepSpeed read its files; every process calls it.

    Args:
        engine: The prepared model, a `DeepSpeedEngine`.
        folder: Folder of the checkpoint.

    Raises:
        DataError: A file is missing or damaged.
    """
    with parsing(folder / TAG, EXPECTED, ADVICE, got="cannot be loaded"):
        found, _ = _use_plain_files(engine).load_checkpoint(str(folder), TAG, load_module_strict=False)
    if found is None:
        raise DataError(problem(folder / TAG, "cannot be loaded (files are missing)", EXPECTED, ADVICE))


def _use_plain_files(engine: nn.Module) -> _Engine:
    """The engine, whose files are from now on written and read by the functions below."""
    found = cast("_Engine", engine)
    found.checkpoint_engine.save, found.checkpoint_engine.load = _write, _read
    return found


def _write(state_dict: object, path: str) -> None:
    """DeepSpeed calls it in place of torch.save."""
    tensors: dict[str, Tensor] = {}
    tree = _plain(state_dict, tensors)
    write_tensors(Path(path), tensors, {_TREE: json.dumps(tree)})


def _read(path: str, map_location: object = None) -> object:
    """DeepSpeed calls it in place of torch.load."""
    from safetensors import safe_open

    open_input(path, MAX_STREAM, EXPECTED, ADVICE).close()  # a regular file
    with safe_open(path, "pt") as stored:
        notes = parse_json((stored.metadata() or {})[NOTES], path)
        tree = parse_json(check_json_object(notes, path, keys=(_TREE,))[_TREE], path)
        return _restored(tree, stored.get_tensor)


def _plain(value: object, tensors: dict[str, Tensor]) -> object:
    """The value in JSON: containers and all else that JSON does not have as [kind, content]; tensors are collected."""
    if value is None or isinstance(value, bool | str | int) or (type(value) is float and math.isfinite(value)):
        return value
    if isinstance(value, Tensor):
        tensors[str(len(tensors))] = value.clone()  # parts of one memory, too, become tensors of their own
        return ["tensor", str(len(tensors) - 1)]
    if isinstance(value, Mapping):
        return ["dict", [[_plain(key, tensors), _plain(inner, tensors)] for key, inner in value.items()]]
    for kind, sequence in _SEQUENCES.items():
        if isinstance(value, Iterable) and type(value) is sequence:
            return [kind, [_plain(inner, tensors) for inner in value]]
    if isinstance(value, float):
        return ["float", repr(value)]
    if isinstance(value, torch.dtype):
        return ["dtype", str(value).removeprefix("torch.")]
    for kind, known in _objects().items():
        if type(value) is known:
            return [kind, _plain(vars(value), tensors)]
    raise TypeError(f"DeepSpeed stores a {type(value)}, which is not known to be plain data")


def _restored(tree: object, tensor: Callable[[str], Tensor]) -> object:
    """The value that `_plain` wrote."""
    if not isinstance(tree, list):
        return tree
    kind, content = tree
    if kind == "tensor":
        return tensor(content).clone()
    if kind == "dict":
        return {_restored(key, tensor): _restored(inner, tensor) for key, inner in content}
    if kind in _SEQUENCES:
        return _SEQUENCES[kind](_restored(inner, tensor) for inner in content)
    if kind == "float":
        return float(content)
    if kind == "dtype":
        return _DTYPES[content]
    made: object = object.__new__(_objects()[kind])
    vars(made).update(cast("dict[str, object]", _restored(content, tensor)))
    return made


_SEQUENCES: dict[str, type] = {"list": list, "tuple": tuple, "set": set, "size": torch.Size}
_DTYPES = {str(kind).removeprefix("torch."): kind for kind in (torch.float32, torch.float16, torch.bfloat16)}


def _objects() -> dict[str, type]:
    """Classes of DeepSpeed's that hold plain data only."""
    from deepspeed.runtime.fp16 import loss_scaler
    from deepspeed.utils.tensor_fragment import fragment_address

    kinds = (loss_scaler.LossScaler, loss_scaler.DynamicLossScaler, fragment_address)
    return {kind.__name__: kind for kind in kinds}
