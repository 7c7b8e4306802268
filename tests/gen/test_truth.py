"""Corpora against the data sets' own files, read by code that shares nothing with the generator; and that it notices lies."""

from __future__ import annotations

import ast
import importlib
import io
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from miniatures import coco, ref_davis
from PIL import Image

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
REAL = (
    "coco", "tinycoco train2017", "tinycoco val2017", "coco_polygons", "coco_panoptic", "camvid (folder)", "ade20k full",
    "davis 2016", "ref_davis", "vos_multi", "everything",
)  # fmt: skip
SAMPLES = 40


@pytest.fixture(scope="module", name="truth")
def _truth() -> Iterator[SimpleNamespace]:
    """The modules of benchmarks/label_truth."""
    sys.path.insert(0, str(BENCHMARKS))
    names = ("annotated", "build", "check", "readers", "real", "samples")
    yield SimpleNamespace(**{name: importlib.import_module(f"label_truth.{name}") for name in names})
    sys.path.remove(str(BENCHMARKS))


def test_it_shares_no_code_with_the_generator() -> None:
    files = [BENCHMARKS / "truth.py", *(BENCHMARKS / "label_truth").glob("*.py")]
    assert len(files) > 5
    for path in files:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.startswith("lavida")], path


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_real_samples_are_true(name: str, truth: SimpleNamespace, shared_data: Path, tmp_path: Path) -> None:
    """A quick part of `make truth`."""
    sets = {real.name: real for real in truth.real.real_sets(shared_data, tmp_path)}
    assert set(REAL) == set(sets)
    corpus = truth.build.build_corpus(truth.real.recipe(sets[name], SAMPLES, seed=4), tmp_path / "corpus")
    tally = truth.check.check_samples(truth.samples.read_samples(corpus), sets[name].open())
    assert tally.violations == []
    assert tally.samples == SAMPLES
    assert tally.masks >= SAMPLES


@pytest.fixture(scope="module", name="root")
def _root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("coco")
    coco.draw(root)
    return root


@pytest.fixture(scope="module", name="corpus")
def _corpus(root: Path, truth: SimpleNamespace) -> Path:
    """36 true samples of three drawn images."""
    real = SimpleNamespace(name="drawn", sources=[{"name": "coco", "root": str(root)}])
    corpus: Path = truth.build.build_corpus(truth.real.recipe(real, 36, seed=3), root / "corpus")
    return corpus


@pytest.fixture(name="data_set")
def _data_set(root: Path, truth: SimpleNamespace) -> Any:
    return truth.readers.CocoFile(root / "annotations" / "instances_train2017.json", root / "train2017")


def lie(truth: SimpleNamespace, corpus: Path, data_set: Any, change: Callable[[Any], Any]) -> list[str]:
    """The kinds of what is found after `change` has changed one sample, or returned None for one that it cannot."""
    samples = list(truth.samples.read_samples(corpus))
    for number, sample in enumerate(samples):
        changed = change(sample)
        if changed is not None:
            samples[number] = changed
            violations = truth.check.check_samples(iter(samples), data_set).violations
            assert all(f"#{sample.record['index']} " in violation.sample for violation in violations)
            return sorted({violation.kind for violation in violations})
    raise AssertionError("no sample to change")


def renamed(sample: Any, names: dict[str, str], **record: Any) -> Any:
    """A sample whose record lists other names."""
    own = [names.get(name, name) for name in sample.record["names"]]
    return replace(sample, record={**sample.record, "names": own, **record})


def test_true_samples_pass(truth: SimpleNamespace, corpus: Path, data_set: Any) -> None:
    tally = truth.check.check_samples(truth.samples.read_samples(corpus), data_set)
    assert tally.violations == []
    assert (tally.samples, len(tally.scenes), tally.masks) == (36, 3, 36)
    assert tally.absent > 20
    assert tally.evidence["exhaustive"] >= tally.absent - 2  # without the anomalies of `paste`


def shift(png: bytes) -> bytes:
    """A mask, one pixel to the right."""
    stream = io.BytesIO()
    Image.fromarray(np.roll(np.asarray(Image.open(io.BytesIO(png))), 1, axis=1)).save(stream, "PNG")
    return stream.getvalue()


def is_relabelled(sample: Any) -> bool:
    return bool(sample.record["exposure"] == "relabel")


def test_a_mask_moved_by_a_pixel(truth: SimpleNamespace, corpus: Path, data_set: Any) -> None:
    def change(sample: Any) -> Any:
        return replace(sample, masks=(shift(sample.masks[0]),)) if is_relabelled(sample) else None

    assert lie(truth, corpus, data_set, change) == ["mask"]


def test_a_mask_moved_in_the_shard_itself(truth: SimpleNamespace, corpus: Path, data_set: Any, tmp_path: Path) -> None:
    (shard,) = (path for path in corpus.rglob("*.tar") if path.parent.name != "preview")
    with tarfile.open(shard) as old, tarfile.open(tmp_path / shard.name, "w") as new:
        moved = 0
        for member in old:
            data = old.extractfile(member).read()  # type: ignore[union-attr]
            if member.name.endswith("mask.png") and np.asarray(Image.open(io.BytesIO(data))).any():
                data, moved = shift(data), moved + 1
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    violations = truth.check.check_samples(truth.samples.read_samples(tmp_path), data_set).violations
    kept = sum(sample.record["exposed"] for sample in truth.samples.read_samples(corpus))
    assert moved == kept
    assert {violation.kind for violation in violations} == {"mask"}
    assert len({violation.sample for violation in violations}) >= moved - 4  # a pasted mask may be moved in its edit


