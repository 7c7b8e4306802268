"""1,500 samples each of drawn and of real scenes: properties of every corpus, whatever is drawn."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lavida_gen.config import recipe as recipes
from lavida_gen.names import lexicon
from lavida_gen.sampling.planner import SamplePlanner, SampleSpec
from lavida_gen.scenes import masks
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Scene

SAMPLES = 1500


def drafts(planner: SamplePlanner) -> tuple[list[tuple[SampleSpec, Scene, Draft]], Counter[str]]:
    """The samples that a build would write, before encoding. Scenes are read once, since they are a pure function."""
    scenes: dict[tuple[int, int], Scene] = {}
    drops: Counter[str] = Counter()
    found = []
    for index in range(planner.recipe.samples):
        for attempt in range(500):
            spec = planner.spec(index, attempt)
            at = (planner.sources.index(spec.opened), spec.number)
            if at not in scenes:
                scenes[at] = spec.scene()
            draft = spec.expose(scenes[at])
            if isinstance(draft, Rejection):
                drops[draft.reason] += 1
                continue
            found.append((spec, scenes[at], draft))
            break
    return found, drops


def check_properties(planner: SamplePlanner) -> None:
    """Check the properties of every sample."""
    found, drops = drafts(planner)
    assert len(found) == SAMPLES, drops
    listed: Counter[str] = Counter()
    for spec, scene, draft in found:
        shown = sum(masks.area(mask) for mask in draft.masks if mask is not None)
        assert bool(shown) == draft.exposed == spec.task.exposed
        there = [lexicon_name(name, region.category) for region in scene.regions for name in region.names]
        for name, label in zip(draft.names, draft.labels, strict=True):
            listed[name] += 1
            if label:
                assert any(name in region.names for region in scene.regions)
            else:
                assert not any(name in region.names or name == region.category for region in scene.regions)
                negative = vocabulary(spec).get(name)
                if negative is not None and not any(lexicon.conflict(negative, one) for one in there):
                    continue
                if name in set(scene.absent()):
                    continue  # the data set's own word; test_street.py and test_refcoco.py hold that it is true
                assert spec.exposure_name == "near_miss", (name, scene.key)
                assert one_word_changed(name, scene), (name, scene.key)
        assert 1 <= len(draft.names) <= spec.task.max_names
    share = sum(draft.exposed for _, _, draft in found) / SAMPLES
    assert abs(share - planner.recipe.anomaly_ratio) < 0.02
    every = {name.text for opened in planner.sources for name in opened.vocabulary}
    assert every <= set(listed), f"never drawn: {sorted(every - set(listed))[:10]}"


def one_word_changed(name: str, scene: Scene) -> bool:
    """Whether a name differs in one word from an expression of the scene and describes nothing annotated in it."""
    every = [text for region in scene.regions for text in region.names]
    close = [
        t
        for t in every
        if len(t.split()) == len(name.split())
        and sum(a != b for a, b in zip(t.split(), name.split(), strict=True)) == 1
    ]
    return bool(close) and not any(lexicon.same_wording(name, text) for text in every)


_vocabularies: dict[int, dict[str, Any]] = {}


def vocabulary(spec: SampleSpec) -> dict[str, Any]:
    key = id(spec.opened)
    if key not in _vocabularies:
        _vocabularies[key] = {name.text: name for name in spec.opened.vocabulary}
    return _vocabularies[key]


def lexicon_name(text: str, category: str) -> Any:
    from lavida_gen.scenes.scene import Name

    return Name(text, category)


@pytest.mark.slow
def test_street() -> None:
    sources = [{"name": "street", "scenes": 150, "size": [96, 128]}]
    check_properties(SamplePlanner.open(recipes.parse(_plain(sources))))


@pytest.mark.slow
def test_real_coco(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAVIDA_GEN_CACHE", str(tmp_path))
    voc = {"split": "x", "annotations": "annotations/instances_train.json", "images": "."}
    sources = [
        {"name": "coco", "root": str(shared_data / "tinycoco"), "split": "train2017", "weight": 3},
        {"name": "coco", "root": str(shared_data / "tinycoco"), "split": "val2017", "weight": 2},
        {"name": "coco_json", "root": str(shared_data / "coco_polygons"), **voc},
    ]
    check_properties(SamplePlanner.open(recipes.parse(_plain(sources))))


def _plain(sources: list[dict[str, Any]]) -> dict[str, Any]:
    plain = {
        "name": "truths",
        "samples": SAMPLES,
        "sources": sources,
        "exposures": ["relabel", {"name": "absent", "weight": 2}, "near_miss"],
    }
    return json.loads(json.dumps(plain))
