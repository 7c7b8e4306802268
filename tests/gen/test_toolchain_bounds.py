"""The comparison behind `make bounds` sees what it is to see: other names, other masks, other pixels."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lavida_gen.corpus.reader import open_corpus
from lavida_gen.corpus.shards import EncodedSample
from lavida_gen.scenes.images import decode, encode_jpeg
from lavida_gen.scenes.mask_png import encode
from lavida_gen.scenes.masks import from_png

CORPUS = Path(__file__).parent / "data" / "format1"


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    yield importlib.import_module("toolchain_bounds.compare")
    for name in [name for name in sys.modules if name.partition(".")[0] == "toolchain_bounds"]:
        del sys.modules[name]


def sample() -> EncodedSample:
    corpus = open_corpus(CORPUS)
    return next(iter(corpus.samples(corpus.manifest.shards[0])))


def test_a_corpus_equals_itself(compare: Any) -> None:
    found = compare.compare(CORPUS, CORPUS, {sample().frames[0]})
    assert found.same_annotation
    assert (found.frames_differ, found.passed, found.largest_mean) == (0, 1, 0.0)
    assert found.samples == open_corpus(CORPUS).manifest.samples


def test_differences_are_counted(compare: Any) -> None:
    one, found = sample(), compare.Comparison()
    frames, masks = list(one.frames), list(one.masks)
    frames[0] = encode_jpeg(np.minimum(decode(frames[0], None, "frame"), 200) + 7)
    masks[0] = encode(~from_png(masks[0]))
    record: Any = {**one.record, "names": ["other"]}
    compare._count(found, one, replace(one, frames=tuple(frames), masks=tuple(masks), record=record), set())
    assert dict(found.records) == {"names": 1}
    assert (found.masks_differ, found.frames_differ) == (1, 1)
    assert not found.same_annotation
    assert found.largest >= 7
    assert found.largest_mean > 1
