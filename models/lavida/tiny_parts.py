"""The shipped weights of the tiny preset: half precision in data/tiny, with the recipe, digest, curve and card.

python -m lavida.tiny_parts MODEL     takes the weights of a fitted model over into data/tiny/model.safetensors
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from lavida.checkpoint import check
from lavida.errors import LavidaError, some

if TYPE_CHECKING:
    from lavida.modeling import Lavida

FOLDER = Path(__file__).parent / "data" / "tiny"
FILE = FOLDER / "model.safetensors"


def load(model: Lavida) -> None:
    """Put the shipped weights into a model of the tiny preset.

    Raises CheckpointError that names what differs, if the model's configuration was changed too far.
    """
    from safetensors.torch import load_file

    shipped = load_file(FILE)
    own = model.state_dict()
    both = own.keys() & shipped.keys()
    check(
        "the shipped weights of the tiny preset (random=True does without)",
        own.keys() - both,
        shipped.keys() - both,
        [(name, shipped[name].shape, own[name].shape) for name in both if shipped[name].shape != own[name].shape],
    )
    model.load_state_dict({name: value.to(own[name].dtype) for name, value in shipped.items()})


def write(model: Lavida, file: Path = FILE) -> int:
    """Write a model's weights in half precision; returns bytes. Raises LavidaError if a weight does not fit in it."""
    from safetensors.torch import save_file

    weights = {
        name: value.detach().to(torch.float16).contiguous().clone() for name, value in model.state_dict().items()
    }
    endless = [name for name, value in weights.items() if not bool(value.isfinite().all())]
    if endless:
        raise LavidaError(f"{some(endless)}: beyond half precision; expected finite weights below 65504")
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    save_file(weights, partial, metadata={"format": "pt"})
    partial.rename(file)
    return file.stat().st_size


if __name__ == "__main__":
    from lavida.modeling import Lavida

    print(f"{FILE}: {write(Lavida.from_pretrained(sys.argv[1])):,} bytes")
