"""Pixels counted by score in constant memory: 65,536 bins, one for each float16 value, so that nothing is rounded.

Maps are float16; their bit patterns, sorted by the number they stand for, are the bins. Memory does not depend on the
number of pixels: one piece of frames at a time and two histograms of 65,536 counters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lavida_bench.protocols.resize import Resize, resize_maps, resize_nearest
from lavida_bench.videos.types import Bits, Counts, Floats, Maps, TestVideo, VideoScore
from lavida_gen.common.errors import DataError, problem

BINS = 1 << 16
PIXELS_AT_ONCE = 1 << 21  # bounds the memory, whatever the video's size
FOUND_SHARE = 0.4  # Mahadevan et al. 2010: share of the anomalous pixels that must be found in a frame

# Bit patterns in ascending order of the number they stand for: -inf .. -0, +0 .. +inf; NaNs are left out.
_FINITE_NEGATIVE = np.arange(0xFBFF, 0x7FFF, -1, dtype=np.uint16)
_FINITE_POSITIVE = np.arange(0x0000, 0x7C00, dtype=np.uint16)
ORDER = np.concatenate([_FINITE_NEGATIVE, _FINITE_POSITIVE]).astype(np.int64)
VALUES = ORDER.astype(np.uint16).view(np.float16).astype(np.float32)
_MINUS_ZERO, _PLUS_ZERO = len(_FINITE_NEGATIVE) - 1, len(_FINITE_NEGATIVE)


@dataclass(frozen=True, slots=True, eq=False)
class PixelSummary:
    """What the pixel metrics need of one video. B distinct scores that occur, m frames.

    Attributes:
        values: (B,) float32, ascending, distinct scores.
        positives: (B,) int64, number of anomalous pixels of each score.
        negatives: (B,) int64, number of the other pixels of each score.
        regions: (m,) float32. For a frame with anomalous pixels: the highest threshold at which 40 % of them are found.
            For any other frame: its highest score (Mahadevan et al., CVPR 2010).
        abnormal: (m,) bool, whether the frame has anomalous pixels.
    """

    values: Floats
    positives: Counts
    negatives: Counts
    regions: Floats
    abnormal: Bits


def count_scores(maps: Maps, masks: Bits) -> tuple[Counts, Counts]:
    """Histograms of scores over the 65,536 float16 bit patterns.

    Args:
        maps: (n, h, w) float16 scores.
        masks: (n, h, w) bool, True = anomalous pixel.

    Returns:
        Two (65536,) int64 histograms: of the scores of the anomalous pixels, and of the others.
    """
    bits = np.ascontiguousarray(maps).reshape(-1).view(np.uint16)
    flat = masks.reshape(-1)
    everything = np.bincount(bits, minlength=BINS)
    positive = np.bincount(bits[flat], minlength=BINS) if flat.any() else np.zeros(BINS, np.int64)
    return positive, everything - positive


def consecutive_runs(frames: Counts, longest: int) -> Iterator[tuple[int, int]]:
    """Split frame numbers into runs of consecutive ones.

    Args:
        frames: (m,) int64 frame numbers, ascending.
        longest: Longer runs are split into runs of `longest` frames.

    Yields:
        (start, stop) of each run, stop exclusive.
    """
    breaks = np.flatnonzero(np.diff(frames) != 1) + 1
    for run in np.split(frames, breaks):
        for first in range(0, len(run), longest):
            piece = run[first : first + longest]
            yield int(piece[0]), int(piece[-1]) + 1


def _region_scores(maps: Maps, masks: Bits) -> tuple[Floats, Bits]:
    """`regions` and `abnormal` of PixelSummary for (n, h, w) maps and masks."""
    values = np.zeros(len(maps), np.float32)
    abnormal: Bits = np.array([mask.any() for mask in masks], np.bool_)
    for index, (scores, mask) in enumerate(zip(maps, masks, strict=True)):
        if abnormal[index]:
            inside = scores[mask].astype(np.float32)  # partition of float16 is slow
            required = max(1, int(np.ceil(FOUND_SHARE * len(inside) - 1e-9)))
            values[index] = np.partition(inside, len(inside) - required)[len(inside) - required]
        else:
            values[index] = scores.max()
    return values, abnormal


def check_finite(key: str, maps: Maps, start: int) -> None:
    """Refuse maps with infinite or NaN scores.

    Args:
        key: The video's key, for the message.
        maps: (n, h, w) float16 scores.
        start: Frame number of the first map.

    Raises:
        DataError: A score is not finite; the message names video, frame, row and column of the first one.
    """
    bad = np.argwhere(~np.isfinite(maps))
    if len(bad):
        frame, row, column = bad[0]
        got = f"pixel score {maps[frame, row, column]} at row {row}, column {column}"
        raise DataError(problem(f"{key}, frame {start + frame}", got, "finite float16 scores (at most 65504)"))


def summarise_pixels(
    video: TestVideo, score: VideoScore, frames: Counts, size: tuple[int, int] | None = None, how: Resize = "bilinear"
) -> PixelSummary:
    """Count the pixels of a video by score and label.

    Args:
        video: A video with masks.
        score: Scores of it with pixel maps.
        frames: (m,) int64, the frames whose pixels count, ascending.
        size: (h, w) at which masks and maps are compared; None = size of the video. Masks are resized by nearest
            neighbour.
        how: How maps are resized.

    Returns:
        The counts.

    Raises:
        DataError: A score is infinite or NaN; the message names video and frame.
    """
    positives, negatives = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
    regions: list[Floats] = []
    abnormal: list[Bits] = []
    size = size or video.size
    for start, stop in consecutive_runs(frames, max(1, PIXELS_AT_ONCE // (size[0] * size[1]))):
        read = video.read_masks(start, stop)
        assert read is not None, f"{video.key}: no masks"
        given = score.read_pixels(start, stop)
        if given.shape[1:] != size:
            check_finite(video.key, given, start)  # interpolation would spread them
        maps, masks = resize_maps(given, size, how), resize_nearest(read, size)
        inside, outside = count_scores(maps, masks)
        if inside[ORDER].sum() + outside[ORDER].sum() != maps.size:
            check_finite(video.key, maps, start)
        positives += inside
        negatives += outside
        piece_regions, piece_abnormal = _region_scores(maps, masks)
        regions.append(piece_regions)
        abnormal.append(piece_abnormal)
    values, positives, negatives = _sorted_by_score(positives, negatives)
    return PixelSummary(values, positives, negatives, np.concatenate(regions), np.concatenate(abnormal))


def _sorted_by_score(positives: Counts, negatives: Counts) -> tuple[Floats, Counts, Counts]:
    """Histograms over bit patterns -> ascending distinct values that occur, and their counts."""
    both = np.stack([positives[ORDER], negatives[ORDER]])
    both[:, _PLUS_ZERO] += both[:, _MINUS_ZERO]  # one number, two bit patterns
    both[:, _MINUS_ZERO] = 0
    kept = np.flatnonzero(both.any(axis=0))
    return VALUES[kept], both[0, kept], both[1, kept]
