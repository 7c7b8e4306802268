"""Scores that need no model: the floor and the ceiling that every report shows beside a method's.

One file each in baselines/; the file name is its name. ``baseline.make("centre_prior").score(video, rng)``.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from lavida_bench.videos.types import Floats, Maps, TestVideo, VideoScore
from lavida_gen.common.plugins import find, names

PACKAGE = "lavida_bench.baselines"


class Baseline(ABC):
    """A method without a model.

    Attributes:
        name: The file's name.
        about: One sentence for reports.
        reads_frames: Whether it looks at the pictures; where there are labels alone it has no number.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    reads_frames: ClassVar[bool] = False

    @abstractmethod
    def score(self, video: TestVideo, rng: np.random.Generator) -> VideoScore:
        """Score every frame of a video.

        Args:
            video: The video.
            rng: Random numbers of this video.

        Returns:
            Scores of all F frames.

        Raises:
            DataError: The baseline needs labels and the video has none.
        """


def known() -> tuple[str, ...]:
    """Names of all baselines."""
    return names(PACKAGE)


def make(name: str, allow_code: bool = False) -> Baseline:
    """Make a baseline.

    Args:
        name: Its name, or ``package.module:Class`` if code is allowed.
        allow_code: Whether ``package.module:Class`` may be imported.

    Returns:
        The baseline.

    Raises:
        UserError: The name is unknown, or code is not allowed.
    """
    baseline: Baseline = find(PACKAGE, Baseline, name, allow_code)()
    return baseline


def uniform_maps(frames: Floats) -> Callable[[int, int], Maps]:
    """Pixel maps for a method that scores frames only: each pixel has the score of its frame.

    Args:
        frames: (F,) float32 scores.

    Returns:
        (start, stop) -> (n, 1, 1) float16 maps.
    """
    return lambda start, stop: frames[start:stop, None, None].astype(np.float16)


def rng_for(seed: int, key: str) -> np.random.Generator:
    """The random numbers of one video, which do not depend on the order of the videos.

    Args:
        seed: Seed of the run.
        key: The video's key.

    Returns:
        A fresh generator.
    """
    return np.random.default_rng([seed, zlib.crc32(key.encode())])
