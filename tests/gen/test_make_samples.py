"""Samples made in batches are those that are made one by one, whatever happens to their scenes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.sampling import make_sample
from lavida_gen.sampling.make_sample import BROKEN, make_samples
from lavida_gen.sampling.planner import SamplePlanner

STREET = {"name": "street", "kind": "image", "size": [96, 144], "scenes": 12}


def street() -> CorpusRecipe:
    exposures = ["relabel", "paste", "absent", "near_miss"]
    return recipes.parse({"name": "x", "samples": 48, "val": 0, "sources": [STREET], "exposures": exposures,
                          "augmentations": [{"name": "flip", "p": 0.3}], "prompts_per_scene": 3})  # fmt: skip


def folder(root: Path) -> CorpusRecipe:
    """Twelve photos with a mask each, of which every third is cut off: what only encoding finds out."""
    rng = np.random.default_rng(0)
    for number in range(12):
        for kind in ("images", "masks"):
            (root / kind).mkdir(parents=True, exist_ok=True)
        photo = bytes(cv2.imencode(".jpg", rng.integers(0, 255, (64, 96, 3), np.uint8))[1])
        (root / "images" / f"{number}.jpg").write_bytes(photo[: len(photo) // 2] if number % 3 == 0 else photo)
        mask = np.zeros((64, 96), np.uint8)
        mask[10:40, 20:60] = 255
        cv2.imwrite(str(root / "masks" / f"{number}.png"), mask)
    source = {"name": "folder", "root": str(root), "binary": "cart", "absent_names": ["dog", "cat", "bird"]}
    return recipes.parse({"name": "x", "samples": 48, "val": 0, "sources": [source], "broken": "drop",
                          "exposures": ["relabel", "absent"]})  # fmt: skip


@pytest.mark.parametrize("source", ["street", "folder"])
@pytest.mark.parametrize("batch", [3, 32])
def test_batches_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, batch: int) -> None:
    monkeypatch.setattr(make_sample, "BATCH", batch)
    recipe = street() if source == "street" else folder(tmp_path)
    planner, alone = SamplePlanner.open(recipe), SamplePlanner.open(recipe)
    made = list(make_samples(planner, range(48), "d", planner.parts[0]))
    assert made == [make_sample.make_sample(alone, index, "d") for index in range(48)]
    drops = sum((one.drops for one in made), Counter[str]())
    assert any(reason.endswith(BROKEN) for reason in drops) == (source == "folder")
    keys = {f"folder/{number}" for number in range(0, 12, 3)} if source == "folder" else set()
    assert {key for one in made for key in one.broken} == keys
