"""Vision language models as scorers: transformers' own forward, every family, true times, a known ranking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForImageTextToText, InternVLConfig, Qwen3_5Config

from lavida_bench.scorers import _base as scorers
from lavida_bench.scorers._base import LoadSettings
from lavida_bench.scorers._byte_tokenizer import write_byte_tokenizer
from lavida_bench.scorers._checkpoints import mark_random
from lavida_bench.scorers.vlm import QUESTION, VlmScorer
from lavida_bench.testing.scorers import check_scorer, scores_of

CPU = LoadSettings(precision="fp32", device="cpu")
NAMES = ("a fire", "a bicycle")
FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5", "internvl")
ROPE = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]}
TEXT = {
    "vocab_size": 520, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "rope_parameters": ROPE, "eos_token_id": 513, "pad_token_id": 513, "bos_token_id": None,
}  # fmt: skip
IDS = {"vision_start_token_id": 514, "vision_end_token_id": 515, "image_token_id": 516, "video_token_id": 517}


def tiny(family: str) -> Any:
    """The configuration of a model of two layers."""
    if family == "internvl":
        vision = {
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": [56, 56],
            "patch_size": [14, 14],
        }
        text = {**TEXT, "model_type": "qwen2", "rope_parameters": {"rope_type": "default", "rope_theta": 1e4}}
        return InternVLConfig(vision_config=vision, text_config=text, image_seq_length=4, image_token_id=516)
    if family == "qwen3_5":
        kinds = {"layer_types": ["linear_attention"] * 3 + ["full_attention"], "num_hidden_layers": 4}
        linear = {
            "linear_key_head_dim": 16,
            "linear_value_head_dim": 16,
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 2,
        }
        rope = {**ROPE, "mrope_interleaved": True, "mrope_section": [3, 3, 2], "partial_rotary_factor": 1.0}
        vision = {
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 64,
            "num_position_embeddings": 64,
        }
        return Qwen3_5Config(
            text_config={**TEXT, **kinds, **linear, "head_dim": 16, "rope_parameters": rope},
            vision_config=vision,
            **IDS,
        )
    vision = {"depth": 2, "num_heads": 2}
    text = dict(TEXT)
    if family == "qwen2_vl":
        vision |= {"embed_dim": 32, "hidden_size": 64, "mlp_ratio": 2}
    else:
        vision |= {"hidden_size": 32, "intermediate_size": 64, "out_hidden_size": 64}
    if family == "qwen2_5_vl":
        vision |= {"fullatt_block_indexes": [1], "window_size": 56}
    if family == "qwen3_vl":
        vision |= {"num_position_embeddings": 64, "deepstack_visual_indexes": [0]}
        text |= {"head_dim": 16}
    return AutoConfig.for_model(family, text_config=text, vision_config=vision, **IDS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    torch.manual_seed(0)
    for family in FAMILIES:
        folder = made[family] = tmp_path_factory.mktemp(family)
        AutoModelForImageTextToText.from_config(tiny(family)).save_pretrained(folder)
        write_byte_tokenizer(folder, 4096)
        mark_random(folder)
    return made


def scorer_of(folder: Path, **options: object) -> VlmScorer:
    made = scorers.make("vlm", {"cells": 16, **options}).open(str(folder), CPU)
    assert isinstance(made, VlmScorer)
    return made


def noise(height: int = 64, width: int = 96) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (8, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_keeps_the_contract(folders: dict[str, Path], family: str) -> None:
    """A batch of clips of other times is padded: each has the scores that it has alone."""
    scorer = scorer_of(folders[family])
    check_scorer(scorer, (64, 96))
    clip = noise()
    slow, fast = ([number * step for number in range(8)] for step in (20.0, 0.1))
    one, other = (scorer.score(scorer.prepare_timed([clip], NAMES, [times]))().frames for times in (slow, fast))
    assert (one == one[0]).all(), "a clip has one score"
    assert (family == "qwen2_vl") == np.allclose(one, other, atol=1e-6), "times count, but not for Qwen2-VL"


def test_it_is_transformers_own_forward(folders: dict[str, Path]) -> None:
    """Qwen2.5-VL: patches, ids and the interval written out here."""
    scorer, clip = scorer_of(folders["qwen2_5_vl"]), noise(56, 84)  # 2 x 3 cells of 28 pixels, 4 x 6 patches
    mean, std = np.array([0.48145466, 0.4578275, 0.40821073]), np.array([0.26862954, 0.26130258, 0.27577711])
    values = (clip / 255 - mean) / std
    patches = []
    for time in range(4):
        for row in range(2):
            for column in range(3):
                for down in range(2):
                    for across in range(2):
                        top, left = 28 * row + 14 * down, 28 * column + 14 * across
                        cut = values[2 * time : 2 * time + 2, top : top + 14, left : left + 14]
                        patches.append(cut.transpose(3, 0, 1, 2).ravel())  # channel, frame, row, column

    def words(text: str) -> list[int]:
        return scorer.tokenizer(text, add_special_tokens=False)["input_ids"]

    ids = words("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n")
    types = [0] * len(ids) + [0] + [2] * 24 + [0]
    ids += [514] + [517] * 24 + [515]
    rest = words(QUESTION.format("a bicycle, a fire") + "<|im_end|>\n<|im_start|>assistant\n")
    model: Any = AutoModelForImageTextToText.from_pretrained(folders["qwen2_5_vl"]).eval()
    with torch.no_grad():
        logits = model(
            input_ids=torch.tensor([ids + rest]), attention_mask=torch.ones(1, len(ids + rest), dtype=torch.int64),
            mm_token_type_ids=torch.tensor([types + [0] * len(rest)]),
            pixel_values_videos=torch.tensor(np.array(patches), dtype=torch.float32),
            video_grid_thw=torch.tensor([[4, 4, 6]]), second_per_grid_ts=torch.tensor([0.4]),
        ).logits[0, -1]  # fmt: skip
    yes, no = (
        sorted({words(word)[0] for word in (text, text.title(), f" {text}", f" {text.title()}", text.upper())})
        for text in ("yes", "no")
    )
    wanted = float(logits[yes].logsumexp(0) - logits[no].logsumexp(0))
    seconds = [[0.2 * number for number in range(8)]]
    got = scorer.score(scorer.prepare_timed([clip], NAMES, seconds))().frames
    assert got == pytest.approx(np.full(8, wanted), abs=1e-3)


def test_a_known_ranking_comes_out(folders: dict[str, Path]) -> None:
    """The head's row of yes points from what the model makes of a dark clip to what it makes of a bright one."""
    scorer = scorer_of(folders["qwen2_5_vl"])
    dark, bright = np.full((8, 64, 96, 3), 20, np.uint8), np.full((8, 64, 96, 3), 230, np.uint8)
    hidden: list[torch.Tensor] = []
    hook = scorer.model.lm_head.register_forward_pre_hook(lambda module, given: hidden.append(given[0][0, -1]))
    for clip in (dark, bright):
        scores_of(scorer, [clip], NAMES)
    hook.remove()
    with torch.no_grad():
        scorer.model.lm_head.weight.zero_()
        scorer.model.lm_head.weight[scorer.yes] = hidden[1] - hidden[0]
        scorer.model.lm_head.weight[scorer.no] = hidden[0] - hidden[1]
    scores = scores_of(scorer, [dark, bright], NAMES).frames
    assert scores[8:].min() > scores[:8].max()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_question_for_each_name(folders: dict[str, Path], family: str) -> None:
    scorer, clip = scorer_of(folders[family], each=True), noise()
    looks: list[object] = []
    tower = getattr(scorer.model.model, "visual", None) or scorer.model.model.vision_tower
    handle = next(tower.children()).register_forward_hook(lambda *_: looks.append(1))
    both = scores_of(scorer, [clip, clip[::-1]], NAMES)
    handle.remove()
    assert len(looks) == 1, "the pictures are looked at once, whatever is asked"
    assert both.names is not None
    assert both.names.shape == (16, 2)
    assert both.frames == pytest.approx(both.names.max(axis=1))
    for number, name in enumerate(NAMES):
        alone = scores_of(scorer, [clip], (name,))
        assert alone.frames == pytest.approx(both.names[:8, number], abs=1e-4)
