"""The plan of a corpus: sample number -> source, scene, exposure, rng. Pure, with random access.

Sample i depends on (recipe, i) and the data alone: not on other samples, workers or time. With `prompts_per_scene`
samples in a row share the scene that is drawn for the first of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from lavida_gen.common.errors import DataError, UserError
from lavida_gen.common.extras import require
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.sampling.draws import sample_draws
from lavida_gen.sampling.open_source import OpenSource, open_sources
from lavida_gen.sampling.parts import KINDS, SPLITS, CorpusPart, ShardRange, Split, cut_into_shards
from lavida_gen.scenes.evidence import Use
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Kind, Scene

SCENES_PER_EXPOSURE = 12
"""Scenes that an exposure is tried on before another exposure is drawn: `swap` can do nothing without categories."""


class WeightedExposure(NamedTuple):
    """An exposure of the recipe with its name and weight there."""

    name: str
    weight: float
    exposure: Exposure


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """All random decisions for one attempt at a sample that are made before the exposure begins.

    Attributes:
        index: Number of the sample in the corpus.
        split: Split that the sample belongs to.
        opened: The source of its scene.
        number: Number of its scene in the source.
        exposure_name: Name of the exposure in the recipe.
        exposure: The exposure.
        task: What the exposure is asked for.
    """

    index: int
    split: Split
    opened: OpenSource
    number: int
    exposure_name: str
    exposure: Exposure
    task: ExposureTask

    def scene(self) -> Scene:
        """Read the scene.

        Returns:
            The scene.

        Raises:
            DataError: A file of the scene is missing or broken.
        """
        return self.opened.scene(self.number)

    def expose(self, scene: Scene) -> Draft | Rejection:
        """Apply the exposure to the scene.

        Args:
            scene: What `scene()` returned.

        Returns:
            The sample before augmentation, or the reason why the scene is rejected.
        """
        return self.exposure.expose(scene, self.task)


@dataclass
class SamplePlanner:
    """A recipe with its data open: plans every sample. Opened once in each process.

    Attributes:
        recipe: The recipe.
        sources: Its sources, open.
        exposures: Its exposures with their weights.
        parts: The parts of the corpus, which together hold samples 0 to `recipe.samples - 1`.
    """

    recipe: CorpusRecipe
    sources: list[OpenSource]
    exposures: list[WeightedExposure]
    parts: tuple[CorpusPart, ...]
    _source_weights: dict[tuple[Kind, Split], list[float]] = field(default_factory=dict)
    _fitting: dict[tuple[Kind, bool], list[WeightedExposure]] = field(default_factory=dict)

    @property
    def uses(self) -> list[Use]:
        """What may be done with the pictures of each source."""
        return [opened.use for opened in self.sources]

    @cached_property
    def originals(self) -> dict[str, str]:
        """The data sets' own wordings of names that were made readable, those of the first source first."""
        return {text: raw for opened in reversed(self.sources) for text, raw in opened.names.originals.items()}

    @classmethod
    def open(cls, recipe: CorpusRecipe) -> SamplePlanner:
        """Open every source of a recipe.

        Args:
            recipe: The recipe.

        Returns:
            The planner.

        Raises:
            DataError: The data of a source are missing or broken; the message names the entry of the recipe.
            UserError: No exposure of the recipe fits, or a split has no scene.
        """
        if recipe.augmentations:
            require("albumentations", "augmentations")
        sources = open_sources(recipe)
        exposures = [
            WeightedExposure(entry.name, entry.weight, entry.find_class()(entry.options)) for entry in recipe.exposures
        ]
        planner = cls(recipe, sources, exposures, _corpus_parts(recipe, sources))
        for part in planner.parts:
            planner._check(part)
        return planner

    def notes(self) -> Iterator[str]:
        """What users should know about the names of the sources: entries of class lists that name nothing."""
        for number, opened in enumerate(self.sources):
            if opened.names.left_out:
                names = ", ".join(map(repr, opened.names.left_out))
                verb = "names" if len(opened.names.left_out) == 1 else "name"
                yield (
                    f"sources[{number}] ({opened.name}): {names} {verb} nothing: never an anomaly, never listed; "
                    "`keep_names` keeps them"
                )

    def _check(self, part: CorpusPart) -> None:
        if not self._cumulative_weights(part)[-1]:
            raise UserError(
                f"val: no {part.kind} scene is left for split {part.split!r}; give more scenes, or set val to 0"
            )
        ratio = self.recipe.anomaly_ratio
        if ratio > 0 and not self._fitting_exposures(part.kind, True):
            todo = "add one (such as relabel) or set anomaly_ratio to 0"
            raise UserError(f"exposures: none of them makes an anomaly from {part.kind} scenes; {todo}")
        if ratio < 1 and not self._fitting_exposures(part.kind, False):
            todo = "add one (such as absent) or set anomaly_ratio to 1"
            raise UserError(f"exposures: none of them makes samples without an anomaly from {part.kind} scenes; {todo}")

    def part_of(self, index: int) -> CorpusPart:
        """Find the part that a sample belongs to.

        Args:
            index: Number of the sample.

        Returns:
            The part.

        Raises:
            UserError: The corpus has no such sample.
        """
        for part in self.parts:
            if part.start <= index < part.start + part.count:
                return part
        raise UserError(f"sample {index}: the corpus has samples 0 to {self.recipe.samples - 1}")

    def ranges(self) -> Iterator[ShardRange]:
        """Cut the corpus into shards.

        Returns:
            The ranges of sample numbers of all shards, in order.
        """
        return cut_into_shards(self.parts, self.recipe.shard.samples)

    def spec(self, index: int, retry: int, part: CorpusPart | None = None) -> SampleSpec:
        """Plan an attempt at a sample.

        Source, exposure and whether there is an anomaly are drawn once for the sample, so that rejected scenes do not
        shift the recipe's shares; a retry draws only the scene anew. After every SCENES_PER_EXPOSURE scenes another
        exposure is drawn, until all had their turn: some sources have nothing for some exposures.

        Args:
            index: Number of the sample.
            retry: 0 for the first attempt, 1 for the next, ...
            part: The part that the sample belongs to, if the caller knows it.

        Returns:
            The plan of the attempt.

        Raises:
            UserError: The corpus has no such sample.
        """
        part = part or self.part_of(index)
        seed = self.recipe.seed
        scene_index = index - (index - part.start) % self.recipe.prompts_per_scene
        draws = sample_draws(seed, index)
        exposed = draws.outcome < self.recipe.anomaly_ratio
        draws_of_scene = draws if scene_index == index else sample_draws(seed, scene_index)
        opened = self.sources[_weighted_choice(draws_of_scene.source, self._cumulative_weights(part))]
        chosen = self._exposure(part.kind, exposed, index, retry // SCENES_PER_EXPOSURE)
        rng = self._rng(scene_index, retry)
        scenes = opened.scenes[part.split]
        number = int(scenes[rng.integers(len(scenes))])
        if scene_index != index:
            rng = self._rng(index, retry)
        task = ExposureTask(
            exposed=exposed,
            rng=rng,
            vocabulary=opened.vocabulary,
            max_names=opened.max_names,
            limits=self.recipe.limits,
            other_scene=lambda rng: self._other_scene(rng, part),
            name_prior=opened.name_priors[part.split].draw,
            accepts=opened.absence.accepts,
        )
        return SampleSpec(index, part.split, opened, number, chosen.name, chosen.exposure, task)

    def _rng(self, index: int, retry: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence((self.recipe.seed, index, retry))))

    def _other_scene(self, rng: np.random.Generator, part: CorpusPart) -> Scene:
        """A random scene of the part. Draws anew after a broken one, if the recipe drops those. Raises DataError."""
        tries = 0
        while True:
            opened = self.sources[_weighted_choice(float(rng.random()), self._cumulative_weights(part))]
            scenes = opened.scenes[part.split]
            try:
                return replace(opened.other_scene(int(scenes[rng.integers(len(scenes))])), use=opened.use)
            except DataError:
                tries += 1
                if self.recipe.broken == "stop" or tries == SCENES_PER_EXPOSURE:
                    raise

    def _exposure(self, kind: Kind, exposed: bool, index: int, turn: int) -> WeightedExposure:
        """The exposure of a sample in turn 0, 1, ...: drawn by weight from those that had no turn yet."""
        remaining = list(self._fitting_exposures(kind, exposed))
        for draw in range(turn % len(remaining) + 1):
            weights = list(accumulate(entry.weight for entry in remaining))
            chosen = remaining.pop(_weighted_choice(sample_draws(self.recipe.seed, index, draw).exposure, weights))
        return chosen

    def _fitting_exposures(self, kind: Kind, exposed: bool) -> list[WeightedExposure]:
        """Exposures that can make such an outcome from scenes of such a kind."""
        if (kind, exposed) not in self._fitting:
            self._fitting[kind, exposed] = [
                entry for entry in self.exposures if exposed in entry.exposure.outcomes and kind in entry.exposure.kinds
            ]
        return self._fitting[kind, exposed]

    def _cumulative_weights(self, part: CorpusPart) -> list[float]:
        """Weights of the sources in a part, summed up; a source without a scene for the part adds nothing."""
        kind, split = part.kind, part.split
        if (kind, split) not in self._source_weights:
            weights = (
                opened.weight if opened.source.kind == kind and len(opened.scenes[split]) else 0.0
                for opened in self.sources
            )
            self._source_weights[kind, split] = list(accumulate(weights))
        return self._source_weights[kind, split]


def _weighted_choice(draw: float, cumulative_weights: Sequence[float]) -> int:
    """An index 0..len-1, chosen by a random number in [0, 1); never one whose weight is zero."""
    return bisect_right(cumulative_weights, min(draw, 1 - 2**-53) * cumulative_weights[-1])


def _corpus_parts(recipe: CorpusRecipe, sources: Sequence[OpenSource]) -> tuple[CorpusPart, ...]:
    """Divide the sample numbers among kinds by the weights of their sources, and among splits by `val`."""
    total = sum(opened.weight for opened in sources)
    clips = round(recipe.samples * sum(opened.weight for opened in sources if opened.source.kind == "clip") / total)
    parts, start = [], 0
    for kind, count in zip(KINDS, (recipe.samples - clips, clips), strict=True):
        held_out = round(count * recipe.val)
        for split, size in zip(SPLITS, (count - held_out, held_out), strict=True):
            if size:
                parts.append(CorpusPart(kind, split, start, size))
            start += size
    return tuple(parts)
