"""Pixels counted by score in constant memory, at the precision of the maps.

Maps of float16 have 65,536 bins, one for each value: their bit patterns, sorted by the number they stand for. Memory
does not depend on the number of pixels: one piece of frames at a time and two histograms of 65,536 counters. Maps of
float32 and float64 are counted in buckets that refine themselves (see pixel_pool.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lavida_bench.protocols.areas import RankingAreas
from lavida_bench.protocols.pixel_pool import PixelPool, VideoPixels
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
        values: (B,) ascending: the distinct scores of maps of float16, else the lowest score of each group of scores.
        positives: (B,) int64, number of anomalous pixels of each score or group.
        negatives: (B,) int64, number of the other pixels of each.
        regions: (m,) float64. For a frame with anomalous pixels: the highest threshold at which 40 % of them are found.
            For any other frame: its highest score (Mahadevan et al., CVPR 2010).
        abnormal: (m,) bool, whether the frame has anomalous pixels.
        areas: The areas with the bound of their error, where `values` are groups; None where they are exact.
        uniform: Number of frames whose map has one score for all pixels.
    """

    values: Floats
    positives: Counts
    negatives: Counts
    regions: Floats
    abnormal: Bits
    areas: RankingAreas | None = None
    uniform: int = 0


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
    values = np.zeros(len(maps), np.float64)
    abnormal: Bits = np.array([mask.any() for mask in masks], np.bool_)
    for index, (scores, mask) in enumerate(zip(maps, masks, strict=True)):
        if abnormal[index]:
            inside = scores[mask].astype(np.float64)  # partition of float16 is slow
            required = max(1, int(np.ceil(FOUND_SHARE * len(inside) - 1e-9)))
            values[index] = np.partition(inside, len(inside) - required)[len(inside) - required]
        else:
            values[index] = scores.max()
    return values, abnormal


def check_finite(key: str, maps: Maps, start: int) -> None:
    """Refuse maps with infinite or NaN scores.

    Args:
        key: The video's key, for the message.
        maps: (n, h, w) scores.
        start: Frame number of the first map.

    Raises:
        DataError: A score is not finite; the message names video, frame, row and column of the first one.
    """
    bad = np.argwhere(~np.isfinite(maps))
    if len(bad):
        frame, row, column = bad[0]
        got = f"pixel score {maps[frame, row, column]} at row {row}, column {column}"
        raise DataError(problem(f"{key}, frame {start + frame}", got, f"finite scores of {maps.dtype}"))


def summarise_pixels(
    video: TestVideo,
    score: VideoScore,
    frames: Counts,
    size: tuple[int, int] | None = None,
    how: Resize = "bilinear",
    pool: PixelPool | None = None,
) -> PixelSummary:
    """Count the pixels of a video by score and label.

    Args:
        video: A video with masks.
        score: Scores of it with pixel maps.
        frames: (m,) int64, the frames whose pixels count, ascending.
        size: (h, w) at which masks and maps are compared; None = size of the video. Masks are resized by nearest
            neighbour.
        how: How maps are resized.
        pool: Gets all pixels, too.

    Returns:
        The counts.

    Raises:
        DataError: A score is infinite or NaN; the message names video and frame.
    """
    pool = PixelPool() if pool is None else pool
    size = size or video.size
    counter: _HalfPixels | VideoPixels | None = None
    regions: list[Floats] = []
    abnormal: list[Bits] = []
    uniform = 0
    for start, stop in consecutive_runs(frames, max(1, PIXELS_AT_ONCE // (size[0] * size[1]))):
        read = video.read_masks(start, stop)
        assert read is not None, f"{video.key}: no masks"
        given = score.read_pixels(start, stop)
        if not _all_finite(given):  # before interpolation spreads them
            check_finite(video.key, given, start)
        uniform += sum(_one_score(scores) for scores in given)
        maps, masks = resize_maps(given, size, how), resize_nearest(read, size)
        if counter is None:
            halves = maps.dtype == np.float16
            counter = _HalfPixels(pool) if halves else VideoPixels(pool, _any_anomalous(video, frames, size))
        counter.add(maps, masks)
        piece_regions, piece_abnormal = _region_scores(maps, masks)
        regions.append(piece_regions)
        abnormal.append(piece_abnormal)
    assert counter is not None, f"{video.key}: no frame"
    areas, values, positives, negatives = counter.finish()
    pool.videos += 1
    return PixelSummary(values, positives, negatives, np.concatenate(regions), np.concatenate(abnormal), areas, uniform)


def _one_score(scores: Maps) -> bool:
    """Whether all pixels of an (h, w) map are equal; most maps are settled by two of them."""
    return bool(scores[0, 0] == scores[-1, -1] and (scores == scores[0, 0]).all())


def _all_finite(maps: Maps) -> bool:
    """Whether all scores are finite, without an array of their number (float16: counting them is faster)."""
    if maps.dtype == np.float16:
        return bool(((np.ascontiguousarray(maps).view(np.uint16) & 0x7C00) != 0x7C00).all())
    return bool(np.isfinite(maps.min()) and np.isfinite(maps.max()))


def _any_anomalous(video: TestVideo, frames: Counts, size: tuple[int, int]) -> bool:
    """Whether any pixel of `frames` is anomalous; frames that are labelled abnormal are looked at first."""
    labels = np.zeros(video.frame_count, np.bool_) if video.frame_labels is None else video.frame_labels
    for chosen in (frames[labels[frames]], frames[~labels[frames]]):
        for start, stop in consecutive_runs(chosen, 16) if len(chosen) else ():
            masks = video.read_masks(start, stop)
            if masks is not None and resize_nearest(masks, size).any():
                return True
    return False


class _HalfPixels:
    """Counts the pixels of one video whose maps are float16, by bit pattern."""

    def __init__(self, pool: PixelPool) -> None:
        self._pool = pool
        self._counts = np.zeros((2, BINS), np.int64)

    def add(self, maps: Maps, masks: Bits) -> None:
        """Add (n, h, w) maps and masks."""
        self._counts += count_scores(maps.astype(np.float16, copy=False), masks)

    def finish(self) -> tuple[None, Floats, Counts, Counts]:
        """No areas: the counts are exact; (B,) distinct scores, anomalous and other pixels of each."""
        values, positives, negatives = _sorted_by_score(*self._counts)
        self._pool.add_counts(values, positives, negatives)
        return None, values, positives, negatives


def _sorted_by_score(positives: Counts, negatives: Counts) -> tuple[Floats, Counts, Counts]:
    """Histograms over bit patterns -> ascending distinct values that occur, and their counts."""
    both = np.stack([positives[ORDER], negatives[ORDER]])
    both[:, _PLUS_ZERO] += both[:, _MINUS_ZERO]  # one number, two bit patterns
    both[:, _MINUS_ZERO] = 0
    kept = np.flatnonzero(both.any(axis=0))
    return VALUES[kept], both[0, kept], both[1, kept]
