"""The base of all exposures: ways to declare something in a scene the anomaly (or nothing).

To add one, write `exposures/NAME.py` with one subclass of Exposure; tests/gen/test_exposures.py finds and tests it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Generic

import numpy as np
from pydantic import Field
from typing_extensions import TypeVar

from lavida_gen.common.strict_model import StrictModel
from lavida_gen.names.vocabulary import Vocabulary, accept_every_name
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Kind, Name, Scene


class ExposureOptions(StrictModel):
    """Options of an exposure, as written below `exposures:` in a recipe; each with a description."""


OptionsT_co = TypeVar("OptionsT_co", bound=ExposureOptions, covariant=True, default=ExposureOptions)


class Limits(StrictModel):
    """How large and how visible an anomaly must be."""

    min_area: float = Field(default=0.0005, ge=0, le=1, description="least share of a frame it covers where visible")
    max_area: float = Field(default=0.8, gt=0, le=1, description="largest share of a frame it covers")
    min_pixels: int = Field(default=32, ge=1, description="least pixels it covers in a frame where it is visible")
    min_visible: float = Field(default=0.5, gt=0, le=1, description="least share of a clip's frames that show it")


def _no_names(rng: np.random.Generator) -> Iterator[Name]:
    return iter(())


@dataclass(frozen=True, slots=True)
class ExposureTask:
    """What an exposure is asked for, apart from the scene.

    Attributes:
        exposed: Whether the sample must show an anomaly (already drawn by `anomaly_ratio`).
        rng: The only source of randomness.
        vocabulary: Names of the scene's source, to draw negatives from.
        max_names: Most names that the prompt may list (the paper's n_anomalies).
        limits: What is too small, too large or visible in too few frames to be an anomaly.
        other_scene: Draws another scene of the same split and kind (for pastes); depends on its rng alone.
        name_prior: Draws names of anomalies in other scenes of the same source, as often as those use them.
        accepts: Whether a name has the evidence that the recipe asks for (`absent_evidence`), so that it may be listed
            as absent. `vocabulary` gives no other names.
    """

    exposed: bool
    rng: np.random.Generator
    vocabulary: Vocabulary
    max_names: int
    limits: Limits
    other_scene: Callable[[np.random.Generator], Scene]
    name_prior: Callable[[np.random.Generator], Iterator[Name]] = _no_names
    accepts: Callable[[Name], bool] = accept_every_name


class Exposure(ABC, Generic[OptionsT_co]):
    """One way to make an anomaly, or to show a scene without one.

    Attributes:
        Options: The type of its options.
        outcomes: {True}: always makes an anomaly; {False}: never; both: does what `task.exposed` asks for.
        kinds: Kinds of scenes that it can work on.
        makes_anomalies: Whether the anomaly is made (pasted, moved, drawn) instead of annotated by the data set.
        borrows: Whether samples contain pixels of other scenes, of any source of the recipe (it sets `Draft.credit`).
        options: The options that the recipe gives it.
    """

    Options: ClassVar[type[ExposureOptions]] = ExposureOptions
    outcomes: ClassVar[frozenset[bool]]
    kinds: ClassVar[frozenset[Kind]] = frozenset({"image", "clip"})
    makes_anomalies: ClassVar[bool] = False
    borrows: ClassVar[bool] = False

    def __init__(self, options: OptionsT_co) -> None:
        self.options = options

    @abstractmethod
    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """Make a sample of a scene.

        Args:
            scene: The scene; its frames are only decoded where they are asked for.
            task: What is asked for. `task.rng` is the only source of randomness.

        Returns:
            The sample before augmentation, with `exposed == task.exposed`, or the reason why the scene is rejected.

        Raises:
            DataError: A file of the scene, or of another scene that it asks for, is broken.
        """
