"""Which sample is made from what: sample number -> source, scene, exposure, rng. Pure, random access.

A corpus is a row of parts (image train, image val, clip train, clip val), each a range of sample numbers cut into
ranges that become shards. Sample i depends on (recipe, i) and the data alone: not on other samples, workers or time.
With `prompts_per_scene` samples in a row share the scene that chance gives to the first of them.
"""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common import plugins
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.config.recipe import EXPOSURES, SOURCES, CorpusRecipe
from lavida_gen.exposures._base import Exposure, Task
from lavida_gen.names.vocabulary import Vocabulary
from lavida_gen.sampling.name_prior import Elsewhere
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Kind, Scene
from lavida_gen.sources._base import Source

Split = Literal["train", "val"]
PATIENCE = 12
"""Scenes that an exposure is tried on before another one is drawn: swap, say, can do nothing without categories."""
KINDS: tuple[Kind, ...] = ("image", "clip")
SPLITS: tuple[Split, ...] = ("train", "val")


@dataclass(frozen=True, slots=True)
class Part:
    """Samples of one kind and split: numbers start .. start+count-1."""

    kind: Kind
    split: Split
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class Range:
    """Samples that are made by one task: `number` counts the ranges of a part; `deep` ones lie a folder deeper."""

    part: Part
    number: int
    start: int
    stop: int
    deep: bool = False

    @property
    def name(self) -> str:
        """E.g. ``image/train-00003``, deep ``image/train-0000/train-00000003``."""
        folder, split = self.part.kind, self.part.split
        if self.deep:
            return f"{folder}/{split}-{self.number // FOLDER:04d}/{split}-{self.number:08d}"
        return f"{folder}/{split}-{self.number:05d}"


FLAT, FOLDER = 4500, 1000
"""Up to so many ranges of a kind share a folder, more lie by thousands: the Hub wants below 10,000 files in one."""


