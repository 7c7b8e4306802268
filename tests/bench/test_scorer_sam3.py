"""SAM 3 as a scorer: the model's own forward, names that are independent of each other, presence x detection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, Sam3Config, Sam3Model, Sam3VideoConfig

from lavida_bench.scorers import _base as scorers
from lavida_bench.scorers._base import LoadSettings
from lavida_bench.scorers.sam3 import Sam3Scorer
from lavida_bench.testing.scorers import scores_of

CPU = LoadSettings(precision="fp32", device="cpu")
NAMES = ("a fire", "a fight", "a bicycle")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sam3")
    scorers.make("sam3").write_random(made, 0)
    return made


def scorer_of(folder: Path, **options: object) -> Sam3Scorer:
    made = scorers.make("sam3", options).open(str(folder), CPU)
    assert isinstance(made, Sam3Scorer)
    return made


def noise(frames: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (frames, 112, 112, 3), dtype=np.uint8)


def test_it_is_the_model_s_own_forward_of_one_name_and_picture(folder: Path) -> None:
    clip = noise(2)
    scores = scores_of(scorer_of(folder), [clip], NAMES)
    assert scores.names is not None
    assert scores.maps is not None
    model: Any = Sam3Model.from_pretrained(folder).eval()
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    for place, frame in enumerate(clip):
        pixels = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 127.5 - 1
        whole = []
        for number, name in enumerate(NAMES):
            tokens = tokenizer([name], padding="max_length", max_length=32, return_tensors="pt")
            with torch.no_grad():
                output = model(pixel_values=pixels, **tokens)
            detections = (output.pred_logits.sigmoid() * output.presence_logits.sigmoid())[0]
            assert scores.names[place, number] == pytest.approx(float(detections.max().logit()), abs=1e-3)
            whole.append((output.pred_masks[0].sigmoid() * detections[:, None, None]).amax(0))
        union = torch.stack(whole).amax(0).double().logit()
        assert scores.maps[place] == pytest.approx(union.numpy(), abs=1e-3)


def test_names_are_independent_and_an_absent_one_never_raises_a_score(folder: Path) -> None:
    scorer, clip = scorer_of(folder), noise(3)
    alone = np.stack([scores_of(scorer, [clip], (name,)).frames for name in NAMES])
    together = scores_of(scorer_of(folder, names_at_once=2), [clip], NAMES)
    assert together.names is not None
    assert pytest.approx(alone, abs=1e-4) == together.names.T
    assert together.frames == pytest.approx(alone.max(axis=0), abs=1e-4)
    best = alone.mean(axis=1).argmax()
    if (alone.argmax(axis=0) == best).all():
        with_absent = scores_of(scorer, [clip], (NAMES[best], NAMES[best - 1]))
        assert with_absent.frames == pytest.approx(alone[best], abs=1e-4)


def test_a_concept_that_is_not_present_has_no_score_however_sure_its_boxes_are(folder: Path) -> None:
    scorer, clip = scorer_of(folder), noise(1)
    before = scores_of(scorer, [clip], NAMES)
    with torch.no_grad():
        head = scorer.model.detr_decoder.presence_head
        head.layer3.weight.zero_()
        head.layer3.bias.fill_(-9.0)
    after = scores_of(scorer, [clip], NAMES)
    assert (after.frames < -8.9).all()
    with torch.no_grad():
        head.layer3.bias.fill_(-40.0)
    absent = scores_of(scorer, [clip], NAMES)
    assert absent.names is not None
    assert len(set(absent.names.ravel())) == len(NAMES), "the smallest probabilities stay apart"
    assert after.maps is not None
    assert before.maps is not None
    assert (after.maps < before.maps).all()


def test_a_checkpoint_of_the_video_model_has_the_same_scores(folder: Path, tmp_path: Path) -> None:
    """facebook/sam3 is stored as the video model: its detector is what scores frames."""
    image: Any = Sam3Model.from_pretrained(folder)
    config: Any = Sam3VideoConfig(detector_config=Sam3Config.from_pretrained(folder).to_dict())
    from safetensors.torch import save_file

    state = {f"detector_model.{key}": value.contiguous().clone() for key, value in image.state_dict().items()}
    save_file(state, tmp_path / "model.safetensors", {"format": "pt"})
    config.save_pretrained(tmp_path)
    for path in folder.glob("*token*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    clip = noise(1)
    one, other = (scores_of(scorer_of(where), [clip], NAMES).frames for where in (folder, tmp_path))
    assert other == pytest.approx(one, abs=1e-5)
