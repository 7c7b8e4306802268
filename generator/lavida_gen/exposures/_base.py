"""The base of all exposures: one way to declare something in a scene the anomaly (or nothing).

To add one, write `exposures/NAME.py` with one subclass of Exposure; tests/gen/test_exposures.py finds it by itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from lavida_gen.common.strict_model import StrictModel
from lavida_gen.names.vocabulary import Vocabulary
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Kind, Name, Scene


class ExposureOptions(StrictModel):
    """Options of an exposure, as written below `exposures:` in a recipe; each with a description."""


class Limits(StrictModel):
    """What an anomaly must look like to be one."""

    min_area: float = Field(default=0.0005, ge=0, le=1, description="least share of a frame it covers where visible")
    max_area: float = Field(default=0.8, gt=0, le=1, description="largest share of a frame it covers")
    min_pixels: int = Field(default=32, ge=1, description="least pixels it covers in a frame where it is visible")
    min_visible: float = Field(default=0.5, gt=0, le=1, description="least share of a clip's frames that show it")


def _none(rng: np.random.Generator) -> Iterator[Name]:
    return iter(())


@dataclass(frozen=True, slots=True)
class Task:
    """What an exposure gets beside the scene.

    exposed     whether the sample must show an anomaly (already drawn by anomaly_ratio)
    rng         the one source of chance
    vocabulary  names of the scene's source, to draw negatives from
    names       most names a prompt may list (the paper's n_anomalies)
    limits      what is too small, too large or too rarely seen
    other       draws another scene of the same split and kind (for pastes); pure in the rng handed to it
    likely      draws names that anomalies of other scenes of the same source have, as often as those have them
    """

    exposed: bool
    rng: np.random.Generator
    vocabulary: Vocabulary
    names: int
    limits: Limits
    other: Callable[[np.random.Generator], Scene]
    likely: Callable[[np.random.Generator], Iterator[Name]] = _none


class Exposure(ABC):
    """One way to make an anomaly, or to show a scene without one."""

    Options: ClassVar[type[ExposureOptions]] = ExposureOptions
    outcomes: ClassVar[frozenset[bool]]
    """{True}: always makes an anomaly; {False}: never; both: does as `task.exposed` says."""
    kinds: ClassVar[frozenset[Kind]] = frozenset({"image", "clip"})
    """Kinds of scenes it can work on."""
    borrows: ClassVar[bool] = False
    """Whether pixels of other scenes, of any source of the recipe, get into samples (it then sets `Draft.credit`)."""

    def __init__(self, options: Any) -> None:
        self.options = options

    @abstractmethod
    def expose(self, scene: Scene, task: Task) -> Draft | Rejection:
        """The scene as a sample, or the reason why it can not be one. `Draft.exposed == task.exposed`."""
