"""The shipped weights of the tiny preset: half precision in data/, with recipe, digest, learning curves and card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from lavida.errors import LavidaError, shorten
from lavida.parts.check import check_keys

if TYPE_CHECKING:
    from lavida.modeling import Lavida

FOLDER = Path(__file__).parent / "data"
FILE, CURVE = FOLDER / "model.safetensors", FOLDER / "curve.json"


def load_weights(model: Lavida) -> None:
    """Copy the shipped weights into a model of the tiny preset.

    Args:
        model: The model; its memory stays where it is, so alignment does too.

    Raises:
        CheckpointError: Keys or sizes differ, because the model's configuration was changed.
    """
    from safetensors.torch import load_file

    shipped = load_file(FILE)
    own = model.state_dict()
    both = own.keys() & shipped.keys()
    check_keys(
        "the shipped weights of the tiny preset (random=True does without)",
        own.keys() - both,
        shipped.keys() - both,
        [(name, shipped[name].shape, own[name].shape) for name in both if shipped[name].shape != own[name].shape],
    )
    model.load_state_dict({name: value.to(own[name].dtype) for name, value in shipped.items()})


def write_weights(model: Lavida, file: Path = FILE) -> int:
    """Write a model's weights in half precision.

    Args:
        model: The model.
        file: The safetensors file.

    Returns:
        Size of the file in bytes.

    Raises:
        LavidaError: A weight is not finite in half precision.
    """
    from safetensors.torch import save_file

    weights = {
        name: value.detach().to(torch.float16).contiguous().clone() for name, value in model.state_dict().items()
    }
    infinite = [name for name, value in weights.items() if not bool(value.isfinite().all())]
    if infinite:
        raise LavidaError(f"{shorten(infinite)}: beyond half precision; expected finite weights below 65504")
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    save_file(weights, partial, metadata={"format": "pt"})
    partial.rename(file)
    return file.stat().st_size


def update_curves(stages: Mapping[str, Path], file: Path = CURVE) -> None:
    """Add the learning curves of stages; those of other stages are kept. Values have four digits.

    Args:
        stages: Name of each stage, and its curve.json or log.jsonl.
        file: The file with all curves.
    """
    held = json.loads(file.read_bytes()) if file.is_file() else {}
    for stage, source in stages.items():
        text = source.read_text("utf-8")
        if source.suffix == ".json":
            rows = json.loads(text)
        else:
            lines = [json.loads(line) for line in text.splitlines()]
            rows = [{"step": line["step"], **line["validation"]} for line in lines if "validation" in line]
        held[stage] = [{name: round(value, 4) for name, value in row.items()} for row in rows]
    lines = [
        f' "{stage}": [\n  ' + ",\n  ".join(json.dumps(row) for row in rows) + "\n ]" for stage, rows in held.items()
    ]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
