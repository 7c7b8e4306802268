"""What a model of somebody else may not do: run code, or make this program ask for more memory than its weights need.

transformers runs Python files that `auto_map` of a configuration names (where `trust_remote_code` allows it), fetches
attention kernels that a configuration names, and reads weights that are pickles. Everything here is refused before
anything is loaded; the calls of `from_pretrained` have `trust_remote_code=False` and `use_safetensors=True` besides.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from math import prod
from pathlib import Path
from typing import NoReturn

import torch
from torch import nn
from transformers import PreTrainedConfig

from lavida.errors import CheckpointError

ATTENTION = (None, "eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")
"""Attention that transformers has itself; any other name is a kernel that it fetches and runs."""
MAX_TEXT = 100_000_000
"""Bytes of a configuration or tokenizer."""
MAX_LAYERS = 1_000
MAX_SIDE = 8_192
"""Pixels of a picture's side."""
MAX_NUMBER = 100_000_000
"""The largest width, vocabulary or number of positions; weights are compared with their file besides."""
MAX_RATIO = 4
"""Weights of a model for each weight of its files: a tied embedding is stored once, a new <SEG> adds a row."""
SMALL = 20_000_000
"""Weights that a model may need whatever its files hold (80 MB): the memory of SAM2 beside files for pictures alone."""
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack")


def check_folder(source: str | os.PathLike[str], weights: bool = False) -> None:
    """Refuse a model's folder that needs code of its own or has no safetensors. Names on the Hub pass.

    Args:
        source: Folder, or name on the Hub.
        weights: Whether weights are to be read from it.

    Raises:
        CheckpointError: Something in it is refused.
    """
    folder = Path(source)
    if not folder.is_dir():
        return
    for path in sorted([*folder.iterdir(), *folder.glob("*/*.json")]):
        if path.exists() and not path.is_file() and not path.is_dir():
            _refuse(path, "is no regular file", "a folder of save_pretrained")
        if path.suffix == ".json":
            _check_json(path)
    if weights and not any(folder.glob("*.safetensors")):
        pickled = [path.name for path in sorted(folder.iterdir()) if path.suffix in _PICKLES]
        if pickled:
            todo = "a pickle can run code; where you trust it, load it there and save it by save_pretrained"
            _refuse(folder, f"has weights as {pickled[0]} only", "safetensors", todo)


def _check_json(path: Path) -> None:
    if path.stat().st_size > MAX_TEXT:
        _refuse(path, f"has {path.stat().st_size:,} bytes", f"at most {MAX_TEXT:,}")
    if path.name == "adapter_config.json":
        _refuse(path.parent, "holds an adapter", "a whole model", "merge it into its model and save that")
    if path.name in ("tokenizer.json", "vocab.json"):  # large, and no place of such settings
        return
    try:
        content = json.loads(path.read_bytes())
        found = list(_entries(content))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: is not valid JSON ({type(error).__name__}: {error})") from error
    if path.name == "config.json":
        _check_numbers(found, path)  # of some numbers a configuration makes lists
    for key, value in found:
        if key == "auto_map" and value:
            todo = "use a model that transformers knows; custom code is never run"
            _refuse(path, "names Python code (auto_map)", "a model without code of its own", todo)
        if key in ("attn_implementation", "_attn_implementation"):
            _check_attention(value, path)
        if key == "weight_map" and isinstance(value, dict):
            outside = [name for name in value.values() if not isinstance(name, str) or Path(name).name != name]
            if outside:
                _refuse(path, f"names the file {outside[0]!r}", "names of files beside it")


def _entries(value: object) -> Iterator[tuple[str, object]]:
    """Keys and values of all objects in a JSON value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _entries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _entries(inner)


def _check_attention(value: object, where: object) -> None:
    if value not in ATTENTION and not isinstance(value, dict):  # a part's own is checked with the part
        known = ", ".join(name for name in ATTENTION if name)
        _refuse(where, f"wants the attention {value!r}", known, "a kernel is code, which is never fetched")


def _refuse(where: object, got: str, expected: str, todo: str = "") -> NoReturn:
    raise CheckpointError(f"{where}: {got}; expected {expected}" + (f"; {todo}" if todo else ""))


def check_config(config: PreTrainedConfig) -> None:
    """Refuse sizes that no model has, before anything of these sizes is made, and attention that is fetched code.

    Args:
        config: The configuration of a whole model or of a part.

    Raises:
        CheckpointError: A number is too large, or it names an attention that is code.
    """
    parts = [getattr(config, name, None) for name in type(config).sub_configs]
    for part in (config, *parts):
        _check_attention(getattr(part, "_attn_implementation_internal", None), "configuration")
    _check_numbers(_entries(config.to_dict()), "configuration")


def _check_numbers(entries: Iterable[tuple[str, object]], where: object) -> None:
    for key, value in entries:
        for number in value if isinstance(value, list) else [value]:
            if type(number) is int and number > _most(key) and not key.endswith(("_id", "_ids")):
                _refuse(where, f"{key} = {number:,}", f"at most {_most(key):,}")


def _most(key: str) -> int:
    if key.endswith(("layers", "blocks", "depth")) or key == "blocks_per_stage":
        return MAX_LAYERS
    return MAX_SIDE if key == "image_size" else MAX_NUMBER


def check_memory(source: str | os.PathLike[str], build: Callable[[], nn.Module]) -> None:
    """Refuse a configuration that needs far more weights than the folder's files hold. Names on the Hub pass.

    Args:
        source: Folder, or name on the Hub.
        build: Makes the model; it is called for tensors without memory.

    Raises:
        CheckpointError: It does, or a file is no safetensors file.
    """
    files = sorted(Path(source).glob("*.safetensors")) if Path(source).is_dir() else []
    if not files:
        return
    stored = sum(_stored_weights(file) for file in files)
    with torch.device("meta"):
        needed = sum(parameter.numel() for parameter in build().parameters())
    if needed > max(MAX_RATIO * stored, SMALL):
        _refuse(source, f"config.json describes {needed:,} weights, the files hold {stored:,}", "weights of this model")


def _stored_weights(file: Path) -> int:
    from safetensors import safe_open

    with safe_open(str(file), "pt") as stored:
        return sum(prod(stored.get_slice(name).get_shape()) for name in stored.keys())  # noqa: SIM118  # it is no dict
