"""Detectors as scorers: the models' own forward, boxes in the frame, the order of names, long lists."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertTokenizerFast,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    Owlv2ForObjectDetection,
    SwinConfig,
)

from lavida_bench.scorers import _base as scorers
from lavida_bench.scorers._base import LoadSettings
from lavida_bench.scorers._checkpoints import mark_random
from lavida_bench.scorers.detector import FLOOR, DetectorScorer, distinct_boxes
from lavida_bench.testing.scorers import check_scorer, scores_of

CPU = LoadSettings(precision="fp32", device="cpu")
NAMES = ("red dog", "cat", "a fight")


@pytest.fixture(scope="module")
def owl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("owl")
    scorers.make("detector").write_random(made, 0)
    return made


@pytest.fixture(scope="module")
def dino(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grounding DINO with BERT's ids of [CLS], [SEP], "." and "?", which the model knows; words are read by letters."""
    made = tmp_path_factory.mktemp("dino")
    lines = [f"[unused{number}]" for number in range(1200)]
    lines[0], lines[100], lines[101], lines[102], lines[103] = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
    lines[1012], lines[1029] = ".", "?"
    for number, letter in enumerate(string.ascii_lowercase):
        lines[200 + number], lines[300 + number] = letter, f"##{letter}"
    (made / "vocab.txt").write_text("\n".join(lines))
    BertTokenizerFast(str(made / "vocab.txt")).save_pretrained(made)
    swin = SwinConfig(
        image_size=64, patch_size=4, embed_dim=16, depths=[1] * 4, num_heads=[1, 1, 2, 2], window_size=4, out_indices=[2, 3, 4],
    )  # fmt: skip
    bert = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, vocab_size=1200, max_position_embeddings=64,
    )  # fmt: skip
    torch.manual_seed(0)
    config = GroundingDinoConfig(
        backbone_config=swin, text_config=bert, d_model=32, encoder_layers=2, decoder_layers=2, encoder_ffn_dim=64,
        decoder_ffn_dim=64, encoder_attention_heads=4, decoder_attention_heads=4, num_queries=12, max_text_len=64,
    )  # fmt: skip
    GroundingDinoForObjectDetection(config).save_pretrained(made)
    (made / "preprocessor_config.json").write_text(json.dumps({"size": {"shortest_edge": 96, "longest_edge": 160}}))
    mark_random(made)
    return made


def scorer_of(folder: Path, **options: object) -> DetectorScorer:
    made = scorers.make("detector", options).open(str(folder), CPU)
    assert isinstance(made, DetectorScorer)
    return made


def noise(frames: int, height: int = 96, width: int = 128) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


def test_the_contract_of_grounding_dino(dino: Path) -> None:
    check_scorer(scorer_of(dino), (96, 128))


def test_grounding_dino_is_its_own_forward(dino: Path) -> None:
    clip = noise(1)
    scorer = scorer_of(dino)
    scores = scores_of(scorer, [clip], NAMES)
    model: Any = GroundingDinoForObjectDetection.from_pretrained(dino).eval()
    text = BertTokenizerFast.from_pretrained(dino)("a fight . cat . red dog .", return_tensors="pt")
    pixels = (
        torch.from_numpy(clip).permute(0, 3, 1, 2).float() / 255 - torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    ) / torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    with torch.no_grad():
        output = model(pixel_values=pixels, **text)
    of_tokens = output.logits[0]  # [CLS] a f i g h t . c a t . r e d d o g . [SEP]
    spans = {"a fight": (1, 7), "cat": (8, 11), "red dog": (12, 18)}
    best = [float(of_tokens[:, slice(*spans[name])].max()) for name in NAMES]
    assert scores.names is not None
    assert scores.names[0] == pytest.approx(best, abs=1e-3)
    assert scores.frames[0] == pytest.approx(max(best), abs=1e-3)
    order = of_tokens[:, 1:18].amax(1).argsort(descending=True)
    assert scores.regions is not None
    centre_size = output.pred_boxes[0][order[0]]
    box = torch.cat([centre_size[:2] - centre_size[2:] / 2, centre_size[:2] + centre_size[2:] / 2]).clamp(0, 1)
    assert scores.regions[0].boxes[0] == pytest.approx(box.numpy(), abs=1e-3)


