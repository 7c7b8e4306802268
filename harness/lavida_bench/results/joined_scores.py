"""One array of scores over all videos, cut in the benchmark's order; its length alone confirms it, so it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lavida_bench.results.expansion import (
    LONGEST_SNIPPET,
    MOST_MISSING,
    USUAL,
    Expansion,
    Lengths,
    only_pattern,
    parse,
    segment_tries,
)
from lavida_bench.results.matlab_scores import unwrapped
from lavida_bench.results.score_formats import Array
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, problem

Joined = Array
"""(n,) scores of all videos, or (V,) objects, an array of scores for each of V videos."""
Content = Mapping[str, Array]
"""Arrays by name, as `score_formats` gives them."""
CLIPS = (8, 16, 32, 64)
"""Lengths of clips that people fill up or cut: of one array alone, any other number would fit by chance."""
SHOWN = 5  # videos listed in the sentence


def split_joined(
    scores: Joined, path: Path, videos: Sequence[TestVideo], expand: str
) -> tuple[dict[str, Content], tuple[str, ...]]:
    """Cut one array over all videos, in the benchmark's order.

    Args:
        scores: The array, or one for each video.
        path: Its file, for messages.
        videos: The test videos, in the benchmark's order.
        expand: `--expand`.

    Returns:
        Key of a video -> its scores as "frames", and a sentence that shows the order.

    Raises:
        UserError: There is no such pattern.
        DataError: No pattern gives the array's length, or several that give different frames.
    """
    flat = scores.reshape(-1) if scores.size == max(scores.shape, default=0) else scores
    if scores.dtype == np.object_ and all(isinstance(cell, np.ndarray) for cell in flat):
        return _cells(flat.reshape(-1), path, videos)
    if flat.ndim != 1:
        raise DataError(problem(path, f"{scores.dtype} {scores.shape}", "(n,) scores of all videos"))
    expansion = _choose(expand, len(flat), [Lengths(v.key, 0, v.frame_count) for v in videos], path)
    counts = [expansion.scores(video.frame_count) for video in videos]
    pieces = np.split(flat, np.cumsum(counts)[:-1])
    what = f"one array of {len(flat):,} scores over {len(videos)} videos"
    return {video.key: {"frames": piece} for video, piece in zip(videos, pieces, strict=True)}, (
        f"{path.name} is {what}, in this order: {_order(videos, counts)}",
    )


def _cells(cells: Array, path: Path, videos: Sequence[TestVideo]) -> tuple[dict[str, Content], tuple[str, ...]]:
    """Arrays of scores by video, in the benchmark's order. Raises DataError."""
    if len(cells) != len(videos):
        got = f"{len(cells)} lists of scores"
        raise DataError(problem(path, got, f"{len(videos)}, one for each video, in the benchmark's order"))
    arrays = [unwrapped(np.asarray(cell)) for cell in cells]
    if not all(isinstance(array, np.ndarray) for array in arrays):
        raise DataError(problem(path, "cells of structs", "cells of numbers, one for each video"))
    found = {video.key: {"frames": np.asarray(array)} for video, array in zip(videos, arrays, strict=True)}
    order = _order(videos, [content["frames"].size for content in found.values()])
    return dict(found), (f"{path.name} is a list of scores for each of {len(videos)} videos, in this order: {order}",)


def _order(videos: Sequence[TestVideo], counts: Sequence[int]) -> str:
    """The first videos with their numbers of scores."""
    shown = ", ".join(f"{video.key} ({count})" for video, count in list(zip(videos, counts, strict=True))[:SHOWN])
    return shown + (", ..." if len(videos) > SHOWN else "")


def _choose(option: str, total: int, lengths: Sequence[Lengths], where: object) -> Expansion:
    """The pattern with which the videos have `total` scores together. Raises UserError, DataError."""
    frames = [one.frames for one in lengths]
    tries = parse(option)
    if tries is None:
        less, rest = divmod(sum(frames) - total, len(frames))
        missing = less if rest == 0 and 0 < less <= MOST_MISSING else 0
        tries = (
            Expansion("frames"), *segment_tries(total // len(frames), frames),
            *(Expansion(kind, n) for kind in ("short", "dropped") for n in range(2, LONGEST_SNIPPET + 1)),
            *(Expansion(kind, n) for kind in ("padded", "clips") for n in CLIPS),
            *(Expansion(kind, missing) for kind in ("first", "last") if missing),
            *(Expansion(kind) for kind in ("drop-first", "drop-last")),
        )  # fmt: skip
    fitting = [e for e in tries if sum(map(e.scores, frames)) == total and all(e.scores(f) > 0 for f in frames)]
    if fitting and fitting[0].kind == "frames":
        return fitting[0]
    if not fitting:
        got = f"{total:,} scores for {len(frames)} videos of {sum(frames):,} frames"
        todo = (
            "one array must hold the scores of all videos at hand, in the benchmark's order; or give a file per video"
        )
        raise DataError(problem(where, got, f"{sum(frames):,}, or one score for every N frames", todo))
    whole = [Lengths(one.key, fitting[0].scores(one.frames), one.frames) for one in lengths]
    return only_pattern(_distinct(fitting, lengths), whole, where)


def _distinct(found: Sequence[Expansion], lengths: Sequence[Lengths]) -> list[Expansion]:
    """As `expansion.distinct`, for patterns that give the videos other numbers of scores."""
    kept: dict[bytes, Expansion] = {}
    for expansion in sorted(found, key=lambda e: (e.kind, e.number) not in USUAL):
        counts = [expansion.scores(one.frames) for one in lengths]
        starts = np.cumsum([0, *counts[:-1]])
        places = [s + expansion.index(n, one.frames) for s, n, one in zip(starts, counts, lengths, strict=True)]
        kept.setdefault(np.concatenate(places).tobytes(), expansion)
    return list(kept.values())
