"""400 samples of all real data with segmentation masks: the corpus builds, verifies, and its counts add up.

Left out are `videos`, which nobody annotated, and the test sets of the benchmarks (ucsd, avenue, shanghaitech, ...): a
corpus must not hold what models are scored on.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from miniatures import shapes

from lavida_gen.building import build as builder
from lavida_gen.common import plugins
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import EXPOSURES, CorpusRecipe
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.exposures._base import Exposure
from lavida_gen.inspection import verify

SAMPLES = 250


def with_judo(data: Path, root: Path) -> Path:
    """Ref-DAVIS and judo of vos_multi in one folder. Each mask of judo shows one object; the others have no mask."""
    train = root / "train"
    for part in ("JPEGImages", "Annotations"):
        for video in (*(data / "ref_davis" / "train" / part).iterdir(), data / "vos_multi" / part / "judo"):
            (train / part).mkdir(parents=True, exist_ok=True)
            (train / part / video.name).symlink_to(video)
    meta = json.loads((data / "ref_davis" / "train" / "meta.json").read_bytes())
    frames = ["00000", "00005", "00008", "00013"]
    objects = {str(at): {"category": "person", "frames": frames} for at in range(1, 5)}
    meta["videos"]["judo"] = {"objects": objects}
    shapes.write(train / "meta.json", meta)
    (file,) = (data / "ref_davis").rglob("meta_expressions.json")
    expressions = json.loads(file.read_bytes())
    expressions["videos"]["judo"] = {
        "frames": frames,
        "expressions": {"0": {"exp": "a man in a judo suit", "obj_id": "1"}},
    }
    shapes.write(root / "meta_expressions" / "train" / "meta_expressions.json", expressions)
    return root


def everything(data: Path, home: Path, samples: int = SAMPLES) -> CorpusRecipe:
    """The recipe: all of it, every exposure, 3 clips to 14 images; broken masks (judo has one) are counted."""
    street = ["sky", "road", "building", "tree", "pavement", "sidewalk"]
    camvid = [name for name in (data / "camvid" / "names.txt").read_text().split() if name.lower() in street]
    sources: list[dict[str, Any]] = [
        {"name": "coco", "root": data / "coco", "split": "val2017"},
        {"name": "coco", "root": data / "tinycoco", "split": "train2017", "weight": 6},
        {"name": "coco", "root": data / "tinycoco", "split": "val2017"},
        {"name": "coco_json", "root": data / "coco_polygons", "dataset": "voc_polygons"},
        {"name": "coco_panoptic", "root": data / "coco", "split": "val2017"},
        {"name": "folder", "root": data / "camvid", "dataset": "camvid", "void": [11], "background": camvid, "weight": 2,
         "other_names": True},
        {"name": "ade20k_full", "root": data / "ade20k", "weight": 0.5},
        {"name": "davis", "root": data / "davis", "year": 2016, "split": "val", "frames": 4, "hop": 4, "weight": 1.5},
        {"name": "ref_davis", "root": data / "ref_davis", "frames": 4, "stride": 1, "hop": 4},
        {"name": "ref_davis", "root": with_judo(data, home / "judo"), "frames": 2, "stride": 1, "weight": 0.5},
    ]  # fmt: skip
    exposures = [
        {"name": name, "weight": 3 if name in ("relabel", "absent") else 1} for name in plugins.names(EXPOSURES)
    ]
    augmentations = [
        {"name": name, "p": 0.05} for name in ("flip", "low_light", "noise", "rain", "low_resolution", "high_angle")
    ]
    plain = {
        "name": "everything",
        "about": "All real scenes beside the checkout.",
        "samples": samples,
        "val": 0.1,
        "seed": 3,
        "sources": sources,
        "exposures": exposures,
        "names_per_prompt": 12,
        "augmentations": augmentations,
        "broken": "drop",
    }
    return recipes.parse(json.loads(json.dumps(plain, default=str)))


@pytest.mark.slow
def test_a_corpus_of_everything_real_builds_and_verifies(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAVIDA_GEN_LINKS", str(shared_data))  # the data set below consists of links to it
    recipe = everything(shared_data, tmp_path)
    made = builder.build(recipe, tmp_path / "corpus", workers=1)
    opened = open_corpus(tmp_path / "corpus")
    assert verify.find_problems(opened) == []
    rows = opened.rows()
    assert len(rows) == SAMPLES
    assert {row["scene"].split("/")[0] for row in rows} == {"coco", "coco_panoptic", "camvid", "ade20k_full", "davis", "ref_davis", "voc_polygons"}  # fmt: skip
    assert any(reason.endswith("broken file") for reason in made.drops), "judo's second mask is a pixel too narrow"
    outcomes = Counter((row["exposure"], row["exposed"]) for row in rows)
    for entry in recipe.exposures:
        if entry.name == "motion":  # DAVIS' cameras move: its background is seldom known
            assert any(reason.startswith("motion: ") for reason in made.drops)
            continue
        for outcome in plugins.find(EXPOSURES, Exposure, entry.name).outcomes:
            assert outcomes[entry.name, outcome] > 0, outcomes
    assert made.drops
    assert abs(made.exposed / SAMPLES - 0.5) < 0.1
    assert all(row["licence"] for row in rows)
