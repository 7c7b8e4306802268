"""Scores that anybody can have: the floor and the ceiling that every report shows beside a method's.

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

    name   the file's name;  about  one sentence for reports
    """

    name: ClassVar[str]
    about: ClassVar[str]

    @abstractmethod
    def score(self, video: TestVideo, rng: np.random.Generator) -> VideoScore:
        """Scores every frame of a video. Raises DataError if it needs labels that the video does not have."""


def known() -> tuple[str, ...]:
    """Names of all baselines."""
    return names(PACKAGE)


def make(name: str, allow_code: bool = False) -> Baseline:
    """A baseline, by name, or by ``package.module:Class`` if code is allowed. Raises UserError."""
    baseline: Baseline = find(PACKAGE, Baseline, name, allow_code)()
    return baseline


def uniform_maps(frames: Floats) -> Callable[[int, int], Maps]:
    """Pixel maps of 1 x 1 for (F,) frame scores: telling when is not taken for where."""
    return lambda start, stop: frames[start:stop, None, None].astype(np.float16)


def rng_for(seed: int, key: str) -> np.random.Generator:
    """The generator of one video: of the seed and its key only, so that the order of the videos does not matter."""
    return np.random.default_rng([seed, zlib.crc32(key.encode())])
