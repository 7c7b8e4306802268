"""Names that anomalies have in other scenes of a source, drawn as often as those scenes use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError
from lavida_gen.exposures._candidates import anomaly_names
from lavida_gen.scenes.scene import Name, Region
from lavida_gen.sources._base import Source

FEW_SCENES = 256
"""Scenes whose names are read where a source must make the whole scene for them."""
MANY_SCENES = 4096
"""Scenes whose names are read where a source overrides `annotations_without_masks`: names come cheaply there."""
TRIES = 100
"""Scenes that one call of `draw` asks for a name."""


class NamePrior:
    """The distribution of anomaly names in a split of a source, from scenes spread evenly over the split.

    Names of a scene are read when they are first drawn, and kept. What `draw` gives depends on its rng alone.
    """

    def __init__(
        self,
        source: Source,
        scenes: NDArray[np.int64],
        skip_broken: bool = False,
        readable: Callable[[Sequence[Region]], Sequence[Region]] = tuple,
    ) -> None:
        """Choose the scenes; nothing is read yet.

        Args:
            source: The source.
            scenes: Numbers of the scenes of the split, int64 (S,).
            skip_broken: Treat a broken scene as one without names. Otherwise `draw` raises its DataError.
            readable: Makes the names of a scene's regions readable.
        """
        self._readable = readable
        most = FEW_SCENES if type(source).annotations_without_masks is Source.annotations_without_masks else MANY_SCENES
        self.source, self.skip_broken = source, skip_broken
        self.scenes = scenes[np.linspace(0, len(scenes) - 1, min(most, len(scenes))).astype(np.int64)]
        self._names_of: dict[int, list[Name]] = {}

    def draw(self, rng: np.random.Generator) -> Iterator[Name]:
        """Draw up to TRIES scenes, and of each that has any, one name that an anomaly in it may have.

        Args:
            rng: The source of randomness.

        Returns:
            The names, lazily; a name may come more than once.

        Raises:
            DataError: A scene is broken, unless `skip_broken`.
        """
        for _ in range(TRIES):
            names = self._names(int(self.scenes[rng.integers(len(self.scenes))]))
            if names:
                yield names[int(rng.integers(len(names)))]

    def _names(self, number: int) -> list[Name]:
        if number not in self._names_of:
            regions = self._readable(self._regions(number))
            region_of = {text: region for region in regions for text in region.names}
            named = ((text, region_of[text]) for text in anomaly_names(regions))
            self._names_of[number] = [Name(text, region.category, synset=region.synset) for text, region in named]
        return self._names_of[number]

    def _regions(self, number: int) -> Sequence[Region]:
        try:
            return self.source.annotations_without_masks(number)
        except DataError:
            if not self.skip_broken:
                raise
            return ()  # it is counted where the scene itself is drawn
