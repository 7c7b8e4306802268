"""What anomalies are called in other scenes of a source, as often as they are called so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError
from lavida_gen.exposures._candidates import anomaly_names
from lavida_gen.scenes.scene import Name, Region
from lavida_gen.sources._base import Source

FEW, MANY = 256, 4096
"""Scenes whose names are asked for: where that costs a whole scene, and where the source knows a cheaper way."""
TRIES = 100


class Elsewhere:
    """Names of scenes spread over a split, read when they are first drawn and kept. Pure in the rng handed to it.

    With `drop` a broken scene counts as one without names: it is no fault of the sample that asks. Without, `draw`
    raises its DataError.
    """

    def __init__(self, source: Source, scenes: NDArray[np.int64], drop: bool = False) -> None:
        most = FEW if type(source).annotations_without_masks is Source.annotations_without_masks else MANY
        self.source, self.drop = source, drop
        self.scenes = scenes[np.linspace(0, len(scenes) - 1, min(most, len(scenes))).astype(np.int64)]
        self._known: dict[int, list[Name]] = {}

    def draw(self, rng: np.random.Generator) -> Iterator[Name]:
        """For each of up to TRIES scenes one name that an anomaly in it may have; each of them as likely."""
        for _ in range(TRIES):
            names = self._names(int(self.scenes[rng.integers(len(self.scenes))]))
            if names:
                yield names[int(rng.integers(len(names)))]

    def _names(self, number: int) -> list[Name]:
        if number not in self._known:
            regions = self._cast(number)
            kinds = {text: region.category for region in regions for text in region.names}
            self._known[number] = [Name(text, kinds[text]) for text in anomaly_names(regions)]
        return self._known[number]

    def _cast(self, number: int) -> Sequence[Region]:
        try:
            return self.source.annotations_without_masks(number)
        except DataError:
            if not self.drop:
                raise
            return ()  # counted where the scene itself is drawn
