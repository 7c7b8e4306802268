"""Different texts are counted as a set counts them, in less memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from lavida_gen.corpus import distinct
from lavida_gen.corpus.distinct import DistinctCount


def test_it_counts_as_a_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct, "FEWEST", 7)
    found, expected = DistinctCount(), set[str]()
    for number in np.random.default_rng(0).integers(0, 300, 2000).tolist():
        found.add(f"scene {number}")
        expected.add(f"scene {number}")
        if number % 10 == 0:
            assert len(found) == len(expected)
    assert len(found) == len(expected)
    assert len(DistinctCount()) == 0


def test_a_text_takes_a_few_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct, "FEWEST", 1000)
    found, count = DistinctCount(), 100_000
    tracemalloc.start()
    for number in range(count):
        found.add(str(number))
    size, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 20 * count, "a set of hashes takes 70"
    assert most < 50 * count
    assert len(found) == count
