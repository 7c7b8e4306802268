"""Which sample is made from what: sample number -> source, scene, exposure, rng. Pure, random access.

A corpus is a row of parts (image train, image val, clip train, clip val), each a range of sample numbers cut into
ranges that become shards. Sample i depends on (recipe, i) and the data alone: not on other samples, workers or time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lavida_gen import plugins
from lavida_gen.errors import DataError, UserError
from lavida_gen.exposure import Exposure, Task
from lavida_gen.recipe import EXPOSURES, SOURCES, Recipe
from lavida_gen.sample import Draft, Dropped
from lavida_gen.scene import Kind, Scene
from lavida_gen.source import Source
from lavida_gen.vocabulary import Vocabulary

Split = Literal["train", "val"]
KINDS: tuple[Kind, ...] = ("image", "clip")
SPLITS: tuple[Split, ...] = ("train", "val")
CHOICE, SCENE = 0, 1  # streams of chance of one sample: what to make; how (a new one for each attempt)


@dataclass(frozen=True, slots=True)
class Part:
    """Samples of one kind and split: numbers start .. start+count-1."""

    kind: Kind
    split: Split
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class Range:
    """Samples that are made by one task: `number` counts the ranges of a part."""

    part: Part
    number: int
    start: int
    stop: int

    @property
    def name(self) -> str:
        """E.g. ``image/train-00003``."""
        return f"{self.part.kind}/{self.part.split}-{self.number:05d}"


@dataclass(slots=True)
class Opened:
    """A source of the recipe, opened, with the numbers of its scenes in each split."""

    name: str
    source: Source
    weight: float
    names: int
    vocabulary: Vocabulary
    scenes: dict[Split, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt at a sample: all that chance decides before the exposure begins."""

    index: int
    split: Split
    opened: Opened
    number: int
    exposure_name: str
    exposure: Exposure
    task: Task

    def scene(self) -> Scene:
        """The scene, read from the source. Raises DataError."""
        return self.opened.source.scene(self.number)

    def expose(self, scene: Scene) -> Draft | Dropped:
        """What the exposure makes of it."""
        return self.exposure.expose(scene, self.task)


@dataclass(slots=True)
class Deck:
    """A recipe with its data opened: everything that `step` needs. Opened once in each process."""

    recipe: Recipe
    sources: list[Opened]
    exposures: list[tuple[str, float, Exposure]]
    parts: tuple[Part, ...]
    _weights: dict[tuple[Kind, Split], NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def open(cls, recipe: Recipe) -> Deck:
        """Open every source. Raises DataError or UserError, naming the entry of the recipe."""
        sources = []
        for number, entry in enumerate(recipe.sources):
            try:
                source = plugins.find(SOURCES, Source, entry.name)(entry.options)
            except DataError as error:
                raise DataError(f"sources[{number}] ({entry.name}): {error}") from error
            if not len(source):
                raise DataError(f"sources[{number}] ({entry.name}): has no scene; check its split and options")
            names = entry.names_per_prompt or recipe.names_per_prompt
            sources.append(Opened(entry.name, source, entry.weight, names, Vocabulary(source.vocabulary()), {}))
        _divide(sources, recipe)
        exposures = [
            (entry.name, entry.weight, plugins.find(EXPOSURES, Exposure, entry.name)(entry.options))
            for entry in recipe.exposures
        ]
        deck = cls(recipe, sources, exposures, _parts(recipe, sources))
        for part in deck.parts:
            deck._check(part)
        return deck

    def _check(self, part: Part) -> None:
        if not self._shares(part.kind, part.split).any():
            raise UserError(
                f"val: no {part.kind} scene is left for split {part.split!r}; give more scenes, or set val to 0"
            )
        ratio = self.recipe.anomaly_ratio
        for outcome in {True} if ratio == 1 else {False} if ratio == 0 else {True, False}:
            if not self._able(part.kind, outcome):
                what = "shows an anomaly" if outcome else "shows none"
                todo = (
                    f"add one (such as {'relabel' if outcome else 'absent'}) or set anomaly_ratio to {int(not outcome)}"
                )
                raise UserError(f"exposures: none of them {what} in {part.kind} scenes; {todo}")

    def part_of(self, index: int) -> Part:
        """The part that sample `index` lies in. Raises UserError if there is no such sample."""
        for part in self.parts:
            if part.start <= index < part.start + part.count:
                return part
        raise UserError(f"sample {index}: the corpus has samples 0 to {self.recipe.samples - 1}")

    def ranges(self) -> Iterator[Range]:
        """All ranges of all parts, in order."""
        size = self.recipe.shard.samples
        for part in self.parts:
            for number, start in enumerate(range(part.start, part.start + part.count, size)):
                yield Range(part, number, start, min(start + size, part.start + part.count))

    def step(self, index: int, attempt: int, part: Part | None = None) -> Step:
        """Attempt number `attempt` at sample `index`.

        Source, exposure and whether it is exposed are drawn once for the sample, so that drops do not shift the
        recipe's shares; only the scene is drawn anew.
        """
        part = part or self.part_of(index)
        choose = self._rng(index, CHOICE)
        exposed = bool(choose.random() < self.recipe.anomaly_ratio)
        opened = self.sources[_draw(choose, self._shares(part.kind, part.split))]
        able = self._able(part.kind, exposed)
        name, _, exposure = able[_draw(choose, np.array([weight for _, weight, _ in able]))]
        rng = self._rng(index, SCENE + attempt)
        scenes = opened.scenes[part.split]
        number = int(scenes[rng.integers(len(scenes))])
        task = Task(
            exposed, rng, opened.vocabulary, opened.names, self.recipe.limits, lambda rng: self._other(rng, part)
        )
        return Step(index, part.split, opened, number, name, exposure, task)

    def _rng(self, index: int, stream: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence((self.recipe.seed, index, stream))))

    def _other(self, rng: np.random.Generator, part: Part) -> Scene:
        opened = self.sources[_draw(rng, self._shares(part.kind, part.split))]
        scenes = opened.scenes[part.split]
        return opened.source.scene(int(scenes[rng.integers(len(scenes))]))

    def _able(self, kind: Kind, exposed: bool) -> list[tuple[str, float, Exposure]]:
        return [one for one in self.exposures if exposed in one[2].outcomes and kind in one[2].kinds]

    def _shares(self, kind: Kind, split: Split) -> NDArray[np.float64]:
        """Weight of each source in a part; 0 where it has no scene for it."""
        if (kind, split) not in self._weights:
            able = [one.weight if one.source.kind == kind and len(one.scenes[split]) else 0.0 for one in self.sources]
            self._weights[kind, split] = np.array(able)
        return self._weights[kind, split]


