"""`from lavida_gen import ...`: samples of a recipe as arrays, equal to those of its built corpus; building in one call."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lavida_gen
from lavida_gen import Corpus, DecodedSample, Sampler, UserError, build, load_recipe, open_corpus

RECIPE: dict[str, Any] = {
    "name": "small",
    "samples": 24,
    "shard": {"samples": 10},
    "sources": [
        {"name": "street", "scenes": 20, "size": [96, 128], "weight": 2},
        {"name": "street", "scenes": 6, "size": [96, 128], "kind": "clip", "frames": 3},
    ],
    "exposures": ["relabel", "absent"],
    "names_per_prompt": 5,
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return build(RECIPE, tmp_path_factory.mktemp("front") / "corpus")


def equal(one: DecodedSample, other: DecodedSample) -> bool:
    return (
        np.array_equal(one.frames, other.frames)
        and np.array_equal(one.masks, other.masks)
        and one.record == other.record
    )


@pytest.mark.parametrize("index", [0, 17, 23])
def test_a_sample_equals_that_of_the_built_corpus(corpus: Corpus, index: int) -> None:
    sample = Sampler(RECIPE)[index]
    assert equal(sample, corpus[index])
    frames = 1 if sample.record["kind"] == "image" else 3
    assert (sample.frames.shape, sample.frames.dtype) == ((frames, 96, 128, 3), np.uint8)
    assert (sample.masks.shape, sample.masks.dtype) == ((frames, 96, 128), np.bool_)
    assert sample.exposed == any(sample.labels) == bool(sample.masks.any())
    assert len(sample.names) == len(sample.labels) <= 5
    assert all(name in sample.question for name in sample.names)
    assert sample.answer.count("<SEG>") == 1
    assert sample.origin["index"] == index
    assert sample.origin["source"] == "street"
    assert sample.origin["recipe"] == load_recipe(RECIPE).digest()


def test_a_sampler_is_a_sequence() -> None:
    sampler = Sampler(RECIPE)
    assert len(sampler) == 24
    part = sampler[10:20:3]
    assert len(part) == 4
    assert [sample.origin["index"] for sample in part] == [10, 13, 16, 19]
    assert part[-1].origin["index"] == 19
    assert part[1:][0].origin["index"] == 13
    assert [sample.key for sample in sampler[:3]] == ["000000000", "000000001", "000000002"]
    with pytest.raises(IndexError, match=r"Sampler\('small', 24 samples\): no sample 24; expected 0 to 23"):
        sampler[24]
    assert repr(sampler[17]).startswith("DecodedSample(key='000000017', frames=(3, 96, 128, 3), names={")
    with pytest.raises(IndexError):
        part[4]


def test_a_sampler_travels_to_workers() -> None:
    part = Sampler(RECIPE)[5:9]
    there = pickle.loads(pickle.dumps(part))
    assert len(there) == 4
    assert equal(there[2], part[2])


def test_recipes_come_by_name_path_and_mapping(tmp_path: Path, corpus: Corpus) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(json.dumps(RECIPE))
    wanted = load_recipe(RECIPE)
    assert load_recipe(path) == load_recipe(str(path)) == load_recipe(corpus.place) == load_recipe(wanted) == wanted
    assert load_recipe("street", {"samples": 7, "sources.0.scenes": 9}).samples == 7
    assert load_recipe("street", ["samples=7"]).samples == 7
    assert RECIPE["samples"] == 24, "the mapping that is given stays as it is"
    with pytest.raises(UserError, match=r"recipe: 1 .*\n  samples: expected at least 1; got 0"):
        load_recipe(RECIPE, {"samples": 0})


def test_build_gives_the_open_corpus(corpus: Corpus) -> None:
    assert repr(corpus) == f"Corpus('{corpus.path}', 24 samples)"
    with pytest.raises(IndexError, match="no sample 24; expected 0 to 23"):
        corpus[24]
    assert corpus.manifest.samples == len(corpus) == 24
    assert corpus[-1].key == "000000023"
    assert corpus.manifest == open_corpus(corpus.place).manifest
    again = build(RECIPE, corpus.place)
    assert again.manifest == corpus.manifest


def test_the_front_door_has_what_it_names() -> None:
    assert sorted(lavida_gen.__all__) == sorted(lavida_gen._MODULES)
    assert all(hasattr(lavida_gen, name) for name in lavida_gen.__all__)
    assert set(lavida_gen.__all__) < set(dir(lavida_gen))
    with pytest.raises(AttributeError, match="module 'lavida_gen' has no attribute 'Samplers'"):
        lavida_gen.Samplers  # noqa: B018


def test_import_alone_imports_nothing() -> None:
    code = "import sys, lavida_gen; print([m for m in ('numpy', 'pydantic', 'yaml') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
