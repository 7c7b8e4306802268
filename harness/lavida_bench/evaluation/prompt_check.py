"""Does a model follow its prompt? The same frames scored with the anomalies' names and with names of absent things.

The names themselves contribute what the scores lose with absent names. A model that reports anything conspicuous,
whatever the prompt names, loses nothing. Paired by frame, intervals by bootstrap over videos. Letters: V videos,
F frames.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lavida_bench.metrics._bootstrap import Bootstrap, percentile_interval
from lavida_bench.videos.types import Bits, TestVideo, VideoScore
from lavida_gen.common.errors import DataError, problem

GROUPS = ("all", "abnormal", "normal")


class NoFrameError(DataError):
    """No frame has scores with both lists of names."""


@dataclass(frozen=True, slots=True)
class LogitChange:
    """Mean of (score with the names - score with absent names) over a group of frames.

    Attributes:
        frames: Number of frames in the group.
        videos: Number of videos they come from.
        value: The mean, in logits.
        low: Lower end of the 95 % interval; None for fewer than two videos.
        high: Upper end of the 95 % interval; None for fewer than two videos.
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
    """Compare scores with the names of the prompt and scores with absent names.

    Args:
        triples: (video, its score with the names, its score with absent names). A frame counts if both scored it.
        bootstrap: How intervals are made; None = the default.

    Returns:
        Group -> change: "all", and with labels also "abnormal" and "normal". A group without frames is left out.

    Raises:
        NoFrameError: No frame has both scores.
    """
    sums: dict[str, list[tuple[float, int]]] = {group: [] for group in GROUPS}
    for video, named, absent in triples:
        both = _scored_frames(named) & _scored_frames(absent)
        change = (named.frames - absent.frames).astype(np.float64)
        groups = {"all": both}
        if video.frame_labels is not None:
            groups["abnormal"] = both & video.frame_labels
            groups["normal"] = both & ~video.frame_labels
        for group, frames in groups.items():
            if frames.any():
                sums[group].append((float(change[frames].sum()), int(frames.sum())))
    if not sums["all"]:
        raise NoFrameError(problem("prompt check", "no frame is scored with both lists of names", "at least one"))
    return {group: _mean_change(np.array(rows), bootstrap or Bootstrap()) for group, rows in sums.items() if rows}


def _scored_frames(score: VideoScore) -> Bits:
    return np.ones(score.frame_count, np.bool_) if score.scored is None else score.scored


def _mean_change(rows: NDArray[np.float64], bootstrap: Bootstrap) -> LogitChange:
    """The mean over (V, 2) sums and numbers of frames."""
    total, frames = rows.sum(axis=0)
    low = high = None
    if len(rows) > 1 and bootstrap.resamples:
        drawn = bootstrap.weights(len(rows)) @ rows
        low, high, _ = percentile_interval(drawn[:, 0] / drawn[:, 1])
    return LogitChange(int(frames), len(rows), float(total / frames), low, high)