def cut(parts: Sequence[Part], size: int) -> Iterator[Range]:
    """All ranges of all parts, of `size` samples at most, in order."""
    for part in parts:
        deep = sum(-(-one.count // size) for one in parts if one.kind == part.kind) > FLAT
        for number, start in enumerate(range(part.start, part.start + part.count, size)):
            yield Range(part, number, start, min(start + size, part.start + part.count), deep)


@dataclass(slots=True)
class Opened:
    """A source of the recipe, opened, with the numbers of its scenes in each split."""

    name: str
    source: Source
    weight: float
    names: int
    vocabulary: Vocabulary
    scenes: dict[Split, NDArray[np.int64]]
    elsewhere: dict[Split, Elsewhere] = field(default_factory=dict)
    _last: tuple[int, Scene] | None = None

    def scene(self, number: int) -> Scene:
        """The scene, read or drawn once for samples in a row that share it. Raises DataError."""
        if self._last is None or self._last[0] != number:
            self._last = number, self.source.scene(number)
        return self._last[1]

    def likely(self, split: Split, drop: bool) -> Elsewhere:
        """Names of anomalies in the scenes of a split; with `drop` broken ones have none."""
        if split not in self.elsewhere:
            self.elsewhere[split] = Elsewhere(self.source, self.scenes[split], drop)
        return self.elsewhere[split]


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
        """The scene. Raises DataError."""
        return self.opened.scene(self.number)

    def expose(self, scene: Scene) -> Draft | Rejection:
        """What the exposure makes of it."""
        return self.exposure.expose(scene, self.task)


@dataclass(slots=True)
class Deck:
    """A recipe with its data opened: everything that `step` needs. Opened once in each process."""

    recipe: CorpusRecipe
    sources: list[Opened]
    exposures: list[tuple[str, float, Exposure]]
    parts: tuple[Part, ...]
    _weights: dict[tuple[Kind, Split], list[float]] = field(default_factory=dict)
    _ables: dict[tuple[Kind, bool], list[tuple[str, float, Exposure]]] = field(default_factory=dict)

    @classmethod
    def open(cls, recipe: CorpusRecipe) -> Deck:
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
        if not self._shares(part.kind, part.split)[-1]:
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
        return cut(self.parts, self.recipe.shard.samples)

    def step(self, index: int, attempt: int, part: Part | None = None) -> Step:
        """Attempt number `attempt` at sample `index`.

        Source, exposure and whether it is exposed are drawn once for the sample, so that drops do not shift the
        recipe's shares; only the scene is drawn anew. After every PATIENCE scenes another exposure has its turn, until
        all had: some sources have nothing for some exposures.
        """
        part = part or self.part_of(index)
        first = index - (index - part.start) % self.recipe.prompts_per_scene
        exposed = _lots(self.recipe.seed, index)[0] < self.recipe.anomaly_ratio
        opened = self.sources[_draw(_lots(self.recipe.seed, first)[1], self._shares(part.kind, part.split))]
        name, _, exposure = self._exposure(part.kind, exposed, index, attempt // PATIENCE)
        rng = self._chance(first, attempt)
        scenes = opened.scenes[part.split]
        number = int(scenes[rng.integers(len(scenes))])
        if first != index:
            rng = self._chance(index, attempt)
        task = Task(
            exposed,
            rng,
            opened.vocabulary,
            opened.names,
            self.recipe.limits,
            lambda rng: self._other(rng, part),
            opened.likely(part.split, self.recipe.broken == "drop").draw,
        )
        return Step(index, part.split, opened, number, name, exposure, task)

    def _chance(self, index: int, attempt: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence((self.recipe.seed, index, attempt))))

    def _other(self, rng: np.random.Generator, part: Part) -> Scene:
        """A scene of the part. A broken one is drawn anew where the recipe drops those. Raises DataError."""
        tries = 0
        while True:
            opened = self.sources[_draw(float(rng.random()), self._shares(part.kind, part.split))]
            scenes = opened.scenes[part.split]
            try:
                return opened.source.scene(int(scenes[rng.integers(len(scenes))]))
            except DataError:
                tries += 1
                if self.recipe.broken == "stop" or tries == PATIENCE:
                    raise

    def _exposure(self, kind: Kind, exposed: bool, index: int, again: int) -> tuple[str, float, Exposure]:
        """The exposure of a sample by weight; the `again`-th other one of a row that is drawn by weight too."""
        able = list(self._able(kind, exposed))
        for turn in range(again % len(able) + 1):
            sums = list(accumulate(weight for _, weight, _ in able))
            one = able.pop(_draw(_lots(self.recipe.seed, index, turn)[2], sums))
        return one

    def _able(self, kind: Kind, exposed: bool) -> list[tuple[str, float, Exposure]]:
        """Exposures that can make such an outcome of such scenes."""
        if (kind, exposed) not in self._ables:
            able = [one for one in self.exposures if exposed in one[2].outcomes and kind in one[2].kinds]
            self._ables[kind, exposed] = able
        return self._ables[kind, exposed]

    def _shares(self, kind: Kind, split: Split) -> list[float]:
        """Weights of the sources in a part, summed up; one that has no scene for it adds nothing."""
        if (kind, split) not in self._weights:
            able = (one.weight if one.source.kind == kind and len(one.scenes[split]) else 0.0 for one in self.sources)
            self._weights[kind, split] = list(accumulate(able))
        return self._weights[kind, split]


def _lots(seed: int, index: int, again: int = 0) -> tuple[float, float, float]:
    """Three numbers in [0, 1) that belong to a sample for good: cheaper than a generator."""
    digest = hashlib.blake2b(struct.pack("<QQ", seed, index), digest_size=24, salt=struct.pack("<Q", again)).digest()
    a, b, c = (number / 2**64 for number in struct.unpack("<QQQ", digest))
    return a, b, c


def _draw(lot: float, sums: Sequence[float]) -> int:
    """A place in 0..len-1 by summed-up weights and a number in [0, 1); never one that adds nothing."""
    return bisect_right(sums, min(lot, 1 - 2**-53) * sums[-1])


def _parts(recipe: CorpusRecipe, sources: Sequence[Opened]) -> tuple[Part, ...]:
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


def _divide(sources: Sequence[Opened], recipe: CorpusRecipe) -> None:
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
