"""What a batch must be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
import torch

from lavida.batch import Batch, Sample
from lavida.errors import LavidaError
from lavida.processing import LavidaProcessor


@pytest.fixture(scope="module")
def batch(processor: LavidaProcessor, samples: list[Sample]) -> Batch:
    return processor(samples[:2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"counts": (9,)}, r"Batch\.counts: 1 entries for 2 sequences; expected one each"),
        ({"name_counts": (2, 2, 1)}, r"Batch\.name_counts: 3 entries for 2 sequences"),
        ({"grid_seconds": (1.0,)}, r"Batch\.grid_seconds: 1 entries for 2 sequences"),
        ({"grids": torch.ones(1, 3, dtype=torch.long)}, r"Batch\.grids: 1 entries for 2 sequences"),
        ({"counts": (8, 2)}, r"Batch\.frames: 9 rows; expected 10 by counts, name_counts and grids"),
        ({"name_counts": (3, 1)}, r"Batch\.name_ids: 5 rows; expected 4"),
        ({"patches": torch.zeros(5, 1176)}, r"Batch\.patches: 5 rows; expected 272"),
        ({"masks": torch.zeros(3, 128, 128)}, r"Batch\.masks: 3 rows; expected 9"),
        ({"frames": torch.zeros(9, 3, 128, 128)}, r"Batch\.frames: torch\.float32; expected uint8"),
        ({"patches": torch.zeros(272, 1176)}, r"Batch\.patches: torch\.float32; expected uint8"),
        ({"counts": (9, 0)}, "a sample without names or without frames; expected at least one of each"),
    ],
)
def test_errors(batch: Batch, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LavidaError, match=message):
        replace(batch, **changes)


def test_length_and_rows(batch: Batch) -> None:
    assert len(batch) == 2
    assert len(batch.frames) == sum(batch.counts) == 9
    assert len(replace(batch, masks=None).frames) == 9


def test_one_name_is_not_a_text_of_names(samples: list[Sample], processor: LavidaProcessor) -> None:
    with pytest.raises(LavidaError, match="names are the text 'bicycle'; expected a tuple of names"):
        replace(samples[0], names=cast(Any, "bicycle"))
    with pytest.raises(LavidaError, match="got a single Sample; expected a list of them"):
        processor(cast(Any, samples[0]))


def test_a_sample_prints_shapes_not_pixels(samples: list[Sample]) -> None:
    text = repr(samples[0])
    assert f"frames={samples[0].frames.shape}, masks=" in text
    assert len(text) < 1000
