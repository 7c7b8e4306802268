"""Times of a clip's frames, as language models take them: seconds after the first frame.

The families were trained on whole videos from their first frame on, and samples of a corpus begin at 0, too: a clip
from the middle of a long video is given to the model as if it began at 0.

Letters: T frames of a clip.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

LONGEST = 1e9
"""Seconds of a clip, 31 years: whole numbers of that size are exact as positions."""
ROUNDED_UP = 1 + 1e-5
"""The family rounds positions down: times that a corpus rounds to 6 digits must not fall below a whole number."""


def are_valid(seconds: Sequence[float]) -> bool:
    """Return whether numbers can be the times of a clip's frames: finite, never going down, within `LONGEST`.

    Args:
        seconds: T numbers.
    """
    rising = all(before <= after for before, after in pairwise(seconds))
    return rising and all(map(math.isfinite, seconds)) and (not seconds or seconds[-1] - seconds[0] <= LONGEST)


def valid_or_unknown(seconds: Iterable[float] | None) -> tuple[float, ...] | None:
    """Return times that a file or a camera states; None, unknown, where they cannot be right.

    Args:
        seconds: T numbers; None = unknown.
    """
    times = None if seconds is None else tuple(map(float, seconds))
    return times if times is not None and are_valid(times) else None


def grid_times(seconds: Sequence[float], temporal: int) -> list[float]:
    """Compute the time of each temporal patch: the mean of its first and last frame, as Qwen3-VL's own processor.

    Args:
        seconds: T times; the last frame fills the last patch.
        temporal: Frames of a patch.

    Returns:
        ceil(T / temporal) seconds after the first frame.
    """
    times = [round(second - seconds[0], 6) for second in seconds]  # one text wherever in the video
    times += times[-1:] * (-len(times) % temporal)
    return [(times[start] + times[start + temporal - 1]) / 2 for start in range(0, len(times), temporal)]


def grid_interval(seconds: Sequence[float], temporal: int) -> float:
    """Compute the mean time from one temporal patch to the next, Qwen2.5-VL's `second_per_grid_ts`.

    Args:
        seconds: T times. A frame at the time of the one before repeats it, to fill a clip, and counts as none.
        temporal: Frames of a patch.

    Returns:
        Seconds; 0.0 where no time passes.
    """
    steps = sum(after > before for before, after in pairwise(seconds))
    return ROUNDED_UP * temporal * (seconds[-1] - seconds[0]) / steps if steps else 0.0