def test_owl_is_its_own_forward_and_its_names_are_independent(owl: Path) -> None:
    clip = noise(2, 64, 64)
    scorer = scorer_of(owl)
    together = scores_of(scorer, [clip], NAMES)
    alone = np.stack([scores_of(scorer, [clip], (name,)).frames for name in NAMES])
    assert together.names is not None
    assert together.names == pytest.approx(alone.T, abs=1e-4)
    assert together.frames == pytest.approx(alone.max(axis=0), abs=1e-4)
    model: Any = Owlv2ForObjectDetection.from_pretrained(owl).eval()
    tokens = scorer.tokenizer(["cat"], padding="max_length", max_length=16, return_tensors="pt")
    mean, std = torch.tensor([0.48145466, 0.4578275, 0.40821073]), torch.tensor([0.26862954, 0.26130258, 0.27577711])
    pixels = (torch.from_numpy(clip[:1]).permute(0, 3, 1, 2).float() / 255 - mean[:, None, None]) / std[:, None, None]
    with torch.no_grad():
        output = model(pixel_values=pixels, **tokens)
    assert alone[1, 0] == pytest.approx(float(output.logits.max()), abs=1e-3)


def known_box(scorer: DetectorScorer, box: list[float], logit: float) -> None:
    """Weights of OWLv2 by which the first patch has this box (centre and size, of the square), and all this logit."""
    with torch.no_grad():
        head = scorer.model.box_head
        head.dense2.weight.zero_()
        wanted = torch.tensor(box).logit()
        head.dense2.bias.copy_(wanted - scorer.model.box_bias[0].to(wanted))
        scorer.model.class_head.logit_scale.weight.zero_()
        scorer.model.class_head.logit_scale.bias.zero_()  # logit: cosine + shift
        scorer.model.class_head.logit_shift.weight.zero_()
        scorer.model.class_head.logit_shift.bias.fill_(logit)


def test_boxes_of_a_padded_square_are_where_they_are_in_the_frame(owl: Path) -> None:
    """A frame twice as wide as high: the square's lower half is padding."""
    scorer = scorer_of(owl, least=0.5)
    known_box(scorer, [0.25, 0.125, 0.2, 0.1], 10.0)
    scores = scores_of(scorer, [noise(1, 96, 192)], ("cat",))
    assert scores.regions is not None
    assert scores.maps is not None
    boxes = scores.regions[0].boxes
    assert [0.15, 0.15, 0.35, 0.35] in [pytest.approx(box.tolist(), abs=1e-3) for box in boxes]
    assert scores.maps.shape == (1, 48, 96)
    assert scores.maps[0, 12, 24] > 0
    known_box(scorer, [0.25, 0.125, 0.2, 0.1], -5.0)
    below = scores_of(scorer, [noise(1, 96, 192)], ("cat",))
    assert below.regions is not None
    assert len(below.regions[0].boxes) == 0, "less probable than `least`"
    assert below.frames[0] == pytest.approx(-5.0, abs=1.1), "the frame's score knows no threshold"


def test_boxes_that_repeat_a_more_probable_one_are_left_out() -> None:
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 0.9], [0, 0, 0.4, 1], [0.5, 0.5, 0.5, 0.9]], np.float32)
    assert distinct_boxes(boxes) == [0, 2, 3]


def test_frames_at_once_change_nothing(dino: Path, owl: Path) -> None:
    for folder in (dino, owl):
        one, other = (scores_of(scorer_of(folder, frames_at_once=count), [noise(3)], NAMES) for count in (1, 3))
        assert one.frames == pytest.approx(other.frames, abs=1e-4)


def test_boxes_in_the_padding_have_no_score(owl: Path) -> None:
    scorer = scorer_of(owl)
    known_box(scorer, [0.25, 0.4, 0.2, 0.1], 10.0)
    in_frame = scores_of(scorer, [noise(1, 96, 96)], ("cat",)).frames
    assert in_frame[0] > 8
    known_box(scorer, [0.25, 0.9, 0.01, 0.01], 10.0)
    with torch.no_grad():
        scorer.model.box_bias[:] = scorer.model.box_bias[0]
    assert scores_of(scorer, [noise(1, 96, 192)], ("cat",)).frames[0] == FLOOR


def test_long_lists_are_read_in_parts(dino: Path) -> None:
    scorer = scorer_of(dino)
    names = tuple(f"{letter * 9} thing" for letter in string.ascii_lowercase[:12])
    parts = list(scorer._texts(names))
    assert len(parts) > 1
    assert sum(len(spans) for _, spans in parts) == len(names)
    assert all(len(ids) <= 64 and ids[0] == 101 and ids[-1] == 102 and ids[-2] == 1012 for ids, _ in parts)
    clip = noise(1)
    scores, turned = (scores_of(scorer, [clip], order) for order in (names, names[::-1]))
    assert scores.names is not None
    assert turned.names is not None
    assert turned.names[:, ::-1] == pytest.approx(scores.names, abs=1e-4)
