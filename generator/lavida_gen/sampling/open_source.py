"""Sources of a recipe as a process uses them: opened, with their scenes divided into train and val."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError, UserError
from lavida_gen.common.findings import under_stop
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.names.vocabulary import Vocabulary
from lavida_gen.sampling.absence import AbsenceRules
from lavida_gen.sampling.name_prior import NamePrior
from lavida_gen.sampling.parts import Split
from lavida_gen.sampling.readable_names import ReadableNames
from lavida_gen.scenes.evidence import Use
from lavida_gen.scenes.scene import Scene
from lavida_gen.sources._base import Source

SplitScenes = dict[Split, NDArray[np.int64]]
"""Numbers of a source's scenes in each split, int64 (S,)."""


@dataclass(slots=True)
class OpenSource:
    """A source of the recipe with its data open.

    Attributes:
        name: Name of the source in the recipe.
        source: The source itself.
        weight: Its weight in the recipe.
        max_names: Most names in a prompt of its samples.
        names: The names of the source, readable.
        absence: What may be listed as absent from its scenes.
        vocabulary: The names that may be.
        scenes: Numbers of its scenes in each split, int64 (S,).
        name_priors: For each split the names of anomalies in its scenes.
        use: What may be done with its pictures.
    """

    name: str
    source: Source
    weight: float
    max_names: int
    names: ReadableNames
    absence: AbsenceRules
    vocabulary: Vocabulary
    scenes: SplitScenes
    name_priors: dict[Split, NamePrior]
    use: Use
    _last: tuple[int, Scene] | None = None

    def scene(self, number: int) -> Scene:
        """Read or draw a scene, with readable names; samples in a row that share it read it once.

        Args:
            number: Number of the scene, 0 to `len(source) - 1`.

        Returns:
            The scene.

        Raises:
            DataError: A file of the scene is missing or broken.
        """
        if self._last is None or self._last[0] != number:
            self._last = number, self.other_scene(number)
        return self._last[1]

    def other_scene(self, number: int) -> Scene:
        """As `scene`, for a scene that another one borrows from.

        Args:
            number: Number of the scene.

        Returns:
            The scene.

        Raises:
            DataError: A file of the scene is missing or broken.
        """
        scene, allowed = self.names.scene(self.source.scene(number)), self.absence.may_be_anomaly
        if not self.absence.restricts_anomalies or all(allowed(region.category) for region in scene.regions):
            return scene
        regions = (region if allowed(region.category) else replace(region, candidate=False) for region in scene.regions)
        return replace(scene, regions=tuple(regions))


def open_sources(recipe: CorpusRecipe) -> list[OpenSource]:
    """Open every source of a recipe and divide its scenes into train and val.

    Args:
        recipe: The recipe.

    Returns:
        The sources in the order of the recipe.

    Raises:
        DataError: The data of a source are missing or broken, or a source has no scene; the message names its entry.
    """
    sources = [_open_entry(number, recipe) for number in range(len(recipe.sources))]
    names = [ReadableNames(source, entry, recipe) for source, entry in zip(sources, recipe.sources, strict=True)]
    rules = [_absence_rules(number, sources[number], names[number], recipe) for number in range(len(sources))]
    return [
        OpenSource(
            name=entry.name,
            source=source,
            weight=entry.weight,
            max_names=entry.names_per_prompt or recipe.names_per_prompt,
            names=names[number],
            absence=rules[number],
            vocabulary=rules[number].vocabulary([*names[:number], *names[number + 1 :]]),
            scenes=scenes,
            name_priors={
                split: NamePrior(source, numbers, recipe.broken == "drop", names[number].regions)
                for split, numbers in scenes.items()
            },
            use=source.rights().use,
        )
        for number, (entry, source, scenes) in enumerate(
            zip(recipe.sources, sources, _split_scenes(sources, recipe), strict=True)
        )
    ]


def _absence_rules(number: int, source: Source, names: ReadableNames, recipe: CorpusRecipe) -> AbsenceRules:
    entry = recipe.sources[number]
    try:
        return AbsenceRules(source, names, entry, entry.absent_evidence or recipe.absent_evidence)
    except UserError as error:
        raise UserError(f"sources[{number}] ({entry.name}): {error}") from error


def _open_entry(number: int, recipe: CorpusRecipe) -> Source:
    entry = recipe.sources[number]
    try:
        source = entry.find_class()(entry.options)
    except DataError as error:
        raise DataError(f"sources[{number}] ({entry.name}): {error}") from error
    if recipe.broken == "stop" and (left_out := list(under_stop(source.left_out()))):
        raise DataError("\n".join(f"sources[{number}] ({entry.name}): {finding.text}" for finding in left_out))
    if not len(source):
        raise DataError(f"sources[{number}] ({entry.name}): has no scene; check its split and options")
    return source


def _split_scenes(sources: Sequence[Source], recipe: CorpusRecipe) -> list[SplitScenes]:
    """Give each group of scenes (a photo, a video) to one split, over all sources together.

    A group is held out if its random number falls below `val`. A small source that would have nothing to hold out (or
    nothing left) gives the group with the lowest (highest) number, so that three pictures make a corpus too.
    """
    if recipe.val == 0:
        return [{"train": np.arange(len(source)), "val": np.arange(0)} for source in sources]
    groups = [[source.group(number) for number in range(len(source))] for source in sources]
    draws = {group: _group_draw(recipe.seed, group) for rows in groups for group in rows}
    held_out = {group for group, draw in draws.items() if draw < recipe.val}
    for rows in groups:
        distinct = sorted(set(rows), key=draws.__getitem__)
        if len(distinct) > 1 and not held_out.intersection(distinct):
            held_out.add(distinct[0])
        elif len(distinct) > 1 and held_out.issuperset(distinct):
            held_out.discard(distinct[-1])
    in_val = [np.fromiter((group in held_out for group in rows), bool, len(rows)) for rows in groups]
    return [{"train": np.flatnonzero(~rows), "val": np.flatnonzero(rows)} for rows in in_val]


def _group_draw(seed: int, group: str) -> float:
    """A random number in [0, 1) that depends on the seed and the group alone."""
    digest = hashlib.blake2b(group.encode(), digest_size=8, key=seed.to_bytes(8, "big")).digest()
    return int.from_bytes(digest, "big") / 2**64
