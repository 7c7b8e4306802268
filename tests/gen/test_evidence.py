"""Evidence: how it is known that a listed name is, or is not, in the scene; and the use of what was pasted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import miniatures
import numpy as np
import pytest

from lavida_gen.common import plugins
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import EXPOSURES, SOURCES
from lavida_gen.exposures._base import Exposure
from lavida_gen.sampling.evidence import sample_evidence, sample_seconds, sample_use
from lavida_gen.sampling.make_sample import make_sample
from lavida_gen.sampling.planner import SamplePlanner
from lavida_gen.scenes.evidence import FALSE_EVIDENCE, strictest
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.sample import Draft
from lavida_gen.scenes.scene import Scene
from lavida_gen.sources._base import Source

FRAME = Frame.drawn(lambda: np.zeros((8, 8, 3), np.uint8), (8, 8), "x")
EXHAUSTIVE = {
    "vipseg",
    "yolo_seg",
    "coco",
    "coco_panoptic",
    "coco_stuff",
    "ade20k",
    "cityscapes",
    "mapillary",
    "folder",
    "hf",
}

VERIFIED = {"lvis", "sa_co", "sa_co_images"}
"""Data sets that state absent names scene by scene; nothing is known about others."""


def scene(frames: int = 1, **more: Any) -> Scene:
    return Scene("s", (FRAME,) * frames, (8, 8), (), "CC0-1.0", **more)


def draft(*names: str, subjects: tuple[str, ...] = (), credit: Any = ()) -> Draft:
    return Draft((FRAME,), names, (False,) * len(names), (None,), subjects=subjects, credit=credit)


class Rules:
    """What a data set declares."""

    def __init__(self, **declared: str) -> None:
        self.declared = declared
        self.evidence_of_category: dict[str, str] = {}

    def evidence(self, text: str, there: object) -> str:
        return self.declared.get(text, "unannotated")


def rules(**declared: str) -> Any:
    return Rules(**declared)


ABSENT: Any = SimpleNamespace(makes_anomalies=False)


def test_what_sources_declare() -> None:
    for name in plugins.built_in(SOURCES):
        declared = plugins.find(SOURCES, Source, name).absence
        expected = "verified" if name == "street" else "exhaustive" if name in EXHAUSTIVE else "unannotated"
        assert declared == expected, name


def test_which_exposures_make_anomalies() -> None:
    making = {name for name in plugins.built_in(EXPOSURES) if plugins.find(EXPOSURES, Exposure, name).makes_anomalies}
    assert making == {"paste", "swap", "motion"}


def test_absent_names() -> None:
    where = scene(absent=lambda: iter(["dog in a hat"]))
    found = sample_evidence(draft("dog in a hat", "cat", "red cat"), where, ABSENT, rules(cat="exhaustive"))
    assert found == ["verified", "exhaustive", "unannotated"], "what is not in the vocabulary is merely not mentioned"


def test_a_phrase_has_the_evidence_of_its_name() -> None:
    phrased = draft("cat in the wrong place", "bus in the wrong place", subjects=("cat", "bus"))
    found = sample_evidence(phrased, scene(), ABSENT, rules(cat="exhaustive"))
    assert found == ["exhaustive", "unannotated"]


def test_uses() -> None:
    assert strictest(["free", "forbidden", "noncommercial"]) == "forbidden"
    assert sample_use(draft("cat"), "free", ["forbidden"]) == "free"
    assert sample_use(draft("cat", credit=("a", "b", "noncommercial")), "free", ["forbidden"]) == "noncommercial"
    assert sample_use(draft("cat", credit=("a", "b")), "free", ["free", "forbidden"]) == "forbidden"


def test_times_of_frames() -> None:
    assert sample_seconds(scene()) == [0.0]
    assert sample_seconds(scene(3, fps=4.0)) == [0.0, 0.25, 0.5]
    assert sample_seconds(scene(3)) == [0.0] * 3
    assert sample_seconds(scene(3, fps=4.0, seconds=(0.0, 0.2, 0.7))) == [0.0, 0.2, 0.7]


def samples(raw: dict[str, Any]) -> Iterator[Any]:
    recipe = recipes.parse(json.loads(json.dumps(raw, default=str)))
    planner = SamplePlanner.open(recipe)
    return (make_sample(planner, index, "d").sample.record for index in range(recipe.samples))


@pytest.mark.parametrize("kind", ["image", "clip"])
def test_drawn_samples(kind: str) -> None:
    exposures = ["relabel", "several", "context", "absent", "near_miss", "paste", "swap"]
    raw = {
        "name": "drawn",
        "samples": 30,
        "sources": [{"name": "street", "scenes": 20, "size": [96, 128], "kind": kind, "frames": 4}],
        "exposures": [*exposures, *(["motion"] if kind == "clip" else [])],
    }
    for record in samples(raw):
        made = record["exposure"] in ("paste", "swap", "motion")
        for label, evidence in zip(record["labels"], record["evidence"], strict=True):
            assert evidence == (("made" if made else "annotated") if label else "verified")
        assert record["originals"] == [""] * len(record["names"])
        assert record["use"] == "free"
        assert record["seconds"] == [round(time / 6, 6) for time in range(record["frames"])]


@pytest.mark.parametrize("name", sorted(set(miniatures.names()) - {"sa_v"}))
def test_samples_of_every_source(name: str, tmp_path: Path) -> None:
    """Negatives of `relabel` come from the source's own vocabulary."""
    options = miniatures.draw(name, tmp_path)
    raw = {"name": "m", "samples": 12, "val": 0, "sources": [{"name": name, **options}]}
    limits = {"min_area": 0, "min_pixels": 1, "min_visible": 0.01, "max_area": 1}
    expected = {"exhaustive"} if name in EXHAUSTIVE else {"unannotated"}
    if name in ("refcoco", "street"):
        expected = {"exhaustive", "verified"}
    if name == "coco_json":
        expected = {"unannotated", "verified"}
    if name in VERIFIED:
        expected = {"verified"}
    for record in samples({**raw, "exposures": ["relabel"], "anomaly_ratio": 1, "limits": limits}):
        absent = {e for e, label in zip(record["evidence"], record["labels"], strict=True) if not label}
        present = {e for e, label in zip(record["evidence"], record["labels"], strict=True) if label}
        assert absent <= expected
        assert present <= {"annotated"}
        assert len(record["seconds"]) == record["frames"]
        assert record["seconds"][0] == 0.0
        assert not any(record["seconds"]) or record["fps"] == pytest.approx(
            (len(set(record["seconds"])) - 1) / record["seconds"][-1], rel=1e-4
        )


def test_the_classes_are_ordered_from_strong_to_weak() -> None:
    assert FALSE_EVIDENCE == ("verified", "exhaustive", "stated", "unannotated")
