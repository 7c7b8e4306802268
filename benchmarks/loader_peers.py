"""Other ways to the tensors of a training sample, beside which `benchmarks/loader.py` measures ours.

`tensors_in_floats` is how LavidaProcessor made them up to commit 62898d3, with the same values. `tensors_of_opencv` is what
the authors' kind of training code does: two resizes by OpenCV, normalised floats. `by_webdataset` and `by_datasets` read the
same shards in order. Pictures and masks are decoded by the same functions everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lavida import pixels
from lavida.batch import Batch, Sample
from lavida.processing import LavidaProcessor
from lavida_bench.fitting.loader import to_sample
from lavida_gen.corpus.shards import EncodedSample, decode_sample


def patches_size(processor: LavidaProcessor, sample: Sample) -> tuple[int, int]:
    """Height and width of the frames that the language model sees in training."""
    sizes, (height, width) = processor.sizes, sample.frames.shape[1:3]
    fewest, most = sizes.budgets["train_image" if len(sample.frames) == 1 else "train_clip"]
    return pixels.target_size(height, width, sizes.patch_size * sizes.merge_size, fewest, most)


def cut(frames_TCHW: Tensor, processor: LavidaProcessor) -> tuple[Tensor, tuple[int, ...]]:
    """Patches (P, C) float32 in Qwen2-VL's order, and their grid."""
    patch, merge, temporal = (
        processor.sizes.patch_size,
        processor.sizes.merge_size,
        processor.sizes.temporal_patch_size,
    )
    frames = torch.cat([frames_TCHW, frames_TCHW[-1:].expand(-len(frames_TCHW) % temporal, -1, -1, -1)])
    time, channels, height, width = frames.shape
    grid = (time // temporal, height // patch, width // patch)
    split = frames.reshape(grid[0], temporal, channels, grid[1] // merge, merge, patch, grid[2] // merge, merge, patch)
    return split.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(math.prod(grid), -1), grid


def tensors_in_floats(processor: LavidaProcessor, sample: Sample) -> dict[str, Any]:
    """A batch of one sample as up to 62898d3: float patches, averaged masks, whole clips at a time."""
    assert sample.masks is not None
    side, family = processor.sizes.frame_size, processor.family
    frames = pixels.resize(sample.frames, patches_size(processor, sample), "bicubic")
    patches, grid = cut(pixels.normalise(frames, family.mean, family.std), processor)
    share = F.interpolate(torch.from_numpy(sample.masks)[:, None].float(), size=(side, side), mode="area")[:, 0]
    half, touched = share >= 0.5, share > 0
    lost = ~half.flatten(1).any(dim=1)
    return {
        "patches": torch.cat([patches]),
        "frames": torch.cat([pixels.resize(sample.frames, (side, side), "bilinear")]),
        "masks": torch.cat([torch.where(lost[:, None, None], touched, half)]),
        "text": texts(processor, sample, grid),
    }


def tensors_of_opencv(processor: LavidaProcessor, sample: Sample) -> dict[str, Any]:
    """A batch of one sample as the authors' kind of code makes it; other values, as OpenCV resizes without antialiasing."""
    assert sample.masks is not None
    side, family = processor.sizes.frame_size, processor.family
    height, width = patches_size(processor, sample)
    seen = np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC) for frame in sample.frames])
    squares = np.stack([cv2.resize(frame, (side, side), interpolation=cv2.INTER_LINEAR) for frame in sample.frames])
    masks = [
        cv2.resize(mask.view(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST).astype(bool)
        for mask in sample.masks
    ]
    patches, grid = cut(_normalised(seen, family.mean, family.std), processor)
    frames = _normalised(squares, pixels.IMAGENET_MEAN, pixels.IMAGENET_STD)
    text = texts(processor, sample, grid)
    return {"patches": patches, "frames": frames, "masks": torch.from_numpy(np.stack(masks)), "text": text}


def _normalised(frames_THWC: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    floats = frames_THWC.astype(np.float32) / 255.0
    return torch.from_numpy((floats - np.float32(mean)) / np.float32(std)).permute(0, 3, 1, 2).contiguous()


def texts(processor: LavidaProcessor, sample: Sample, grid: tuple[int, ...]) -> tuple[Any, ...]:
    """Tokens of the conversation and of the names."""
    names = processor.names_tokenizer(list(sample.names), padding=True, truncation=True, return_tensors="pt")
    return processor._text(sample, (grid[0], grid[1], grid[2])), names["input_ids"]


def check_same(processor: LavidaProcessor, batch: Batch, sample: Sample) -> None:
    """Our tensors have the values of 62898d3, to the bit."""
    before = tensors_in_floats(processor, sample)
    family = processor.family
    assert torch.equal(pixels.normalise_patches(batch.patches, family.mean, family.std), before["patches"])
    assert batch.masks is not None
    assert torch.equal(batch.frames, before["frames"])
    assert torch.equal(batch.masks, before["masks"])


def by_webdataset(shards: Sequence[Path]) -> Iterator[Sample]:
    """Samples of shards in order, read by webdataset."""
    import webdataset

    for fields in webdataset.WebDataset([str(path) for path in shards], shardshuffle=False, empty_check=False):
        key = fields["__key__"]
        yield to_sample(decode_sample(key, fields, fields["__url__"]), key)


def by_datasets(shards: Sequence[Path]) -> Iterator[Sample]:
    """Samples of shards in order, streamed by Hugging Face's datasets, which hands over the encoded pictures."""
    from datasets import Image, load_dataset

    files = {"train": [str(path) for path in shards]}
    rows = load_dataset("webdataset", data_files=files, split="train", streaming=True)
    pictures = [name for name, kind in rows.features.items() if isinstance(kind, Image)]
    for name in pictures:
        rows = rows.cast_column(name, Image(decode=False))
    frames, masks = (
        sorted(name for name in pictures if name.endswith("mask.png") == masked) for masked in (False, True)
    )
    for row in rows:
        encoded = [tuple(row[name]["bytes"] for name in names) for names in (frames, masks)]
        yield to_sample(EncodedSample(row["__key__"], *encoded, row["json"]), row["__key__"])