def test_an_empty_mask_of_an_anomaly(truth: SimpleNamespace, corpus: Path, data_set: Any) -> None:
    empty = next(s.masks for s in truth.samples.read_samples(corpus) if not s.record["exposed"])

    def change(sample: Any) -> Any:
        return replace(sample, masks=empty) if is_relabelled(sample) else None

    assert lie(truth, corpus, data_set, change) == ["mask"]


def test_another_picture(truth: SimpleNamespace, corpus: Path, data_set: Any, root: Path) -> None:
    def change(sample: Any) -> Any:
        if not is_relabelled(sample) or sample.record["scene"].endswith("285"):
            return None
        return replace(sample, pictures=((root / "train2017" / f"{285:012d}.jpg").read_bytes(),))

    assert lie(truth, corpus, data_set, change) == ["picture"]


def absent_over_dog(sample: Any) -> str:
    """A name that is listed as absent from the photo with a dog, "" if there is none."""
    record = sample.record
    if not record["scene"].endswith("139") or record["exposure"] not in ("relabel", "absent", "near_miss"):
        return ""
    rows = zip(record["names"], record["labels"], strict=True)
    return next((name for name, label in rows if not label), "")


@pytest.mark.parametrize("name", ["dog", "dogs", "a Dog"])
def test_a_name_that_is_there(name: str, truth: SimpleNamespace, corpus: Path, data_set: Any) -> None:
    def change(sample: Any) -> Any:
        absent = absent_over_dog(sample)
        return renamed(sample, {absent: name}) if absent else None

    assert "present" in lie(truth, corpus, data_set, change)


@pytest.mark.parametrize(
    ("name", "facts", "why"),
    [
        ("hound", ("hound", "dog"), "synonym"),
        ("animal", ("animal",), "the supercategory"),
        ("poodle", ("poodle",), "a kind of what is there"),
    ],
)
def test_synonyms_and_kinds_of_the_files(
    name: str, facts: tuple[str, ...], why: str, truth: SimpleNamespace, corpus: Path, data_set: Any
) -> None:
    kinds = frozenset(["dog"]) if name == "poodle" else frozenset[str]()
    data_set.classes[name] = truth.annotated.ClassFacts(frozenset(facts), kinds)

    def change(sample: Any) -> Any:
        absent = absent_over_dog(sample)
        return renamed(sample, {absent: name}) if absent else None

    assert lie(truth, corpus, data_set, change) == ["present"], why


def test_a_thing_outside_the_mask_that_bears_the_name(truth: SimpleNamespace, corpus: Path, data_set: Any) -> None:
    data_set.classes["dog"] = truth.annotated.ClassFacts(frozenset(["dog"]), frozenset(["person"]))
    samples = [s for s in truth.samples.read_samples(corpus) if is_relabelled(s) and s.record["scene"].endswith("139")]
    people = [s for s in samples if s.record["names"][s.record["labels"].index(True)] == "person"]
    violations = truth.check.check_samples(iter(people), data_set).violations
    assert people
    assert {violation.kind for violation in violations if "outside" in violation.text} == {"mask"}


@pytest.mark.parametrize("name", ["_background_", "void", "Others", "don't care", "__ignore__"])
def test_what_is_no_name(name: str, truth: SimpleNamespace, corpus: Path, data_set: Any) -> None:
    def change(sample: Any) -> Any:
        absent = absent_over_dog(sample)
        return renamed(sample, {absent: name}) if absent else None

    assert "no name" in lie(truth, corpus, data_set, change)


def test_an_original_that_no_file_holds(truth: SimpleNamespace, corpus: Path, data_set: Any) -> None:
    def change(sample: Any) -> Any:
        if sample.record["exposure"] != "absent":
            return None
        evidence, originals = ["unannotated"] * len(sample.record["names"]), list(sample.record["originals"])
        originals[0] = "canis_lupus"
        return renamed(sample, {}, originals=originals, evidence=evidence)

    assert lie(truth, corpus, data_set, change) == ["original"]


@pytest.mark.parametrize("evidence", ["verified", "made", "annotated", "unknown"])
def test_evidence_that_no_file_justifies(evidence: str, truth: SimpleNamespace, corpus: Path, data_set: Any) -> None:
    def change(sample: Any) -> Any:
        claimed = [evidence] * len(sample.record["names"])
        return renamed(sample, {}, evidence=claimed) if sample.record["exposure"] == "absent" else None

    assert lie(truth, corpus, data_set, change) == ["evidence"]


def test_exhaustive_beyond_the_closed_vocabulary(truth: SimpleNamespace, corpus: Path, data_set: Any) -> None:
    data_set.complete = False
    found = truth.check.check_samples(truth.samples.read_samples(corpus), data_set).violations
    assert {violation.kind for violation in found} == {"evidence"}


def test_an_expression_of_a_thing_that_is_there(truth: SimpleNamespace, tmp_path: Path) -> None:
    ref_davis.draw(tmp_path)
    reader = truth.readers.Referring(tmp_path, total=1)
    video = next(iter(reader._expressions))
    frame = sorted(path.stem for path in (tmp_path / "train" / "Annotations" / video).glob("*.png"))[0]
    scene = reader.scene({"scene": f"ref_davis/train/{video}/{frame}", "seconds": [0.0]})
    expression = next(text for thing in scene.things for text in thing.wordings if text != thing.category)
    assert "is annotated" in reader.why_present(scene, expression, expression)
    assert reader.why_present(scene, "a purple unicorn", "a purple unicorn") == ""
