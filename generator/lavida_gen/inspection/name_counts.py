"""How many scenes of a source hold each name, and what its things are: counted in the index where that is cheap.

A source that overrides `annotations_without_masks` gives names without decoding masks; all of its scenes are counted
unless that would take too long. Of other sources some scenes are read, spread evenly, and the counts are estimates.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from lavida_gen.common.errors import DataError
from lavida_gen.sampling.open_source import OpenSource
from lavida_gen.scenes.scene import Region, Scene
from lavida_gen.sources._base import Source

SECONDS = 20.0
"""Longest time to count names, of all sources together; where it would take longer, fewer scenes are counted."""
TRIED = 256
"""Scenes by which that time is estimated, where names come without masks."""
IMAGES, CLIPS = 200, 40
"""Least scenes that are read with their masks where names do not come without them."""
GOLDEN = 0.6180339887498949
EXAMPLES = 3
"""Scenes of each name that are kept."""
MOST_EXAMPLES = 500
"""Most scenes that are read for categories in none of the scenes read before."""


@dataclass(slots=True)
class NameCounts:
    """What scenes of a source hold. Names are readable, except those that name nothing.

    Attributes:
        total: Number of scenes of the source.
        read: Number of scenes that were counted.
        scenes: Name -> number of those scenes that hold it.
        examples: Name -> numbers of some scenes that hold it.
        roles: Name -> (kind, whether it may be the anomaly) of things with masks; empty for names not looked at.
        parts: Names that are present though no region shows them.
        verified: Name -> number of scenes, of those read with masks, that state it as absent.
    """

    total: int
    read: int = 0
    scenes: Counter[str] = field(default_factory=Counter)
    examples: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    roles: defaultdict[str, set[tuple[str, bool]]] = field(default_factory=lambda: defaultdict(set))
    parts: set[str] = field(default_factory=set)
    verified: Counter[str] = field(default_factory=Counter)
    _rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    @property
    def is_exact(self) -> bool:
        """Whether every scene was counted."""
        return self.read == self.total

    def estimate(self, name: str) -> int:
        """Number of scenes of the whole source that hold a name."""
        return round(self.scenes[name] * self.total / max(1, self.read))

    def count(self, number: int, names: Iterable[str]) -> None:
        """Count the names of a scene.

        Args:
            number: Number of the scene.
            names: Its names; repeats count once.
        """
        self.read += 1
        for name in set(names):
            self.scenes[name] += 1
            kept, seen = self.examples[name], self.scenes[name]
            if len(kept) < EXAMPLES:
                kept.append(number)
            elif (slot := int(self._rng.random() * seen)) < EXAMPLES:
                kept[slot] = number  # each scene is kept with the same probability

    def look(self, scene: Scene) -> None:
        """Note what the things of a scene are.

        Args:
            scene: A scene with masks and readable names.
        """
        for region in scene.regions:
            for name in region.names:
                self.roles[name].add((region.kind, region.candidate))
        self.parts.update(scene.present)
        self.verified.update(set(scene.absent()))


def names_are_cheap(source: Source) -> bool:
    """Whether a source gives the names of a scene without making its masks.

    Args:
        source: The source.
    """
    return type(source).annotations_without_masks is not Source.annotations_without_masks


def spread(total: int, count: int) -> list[int]:
    """Up to `count` of the numbers 0 to total - 1, one from each of as many equal pieces.

    Not the first of each piece: data sets alternate, frames of two cameras for example.

    Args:
        total: How many numbers there are.
        count: How many are wanted.
    """
    if total <= count:
        return list(range(total))
    pieces = [(at, at * total // count, (at + 1) * total // count) for at in range(count)]
    return [start + int(at * GOLDEN % 1 * (stop - start)) for at, start, stop in pieces]


def scenes_with_masks(opened: OpenSource, seconds: float) -> list[int]:
    """Which scenes are read with their masks where names do not come without them: as many as can be read in time.

    Args:
        opened: The source.
        seconds: Longest time for it; some scenes are read in any case.

    Returns:
        Their numbers.
    """
    least = IMAGES if opened.source.kind == "image" else CLIPS
    return _affordable(len(opened.source), max(1, least // 10), least, seconds, opened.other_scene)


def count_cheap_names(opened: OpenSource, counts: NameCounts, seconds: float, advance: Callable[[int], None]) -> None:
    """Count names in the index; broken scenes are left to whoever reads them.

    Args:
        opened: A source whose names come without masks.
        counts: Where they are counted.
        seconds: Longest time for it.
        advance: Called with the number of scenes counted since the last call.
    """
    annotations = opened.source.annotations_without_masks
    total = len(opened.source)
    numbers = _affordable(total, TRIED, TRIED, seconds, lambda number: scene_names(opened, annotations(number)))
    for at, number in enumerate(numbers):
        try:
            regions = annotations(number)
        except DataError:
            counts.read += 1
        else:
            counts.count(number, scene_names(opened, regions))
        if at % 1024 == 1023:
            advance(1024)
    advance(len(numbers) % 1024)


def look_at_examples(opened: OpenSource, counts: NameCounts, advance: Callable[[int], None]) -> None:
    """Read one scene, with its masks, of each category that was counted, but never looked at.

    Args:
        opened: The source.
        counts: What was counted; what is seen is added.
        advance: Called with 1 after each scene.
    """
    unseen = [text for text in opened.names.categories if counts.scenes[text] and text not in counts.roles]
    for text in unseen[:MOST_EXAMPLES]:
        if text not in counts.roles:  # a scene before may have shown it as well
            with suppress(DataError):  # reported by whoever reads the scenes
                counts.look(opened.other_scene(counts.examples[text][0]))
            advance(1)


def scene_names(opened: OpenSource, regions: Sequence[Region]) -> set[str]:
    """The readable names of a scene, and the categories in it that name nothing.

    Args:
        opened: The source.
        regions: Regions as the source gives them.
    """
    names = {name for region in opened.names.regions(regions) for name in region.names}
    if opened.names.left_out:
        names.update(region.category for region in regions if region.category in opened.names.left_out)
    return names


def _affordable(total: int, tried: int, least: int, seconds: float, read: Callable[[int], object]) -> list[int]:
    """Numbers of the scenes that are read: all, or as many as can be read in time, `least` in any case.

    The time is estimated by `tried` scenes. The number is `least` times a power of two, so that a slower machine mostly
    reads the same scenes.
    """
    start = time.perf_counter()
    for number in spread(total, tried):
        with suppress(DataError):
            read(number)
    each = (time.perf_counter() - start) / min(total, tried)
    most = least
    while 2 * most * each < seconds and most < total:
        most *= 2
    return spread(total, most)
