"""Where the language model is bfloat16 in a fit: what is frozen; and nothing that trains loses a bit on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from lavida import presets
from lavida.modeling import Lavida
from lavida.processing import LavidaProcessor
from lavida_bench.config.recipe import RunRecipe
from lavida_bench.fitting.model_init import make_model

OPTIONS = {key: value for key, value in presets._tiny().items() if key.startswith(("projector_", "qformer_"))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parts as published, the language model in bfloat16, and a saved whole in float32."""
    where, model = tmp_path_factory.mktemp("half"), Lavida.from_preset("tiny")
    model.save_pretrained(where / "whole")
    processor = LavidaProcessor.from_preset("tiny")
    processor.save_pretrained(where / "whole")
    model.sam.save_pretrained(where / "sam")
    model.names.tower.save_pretrained(where / "text")
    processor.names_tokenizer.save_pretrained(where / "text")
    model.mllm.bfloat16().save_pretrained(where / "mllm")
    processor.tokenizer.save_pretrained(where / "mllm")
    return where


def begun(model: dict[str, Any]) -> Lavida:
    plain = {"name": "half", "model": model, "data": [{"corpus": "none"}]}
    fit = {"precision": "bf16", "half_frozen": True}
    return make_model(RunRecipe.model_validate(plain | {"fit": fit}), lambda text: None)[0]


@pytest.mark.parametrize("kind", ["parts", "path"])
def test_frozen_weights_are_halves_and_what_trains_is_exact(folder: Path, kind: str) -> None:
    trainable = {"vision": "frozen", "language": "lora", "embeddings": "full", "lm_head": "full", "names": "frozen"}
    settings: dict[str, Any] = {"path": str(folder / "whole"), "config": {"trainable": trainable}}
    if kind == "parts":
        parts = {name: str(folder / name) for name in ("mllm", "sam", "text")}
        settings = {"parts": parts, "config": OPTIONS}
    model, whole = begun(settings), Lavida.from_pretrained(folder / "whole").state_dict()
    assert model.mllm.lm_head.weight.requires_grad
    for name, weight in model.named_parameters():
        halved = name.startswith(("mllm.", "names.")) and not weight.requires_grad
        assert weight.dtype == (torch.bfloat16 if halved else torch.float32), name
        if "lora_" in name or (kind == "parts" and name.startswith("projector.")):
            continue
        want = whole[name.replace(".base_layer", "")]
        stored_half = halved or (kind == "parts" and name.startswith("mllm."))
        assert torch.equal(weight.float(), want.bfloat16().float() if stored_half else want), name
