"""The contract of a scorer, checked on clips of noise.

Letters: T frames of a clip, N frames of all clips of a batch, K names, h w of a map.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from lavida_bench.scoring.scorer import ClipScores, Scorer, TimedScorer
from lavida_bench.videos.types import Pixels
from lavida_gen.testing.expect import expect

CLIP_LENGTH = 8
"""Frames of a clip: protocols give no others."""


def check_scorer(scorer: Scorer, size: tuple[int, int] = (48, 64), tolerance: float = 1e-3) -> None:
    """Check everything that scoring relies on in a scorer.

    Args:
        scorer: The scorer, its model loaded.
        size: (H, W) of the clips, in pixels.
        tolerance: How much logits may depend on what else is in the batch, absolutely and relatively.

    Raises:
        AssertionError: The scorer breaks its contract.
    """
    expect(scorer.name.strip(), "name is empty")
    expect(json.loads(json.dumps(dict(scorer.identity))) == dict(scorer.identity), "identity is no plain JSON")
    rng = np.random.default_rng(0)
    clips = [rng.integers(0, 256, (CLIP_LENGTH, *size, 3), dtype=np.uint8) for _ in range(2)]
    names = ("a fight", "a fire", "a bicycle")
    both = scores_of(scorer, clips, names)
    check_shapes(both, 2 * CLIP_LENGTH, len(names))
    expect(same(both, scores_of(scorer, clips, names), tolerance), "other scores for the same clips")
    for number, clip in enumerate(clips):
        alone = scores_of(scorer, [clip], names)
        check_shapes(alone, CLIP_LENGTH, len(names))
        part = slice(number * CLIP_LENGTH, (number + 1) * CLIP_LENGTH)
        close = np.allclose(alone.frames, both.frames[part], rtol=tolerance, atol=tolerance)
        expect(close, f"clip {number} alone has other scores than in a batch of two")
    if isinstance(scorer, TimedScorer):
        _check_times(scorer, clips, names, tolerance)
    first, second = (scorer.score(scorer.prepare([clip], names)) for clip in clips)
    later, sooner = second(), first()
    joined = np.concatenate([sooner.frames, later.frames])
    expect(np.allclose(joined, both.frames, rtol=tolerance, atol=tolerance), "two batches in flight are mixed up")


def _check_times(
    scorer: TimedScorer[object], clips: Sequence[Pixels], names: tuple[str, ...], tolerance: float
) -> None:
    """Clips of times of their own have the scores that each has alone; unknown times are as no times."""
    unknown = scorer.score(scorer.prepare_timed(clips, names, [None] * len(clips)))()
    expect(same(unknown, scores_of(scorer, clips, names), tolerance), "other scores for unknown times than for none")
    times = [[number / 10 for number in range(CLIP_LENGTH)], [100 + 4.0 * number for number in range(CLIP_LENGTH)]]
    both = scorer.score(scorer.prepare_timed(clips, names, times))()
    for number, clip in enumerate(clips):
        alone = scorer.score(scorer.prepare_timed([clip], names, [times[number]]))()
        part = slice(number * CLIP_LENGTH, (number + 1) * CLIP_LENGTH)
        close = np.allclose(alone.frames, both.frames[part], rtol=tolerance, atol=tolerance)
        expect(close, f"clip {number} of other times alone has other scores than in a batch of two")


def scores_of(scorer: Scorer, clips: Sequence[Pixels], names: tuple[str, ...]) -> ClipScores:
    """The scores of a batch, waited for."""
    return scorer.score(scorer.prepare(clips, names))()


def check_shapes(scores: ClipScores, frames: int, names: int) -> None:
    """Finite (N,) float32 logits; maps (N, h, w) float16 or float32 and names (N, K) float32, if there are any."""
    got = scores.frames
    expect(got.shape == (frames,) and got.dtype == np.float32, f"frames are {got.dtype} {got.shape}, of {frames}")
    expect(np.isfinite(got).all(), "a score that is not finite")
    if scores.maps is not None:
        maps = scores.maps
        halves_or_singles = maps.dtype in (np.float16, np.float32)
        expect(halves_or_singles and maps.ndim == 3, f"maps are {maps.dtype} {maps.shape}; expected float16 or float32")
        expect(len(maps) == frames and np.isfinite(maps).all(), f"maps {maps.shape} of {frames} frames, or not finite")
    if scores.names is not None:
        shape = scores.names.shape
        expect(shape == (frames, names), f"names are {shape}; expected {(frames, names)}")


def same(one: ClipScores, other: ClipScores, tolerance: float) -> bool:
    """Whether two answers agree in frame scores and maps."""
    frames = np.allclose(one.frames, other.frames, rtol=tolerance, atol=tolerance)
    if one.maps is None or other.maps is None:
        return frames and (one.maps is None) == (other.maps is None)
    return frames and np.allclose(one.maps, other.maps, rtol=tolerance, atol=tolerance)
