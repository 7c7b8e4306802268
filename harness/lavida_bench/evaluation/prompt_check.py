"""Does a model follow its prompt? The same frames scored with the anomalies' names and with names of absent things.

What falls is what the names themselves bring; a model that finds anything conspicuous, whatever is asked for, does
not fall. Paired by frame, intervals by bootstrap over videos. Letters: V videos, F frames.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lavida_bench.metrics._bootstrap import Bootstrap, interval
from lavida_bench.videos.types import Bits, TestVideo, VideoScore
from lavida_gen.common.errors import DataError, problem

WHICH = ("all", "abnormal", "normal")


class NoFrameError(DataError):
    """No frame has scores with both lists of names."""


@dataclass(frozen=True, slots=True)
class LogitChange:
    """Mean of (score with the names - score with absent names), in logits, over some frames.

    low, high  95 % interval; None for fewer than two videos
    """

    frames: int
    videos: int
    value: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        text = f"{self.value:+.3f}"
        return text if self.low is None else f"{text} [{self.low:+.3f}, {self.high:+.3f}]"


def logit_changes(
    triples: Iterable[tuple[TestVideo, VideoScore, VideoScore]], bootstrap: Bootstrap | None = None
) -> dict[str, LogitChange]:
    """Falls over all frames and, where there are labels, over the abnormal and the normal ones.

    Frames that either score lacks are left out. Raises NoFrameError if none is left.
    """
    sums: dict[str, list[tuple[float, int]]] = {which: [] for which in WHICH}
    for video, named, absent in triples:
        both = _scored(named) & _scored(absent)
        change = (named.frames - absent.frames).astype(np.float64)
        kept = {"all": both}
        if video.frame_labels is not None:
            kept |= {"abnormal": both & video.frame_labels, "normal": both & ~video.frame_labels}
        for which, frames in kept.items():
            if frames.any():
                sums[which].append((float(change[frames].sum()), int(frames.sum())))
    if not sums["all"]:
        raise NoFrameError(problem("prompt check", "no frame is scored with both lists of names", "at least one"))
    return {which: _fall(np.array(rows), bootstrap or Bootstrap()) for which, rows in sums.items() if rows}


def _scored(score: VideoScore) -> Bits:
    return np.ones(score.frame_count, np.bool_) if score.scored is None else score.scored


def _fall(rows: NDArray[np.float64], bootstrap: Bootstrap) -> LogitChange:
    """Of (V, 2) sums and numbers of frames."""
    total, frames = rows.sum(axis=0)
    low = high = None
    if len(rows) > 1 and bootstrap.resamples:
        drawn = bootstrap.weights(len(rows)) @ rows
        low, high, _ = interval(drawn[:, 0] / drawn[:, 1])
    return LogitChange(int(frames), len(rows), float(total / frames), low, high)