def _draw(rng: np.random.Generator, weights: NDArray[np.float64]) -> int:
    """A number in 0..len-1, by weight; never one of weight 0."""
    bounds = np.cumsum(weights)
    return int(np.searchsorted(bounds, rng.random() * bounds[-1], side="right"))


def _parts(recipe: Recipe, sources: Sequence[Opened]) -> tuple[Part, ...]:
    """Sample numbers of each kind by the weights of its sources, of each split by `val`."""
    total = sum(one.weight for one in sources)
    clips = round(recipe.samples * sum(one.weight for one in sources if one.source.kind == "clip") / total)
    parts, start = [], 0
    for kind, count in zip(KINDS, (recipe.samples - clips, clips), strict=True):
        held = round(count * recipe.val)
        for split, size in zip(SPLITS, (count - held, held), strict=True):
            if size:
                parts.append(Part(kind, split, start, size))
            start += size
    return tuple(parts)


def _lot(seed: int, group: str) -> float:
    """A number in 0..1 that belongs to a group for good."""
    digest = hashlib.blake2b(group.encode(), digest_size=8, key=seed.to_bytes(8, "big")).digest()
    return int.from_bytes(digest, "big") / 2**64


def _divide(sources: Sequence[Opened], recipe: Recipe) -> None:
    """Give each group of scenes (a photo, a video) to one split, over all sources together.

    A group is held out if its lot falls below `val`. A small source that would have nothing to hold out (or nothing
    left) gives the group with the lowest (highest) lot, so that three pictures make a corpus too.
    """
    if recipe.val == 0:
        for one in sources:
            one.scenes = {"train": np.arange(len(one.source)), "val": np.arange(0)}
        return
    groups = [[one.source.group(number) for number in range(len(one.source))] for one in sources]
    lots = {group: _lot(recipe.seed, group) for rows in groups for group in rows}
    held = {group for group, lot in lots.items() if lot < recipe.val}
    for rows in groups:
        distinct = sorted(set(rows), key=lots.__getitem__)
        if len(distinct) > 1 and not held.intersection(distinct):
            held.add(distinct[0])
        elif len(distinct) > 1 and held.issuperset(distinct):
            held.discard(distinct[-1])
    for one, rows in zip(sources, groups, strict=True):
        is_held = np.fromiter((group in held for group in rows), bool, len(rows))
        one.scenes = {"train": np.flatnonzero(~is_held), "val": np.flatnonzero(is_held)}
