"""Which names of a scene may be declared the anomaly, and which mask belongs to them.

Letters: T frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    """A name that may be declared the anomaly.

    Attributes:
        name: The name.
        regions: Everything in the scene that has the name.
        masks: The union of their masks: T entries, None where nothing of it is visible.
    """

    name: str
    regions: tuple[Region, ...]
    masks: tuple[RLE | None, ...]


NOTHING = Rejection("nothing that could be the anomaly")
AMBIGUOUS = Rejection("another thing could be called so too")
TOO_SMALL = Rejection("too small")
TOO_LARGE = Rejection("too large")
TOO_RARE = Rejection("seen in too few frames")


def anomaly_names(regions: Iterable[Region]) -> list[str]:
    """List the names that may be declared the anomaly.

    Args:
        regions: The regions of a scene.

    Returns:
        The expressions of regions that have some, the categories of the others; no name of a background or void.
    """
    allowed: dict[str, bool] = {}
    for region in regions:
        own = [name for name in region.names if name != region.category] or list(region.names)
        for name in own if region.candidate else region.names:
            allowed[name] = allowed.get(name, True) and region.candidate
    return [name for name, is_allowed in allowed.items() if is_allowed]


def choose_candidate(
    scene: Scene, names: Sequence[str], rng: np.random.Generator, limits: Limits
) -> Candidate | Rejection:
    """Choose one of the candidates that keep the limits, all equally likely.

    Args:
        scene: The scene.
        names: Names of the scene that may be declared the anomaly.
        rng: The source of randomness.
        limits: The limits.

    Returns:
        The candidate, or why the last one was rejected.
    """
    reason = NOTHING
    for number in rng.permutation(len(names)).tolist():
        candidate = find_candidate(scene, names[number], limits)
        if isinstance(candidate, Candidate):
            return candidate
        reason = candidate
    return reason


def find_candidate(scene: Scene, name: str, limits: Limits) -> Candidate | Rejection:
    """Collect everything in a scene that has a name.

    Args:
        scene: The scene.
        name: A name of at least one of its regions.
        limits: Limits that the union of the masks must keep.

    Returns:
        The candidate, or why it may not be the anomaly.
    """
    regions = tuple(region for region in scene.regions if name in region.names)
    if any(_may_be_called(region, name, regions) for region in scene.regions if name not in region.names):
        return AMBIGUOUS
    union = union_masks([region.masks for region in regions])
    return check_limits(union, limits) or Candidate(name, regions, union)


def _may_be_called(other: Region, name: str, regions: Sequence[Region]) -> bool:
    """May a region without the name be called so? A category is true of all related kinds.

    An expression was written for its own region alone, so it must be entailed by an expression of the other.
    """
    if name in other.may_be:
        return True
    if any(name == region.category for region in regions):
        return lexicon.same_kind(other.category or other.names[0], name)
    return any(lexicon.entails(text, name) for text in other.names)


def union_masks(masks_of_things: Iterable[Sequence[RLE | None]]) -> tuple[RLE | None, ...]:
    """Unite the masks of several things, frame by frame.

    Args:
        masks_of_things: For each thing T masks, None where it is not visible; at least one thing.

    Returns:
        T masks, None where nothing is visible.
    """
    return tuple(_union(masks_of_frame) for masks_of_frame in zip(*masks_of_things, strict=True))


def _union(masks_of_frame: Sequence[RLE | None]) -> RLE | None:
    visible = [mask for mask in masks_of_frame if mask is not None]
    return masks.union(visible) if visible else None


def check_limits(track: Sequence[RLE | None], limits: Limits) -> Rejection | None:
    """Check the masks of an anomaly against the limits of the recipe.

    Args:
        track: T masks, None where it is not visible.
        limits: The limits.

    Returns:
        The limit that they break as a rejection, None if they keep all of them.
    """
    sizes = [(masks.area(mask), mask.height * mask.width) for mask in track if mask is not None]
    visible = [(area, frame_area) for area, frame_area in sizes if area]
    if len(visible) < max(1.0, limits.min_visible * len(track)):
        return TOO_RARE if len(track) > 1 else TOO_SMALL
    shares = [area / frame_area for area, frame_area in visible]
    if sum(shares) / len(shares) < limits.min_area or min(area for area, _ in visible) < limits.min_pixels:
        return TOO_SMALL
    return TOO_LARGE if max(shares) > limits.max_area else None


def shuffle_names(
    rng: np.random.Generator, anomalies: Sequence[str], others: Sequence[str]
) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """Shuffle the names of a prompt.

    Args:
        rng: The source of randomness.
        anomalies: Names of anomalies.
        others: All other names; together at least one.

    Returns:
        The names in random order, and for each whether it is an anomaly.
    """
    rows = [*((name, True) for name in anomalies), *((name, False) for name in others)]
    order = rng.permutation(len(rows)).tolist()
    return tuple(rows[number][0] for number in order), tuple(rows[number][1] for number in order)
