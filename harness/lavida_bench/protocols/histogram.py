"""Pixels counted by score in constant memory: 65,536 bins, one for each float16, so that nothing is rounded.

Maps are float16; their bit patterns, put in the order of the numbers, are the bins. A benchmark of any number of pixels
costs the same: one piece of frames at a time, two histograms of 65,536 counters, no pixel kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lavida_bench.videos.types import Bits, Counts, Floats, Maps, TestVideo, VideoScore
from lavida_gen.common.errors import DataError, problem

BINS = 1 << 16
PIECE = 1 << 21  # pixels looked at together: bounds the memory, whatever the video's size
FOUND = 0.4  # Mahadevan et al. 2010: share of the anomalous pixels that must be found in a frame

# Bit patterns in ascending order of the number they stand for: -inf .. -0, +0 .. +inf; NaNs are left out.
_FINITE_NEGATIVE = np.arange(0xFBFF, 0x7FFF, -1, dtype=np.uint16)
_FINITE_POSITIVE = np.arange(0x0000, 0x7C00, dtype=np.uint16)
ORDER = np.concatenate([_FINITE_NEGATIVE, _FINITE_POSITIVE]).astype(np.int64)
VALUES = ORDER.astype(np.uint16).view(np.float16).astype(np.float32)
_MINUS_ZERO, _PLUS_ZERO = len(_FINITE_NEGATIVE) - 1, len(_FINITE_NEGATIVE)


@dataclass(frozen=True, slots=True, eq=False)
class PixelSummary:
    """What the pixel metrics need of one video. B distinct scores that occur, m frames.

    values     (B,) float32, ascending, distinct
    positives  (B,) int64, anomalous pixels of that score
    negatives  (B,) int64, the other pixels
    regions    (m,) float32: of a frame with anomalous pixels the highest threshold at which 40 % of them are found; of
               a frame without any its highest score (Mahadevan et al. 2010)
    abnormal   (m,) bool: has the frame anomalous pixels
    """

    values: Floats
    positives: Counts
    negatives: Counts
    regions: Floats
    abnormal: Bits


def count(maps: Maps, masks: Bits) -> tuple[Counts, Counts]:
    """Histograms over bit patterns, each (65536,) int64: of the scores under the mask, and of the others."""
    bits = np.ascontiguousarray(maps).reshape(-1).view(np.uint16)
    flat = masks.reshape(-1)
    everything = np.bincount(bits, minlength=BINS)
    positive = np.bincount(bits[flat], minlength=BINS) if flat.any() else np.zeros(BINS, np.int64)
    return positive, everything - positive


Value = TypeVar("Value", np.float16, np.bool_)


def resize(stack: NDArray[Value], size: tuple[int, int]) -> NDArray[Value]:
    """(n, h, w) -> (n, *size) by nearest neighbour: output row i takes input row floor(i * h / H)."""
    if stack.shape[1:] == size:
        return stack
    rows = np.arange(size[0]) * stack.shape[1] // size[0]
    columns = np.arange(size[1]) * stack.shape[2] // size[1]
    return stack[:, rows[:, None], columns[None, :]]


def runs(frames: Counts, most: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of stretches of consecutive frame numbers, none longer than `most`."""
    breaks = np.flatnonzero(np.diff(frames) != 1) + 1
    for stretch in np.split(frames, breaks):
        for first in range(0, len(stretch), most):
            piece = stretch[first : first + most]
            yield int(piece[0]), int(piece[-1]) + 1


def _regions(maps: Maps, masks: Bits) -> tuple[Floats, Bits]:
    """`regions` and `abnormal` of PixelSummary for (n, h, w) maps and masks."""
    values = np.zeros(len(maps), np.float32)
    abnormal: Bits = np.array([mask.any() for mask in masks], np.bool_)
    for index, (scores, mask) in enumerate(zip(maps, masks, strict=True)):
        if abnormal[index]:
            inside = scores[mask].astype(np.float32)  # partition of float16 is slow
            needed = max(1, int(np.ceil(FOUND * len(inside) - 1e-9)))
            values[index] = np.partition(inside, len(inside) - needed)[len(inside) - needed]
        else:
            values[index] = scores.max()
    return values, abnormal


def refuse_infinite(key: str, maps: Maps, start: int) -> None:
    """Raises DataError naming video, frame and place for the first score of (n, h, w) maps that is not finite."""
    bad = np.argwhere(~np.isfinite(maps))
    if len(bad):
        frame, row, column = bad[0]
        got = f"pixel score {maps[frame, row, column]} at row {row}, column {column}"
        raise DataError(problem(f"{key}, frame {start + frame}", got, "finite float16 scores (at most 65504)"))


def summarise(video: TestVideo, score: VideoScore, frames: Counts, size: tuple[int, int] | None = None) -> PixelSummary:
    """Counts the pixels of `frames` (ascending) of a video with masks and maps, both brought to `size` (h, w).

    Raises DataError naming video and frame for infinite and NaN scores.
    """
    positives, negatives = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
    regions: list[Floats] = []
    abnormal: list[Bits] = []
    size = size or video.size
    for start, stop in runs(frames, max(1, PIECE // (size[0] * size[1]))):
        masks = video.read_masks(start, stop)
        assert masks is not None, f"{video.key}: no masks"
        maps = score.read_pixels(start, stop)
        maps, masks = resize(maps, size), resize(masks, size)
        found, others = count(maps, masks)
        if (found[ORDER].sum() + others[ORDER].sum()) != maps.size:
            refuse_infinite(video.key, maps, start)
        positives += found
        negatives += others
        some, are = _regions(maps, masks)
        regions.append(some)
        abnormal.append(are)
    return PixelSummary(*_ordered(positives, negatives), np.concatenate(regions), np.concatenate(abnormal))


def _ordered(positives: Counts, negatives: Counts) -> tuple[Floats, Counts, Counts]:
    """Histograms over bit patterns -> ascending distinct values that occur, and their counts."""
    both = np.stack([positives[ORDER], negatives[ORDER]])
    both[:, _PLUS_ZERO] += both[:, _MINUS_ZERO]  # one number, two bit patterns
    both[:, _MINUS_ZERO] = 0
    kept = np.flatnonzero(both.any(axis=0))
    return VALUES[kept], both[0, kept], both[1, kept]
