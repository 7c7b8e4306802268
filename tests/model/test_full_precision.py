"""Scores and position encodings in float32, under autocast and in a model of half precision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lavida.batch import Sample
from lavida.modeling import Lavida
from lavida.parts.full_precision import full_precision_modules
from lavida.processing import LavidaProcessor

Make = Callable[..., Lavida]
HEADS = ("sam.mask_decoder.pred_obj_score_head", "sam.mask_decoder.iou_prediction_head", "projector.name_score")
MATRICES = ("sam.shared_image_embedding", "sam.prompt_encoder.shared_embedding")


def run(model: Lavida, half: str, what: Callable[[], Any]) -> Any:
    """`what()` under autocast, or with the model cast to bfloat16."""
    if half == "cast":
        model.to(torch.bfloat16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=half == "autocast"):
        return what()


@pytest.mark.parametrize("half", ["autocast", "cast"])
@pytest.mark.parametrize("head", HEADS)
def test_twenty_thousand_scores_stay_apart(lively: Make, head: str, half: str) -> None:
    """In bfloat16 about 2,000 values are left of them."""
    model = lively()
    states = torch.randn(20_000, 1, model.config.sam.mask_decoder_config.hidden_size).bfloat16()
    with torch.no_grad():
        want = model.get_submodule(head)(states.float())
    got = run(model, half, lambda: model.get_submodule(head)(states))
    assert torch.equal(got, want)
    assert len(got[..., 0].unique()) > 19_900


@pytest.mark.parametrize("half", ["autocast", "cast"])
def test_position_encodings_are_those_of_float32(lively: Make, half: str) -> None:
    model = lively()
    neck = model.sam.vision_encoder.get_submodule("neck")

    def encode(dtype: torch.dtype) -> torch.Tensor:
        positions: torch.Tensor = neck.position_encoding((1, 64, 256, 256), torch.device("cpu"), dtype)
        return positions

    with torch.no_grad():
        want, sines = model.sam.get_image_wide_positional_embeddings(), encode(torch.float32)
    assert torch.equal(run(model, half, model.sam.get_image_wide_positional_embeddings), want)
    half_sines = run(model, half, lambda: encode(torch.bfloat16))
    assert half_sines.dtype == torch.bfloat16
    assert torch.equal(half_sines, sines.bfloat16())  # rounded once; computed in bfloat16 they are off by 0.016


@pytest.mark.parametrize("memory", ["none", "causal"])
def test_scores_of_a_whole_model_in_half_precision(
    lively: Make, processor: LavidaProcessor, samples: list[Sample], memory: str, tmp_path: Path
) -> None:
    """Heads and encodings stay float32 when a model is loaded as bfloat16, and have the values of its file."""
    kept = lively(memory=memory, prompt_maps=True)
    kept.save_pretrained(tmp_path)
    loaded = Lavida.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert set(full_precision_modules(loaded)) == {*HEADS, *MATRICES}
    own, whole = loaded.state_dict(), kept.state_dict()
    for name, value in own.items():
        precise = name.startswith((*HEADS, *MATRICES))
        assert value.dtype == (torch.float32 if precise else torch.bfloat16), name
        assert not precise or torch.equal(value, whole[name])
    with torch.no_grad():
        half = loaded(processor(samples))
        want = kept(processor(samples))
    assert half.scores.dtype == half.ious.dtype == half.names.dtype == torch.float32
    assert half.masks.dtype == torch.bfloat16
    torch.testing.assert_close(half.scores, want.scores, atol=0.15, rtol=0.1)
