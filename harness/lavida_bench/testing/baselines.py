"""The contract of a baseline, checked on a drawn video."""

from __future__ import annotations

import numpy as np

from lavida_bench.baselines._base import Baseline, rng_for
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError
from lavida_gen.testing.expect import expect


def check_baseline(cls: type[Baseline]) -> None:
    """Check everything that reports rely on in a baseline.

    Args:
        cls: The class of the baseline.

    Raises:
        AssertionError: The baseline breaks its contract.
    """
    baseline = cls()
    expect(cls.name.strip() == cls.name != "", f"name is {cls.name!r}")
    expect(cls.about.strip(), "about is empty; expected one sentence")
    for frame_count in (1, 9, 70):
        video = drawn_video("drawn", frame_count, labelled=True)
        first = scores_of(baseline, video)
        expect(np.array_equal(scores_of(baseline, video).frames, first.frames), "other scores for an equal rng")
        expect(np.array_equal(scores_of(cls(), video).frames, first.frames), "other scores of a second instance")
        if first.pixels is not None:
            maps = first.read_pixels(0, frame_count)
            part = first.read_pixels(frame_count // 2, frame_count)
            expect(np.array_equal(maps[frame_count // 2 :], part), "pixel maps of a part are not those of the whole")
    try:
        scores_of(baseline, drawn_video("unlabelled", 9, labelled=False))
    except DataError as error:
        expect("unlabelled" in str(error), f"a video without labels: the message does not name it: {error}")


def scores_of(baseline: Baseline, video: TestVideo) -> VideoScore:
    """The baseline's scores of every frame of a video, of the right key and length."""
    score = baseline.score(video, rng_for(0, video.key))
    expect(score.key == video.key, f"the score's key is {score.key!r}, the video's {video.key!r}")
    expect(score.frame_count == video.frame_count, f"{score.frame_count} scores for {video.frame_count} frames")
    expect(score.scored is None or score.scored.all(), "some frames are not scored")
    return score


def drawn_video(key: str, frame_count: int, labelled: bool) -> TestVideo:
    """A video of noise, (6, 8) pixels, the middle third abnormal."""
    frames = np.random.default_rng(1).integers(0, 256, (frame_count, 6, 8, 3), dtype=np.uint8)
    numbers = np.arange(frame_count)
    labels = (numbers >= frame_count // 3) & (numbers < max(1, 2 * frame_count // 3)) if labelled else None
    return TestVideo(
        key, frame_count, (6, 8), lambda start, stop, step: frames[start:stop:step], 25.0, ("a", "b"), labels
    )
