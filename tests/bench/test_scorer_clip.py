"""CLIP and SigLIP as scorers: transformers' own logits, a known ranking, and the patches' place in the picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoModel,
    AutoTokenizer,
    CLIPImageProcessorPil,
    Siglip2Config,
    Siglip2ImageProcessorPil,
    Siglip2Model,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

from lavida_bench.scorers import _base as scorers
from lavida_bench.scorers._base import LoadSettings
from lavida_bench.scorers._byte_tokenizer import write_byte_tokenizer
from lavida_bench.scorers._checkpoints import mark_random
from lavida_bench.scorers.clip import NORMAL, ClipScorer
from lavida_bench.testing.scorers import check_scorer, scores_of
from lavida_gen import UserError

CPU = LoadSettings(precision="fp32", device="cpu")
NAMES = ("a fire", "a fight")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny checkpoint of each family, with temperatures as trained ones have."""
    made = {family: tmp_path_factory.mktemp(family) for family in ("clip", "siglip", "siglip2")}
    scorers.make("clip").write_random(made["clip"], 0)
    torch.manual_seed(1)
    part = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {**part, "vocab_size": 514, "max_position_embeddings": 64, "projection_size": 32, "eos_token_id": 513}
    for family, model, config, vision in (
        ("siglip", SiglipModel, SiglipConfig, {**part, "image_size": 56, "patch_size": 14}),
        ("siglip2", Siglip2Model, Siglip2Config, {**part, "num_patches": 16, "patch_size": 14}),
    ):
        folder = made[family]
        write_byte_tokenizer(folder)
        one: Any = model(config(text_config=text, vision_config=vision))
        with torch.no_grad():
            one.logit_scale.fill_(3.0)
            one.logit_bias.fill_(-4.0)
        one.save_pretrained(folder)
        mark_random(folder)
    return made


def scorer_of(folder: Path, **options: object) -> ClipScorer:
    made = scorers.make("clip", options).open(str(folder), CPU)
    assert isinstance(made, ClipScorer)
    return made


@pytest.mark.parametrize("family", ["siglip", "siglip2"])
def test_the_contract_of_the_other_families(folders: dict[str, Path], family: str) -> None:
    check_scorer(scorer_of(folders[family]), (96, 128))


@pytest.mark.parametrize("family", ["clip", "siglip", "siglip2"])
def test_logits_are_transformers_own(folders: dict[str, Path], family: str) -> None:
    """The model's forward on the pictures of its own processor; of CLIP's without the centre crop."""
    clip = np.random.default_rng(0).integers(0, 256, (8, 56, 56, 3), dtype=np.uint8)
    folder = folders[family]
    model: Any = AutoModel.from_pretrained(folder).eval()
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    texts = [f"a picture of {text}" for text in (*NAMES, *NORMAL)]
    if family == "clip":
        pictures = CLIPImageProcessorPil(size={"height": 56, "width": 56}, do_center_crop=False)
        tokens = tokenizer(texts, padding=True, return_tensors="pt")
    else:
        pictures = (
            SiglipImageProcessorPil(size={"height": 56, "width": 56})
            if family == "siglip"
            else Siglip2ImageProcessorPil(patch_size=14, max_num_patches=16)
        )
        tokens = {"input_ids": tokenizer(texts, padding="max_length", max_length=64, return_tensors="pt")["input_ids"]}
    with torch.no_grad():
        logits = model(**tokens, **pictures(list(clip), return_tensors="pt")).logits_per_image
    normal = logits[:, 2:].logsumexp(1)
    scores = scores_of(scorer_of(folder), [clip], NAMES)
    assert scores.names == pytest.approx((logits[:, :2] - normal[:, None]).numpy(), abs=1e-4)
    assert scores.frames == pytest.approx((logits[:, :2].logsumexp(1) - normal).numpy(), abs=1e-4)


def coloured(scorer: ClipScorer) -> None:
    """Set the weights so that a picture's feature is its mean colour, and a text's which of r, g, b its letters are."""
    model = scorer.model
    with torch.no_grad():
        for part in (model.vision_model, model.text_model):
            for layer in part.encoder.layers:  # uniform attention, nothing else
                for linear in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.mlp.fc1, layer.mlp.fc2):
                    linear.weight.zero_()
                    linear.bias.zero_()
                for linear in (layer.self_attn.v_proj, layer.self_attn.out_proj):
                    linear.weight.copy_(torch.eye(32))
                    linear.bias.zero_()
        vision, text = model.vision_model.embeddings, model.text_model.embeddings
        vision.class_embedding.zero_()
        vision.position_embedding.weight.zero_()
        text.position_embedding.weight.zero_()
        text.token_embedding.weight.zero_()
        vision.patch_embedding.weight.zero_()
        for channel, letter in enumerate("rgb"):
            vision.patch_embedding.weight[channel, channel] = 1.0
            for ending in ("", "</w>"):
                text.token_embedding.weight[scorer.tokenizer.convert_tokens_to_ids(letter + ending), channel] = 5.0
        for projection in (model.visual_projection, model.text_projection):
            projection.weight.copy_(torch.eye(16, 32))
        model.logit_scale.fill_(3.0)


def test_a_known_ranking_comes_out(folders: dict[str, Path]) -> None:
    scorer = scorer_of(folders["clip"], template="{}", normal=["bbbb"])
    coloured(scorer)
    clip = np.zeros((3, 56, 56, 3), np.uint8)
    for frame in range(3):
        clip[frame, ..., frame] = 255  # red, green, blue
    scores = scores_of(scorer, [clip], ("rrrr", "gggg"))
    assert scores.names is not None
    assert scores.names.argmax(axis=1)[:2].tolist() == [0, 1]
    assert scores.frames[2] < 0 < min(scores.frames[:2])
    absent = scores_of(scorer, [clip], ("gggg",))
    assert absent.frames[0] < scores.frames[0], "a red frame without its name"


def test_a_pixel_s_score_is_where_its_patch_is(folders: dict[str, Path]) -> None:
    scorer = scorer_of(folders["clip"], template="{}", normal=["bbbb"])
    coloured(scorer)
    clip = np.zeros((1, 112, 168, 3), np.uint8)
    clip[..., 2] = 255
    clip[0, 84:, :42] = (255, 0, 0)  # the lower left of 4 x 4 patches
    maps = scores_of(scorer, [clip], ("rrrr",)).maps
    assert maps is not None
    assert maps.shape == (1, 4, 4)
    assert np.unravel_index(maps[0].argmax(), (4, 4)) == (3, 0)


def test_a_template_needs_one_place() -> None:
    with pytest.raises(UserError, match="scorer clip: option template: .*expected a text with one {} for the name"):
        scorers.make("clip", {"template": "a picture"})


def test_other_braces_of_a_template_are_text(folders: dict[str, Path]) -> None:
    scores = scores_of(scorer_of(folders["clip"], template="{} {x}"), [np.zeros((1, 56, 56, 3), np.uint8)], NAMES)
    assert np.isfinite(scores.frames).all()
