"""Which names of a scene may be declared the anomaly, and what mask that means.

Letters: T frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lavida_gen.exposures._base import Limits
from lavida_gen.names import lexicon
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.sample import Rejection
from lavida_gen.scenes.scene import Region, Scene


@dataclass(frozen=True, slots=True)
class Candidate:
    """A name, everything in the scene that carries it, and the union of their masks (T entries, None = not visible)."""

    name: str
    regions: tuple[Region, ...]
    masks: tuple[RLE | None, ...]


NOTHING = Rejection("nothing that could be the anomaly")
AMBIGUOUS = Rejection("another thing could be called so too")
TOO_SMALL = Rejection("too small")
TOO_LARGE = Rejection("too large")
TOO_RARE = Rejection("seen in too few frames")


def candidates(scene: Scene) -> list[str]:
    """Names of the scene that may be declared the anomaly."""
    return anomaly_names(scene.regions)


def anomaly_names(regions: Iterable[Region]) -> list[str]:
    """Names that may be declared the anomaly: expressions of things that have some, categories of the others."""
    found: dict[str, bool] = {}
    for region in regions:
        own = [name for name in region.names if name != region.category] or list(region.names)
        for name in own if region.candidate else region.names:
            found[name] = found.get(name, True) and region.candidate
    return [name for name, allowed in found.items() if allowed]


def choose(scene: Scene, rng: np.random.Generator, limits: Limits) -> Candidate | Rejection:
    """One of the candidates that keep the limits, each as likely; else why the last one did not."""
    names = candidates(scene)
    why = NOTHING
    for at in rng.permutation(len(names)).tolist():
        one = candidate(scene, names[at], limits)
        if isinstance(one, Candidate):
            return one
        why = one
    return why


def candidate(scene: Scene, name: str, limits: Limits) -> Candidate | Rejection:
    """Everything called `name`, or why it can not be the anomaly."""
    regions = tuple(region for region in scene.regions if name in region.names)
    if any(_may_be_called(region, name, regions) for region in scene.regions if name not in region.names):
        return AMBIGUOUS
    union = tuple(_union(parts) for parts in zip(*(region.masks for region in regions), strict=True))
    why = check_limits(union, limits)
    return why or Candidate(name, regions, union)


def _may_be_called(other: Region, name: str, regions: Sequence[Region]) -> bool:
    """A category goes for all of kindred kind; an expression was written for its own thing alone."""
    if any(name == region.category for region in regions):
        return lexicon.same_kind(other.category or other.names[0], name)
    return any(lexicon.says_as_much(text, name) for text in other.names)


def _union(parts: Sequence[RLE | None]) -> RLE | None:
    shown = [part for part in parts if part is not None]
    return masks.union(shown) if shown else None


def check_limits(parts: Sequence[RLE | None], limits: Limits) -> Rejection | None:
    """What limit T masks break, None if they keep them all."""
    sizes = [(masks.area(part), part.height * part.width) for part in parts if part is not None]
    seen = [(size, whole) for size, whole in sizes if size]
    if len(seen) < max(1.0, limits.min_visible * len(parts)):
        return TOO_RARE if len(parts) > 1 else TOO_SMALL
    shares = [size / whole for size, whole in seen]
    if sum(shares) / len(shares) < limits.min_area or min(size for size, _ in seen) < limits.min_pixels:
        return TOO_SMALL
    return TOO_LARGE if max(shares) > limits.max_area else None


def shuffled(rng: np.random.Generator, anomalies: Sequence[str], others: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Names with their labels, in random order."""
    row = [*((name, True) for name in anomalies), *((name, False) for name in others)]
    return (row[at] for at in rng.permutation(len(row)).tolist())
