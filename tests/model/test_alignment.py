"""Weights are in aligned memory on every way into a model: MKL's products on AMD depend on it in the last bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lavida.alignment import ALIGNMENT, align
from lavida.modeling import Lavida

LORA = {"language": "lora"}


def unaligned(model: torch.nn.Module) -> list[str]:
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    return [name for name, tensor in tensors.items() if tensor.data_ptr() % ALIGNMENT]


@pytest.fixture(scope="module")
def saved(lively: Callable[..., Lavida], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model with LoRA."""
    folder = tmp_path_factory.mktemp("saved")
    model = lively(trainable=LORA)
    model.add_adapters()
    model.save_pretrained(folder)
    return folder


def test_safetensors_alone_maps_weights_unaligned(saved: Path) -> None:
    """Else `align` would not be needed any more."""
    assert any(tensor.data_ptr() % ALIGNMENT for tensor in load_file(saved / "model.safetensors").values())


def test_a_loaded_model_is_aligned(saved: Path) -> None:
    model = Lavida.from_pretrained(saved)
    assert unaligned(model) == []
    model.merge_adapters()
    assert unaligned(model) == []


def test_the_shipped_weights_are_aligned() -> None:
    model = Lavida.from_preset("tiny", trainable=LORA)
    assert unaligned(model) == []
    model.add_adapters()
    assert unaligned(model) == []


def test_align_keeps_values_and_identity() -> None:
    layer = torch.nn.Linear(3, 3)
    storage = torch.randn(10)
    layer.weight.data = storage[1:].view(3, 3)  # 4 bytes after an aligned address
    weight, values = layer.weight, layer.weight.detach().clone()
    align(layer)
    assert layer.weight is weight
    assert torch.equal(weight, values)
    assert weight.data_ptr() % ALIGNMENT == 0
