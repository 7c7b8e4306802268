"""Two things of a scene exchange positions: right things in wrong places.

Out-of-context objects as in Choi et al. (Context Models and Out-of-context Objects, 2012) and Putting Visual Object
Recognition in Context (Zhang et al., CVPR 2020). Each thing is scaled by the scene's perspective to where the other
stood; the holes are filled from other frames, from beside, or inpainted (Telea 2004).

Without an anomaly two things are swapped too, but only things that stayed in place (or are absent) are listed as being
in the wrong place, so that seams carry no information. All pixels outside `Draft.edits` are those of the source; the
JPEG of an edited frame is encoded anew in the shard. Letters: T frames, H W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from lavida_gen.exposures._backgrounds import fill_holes
from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.exposures._candidates import check_limits, shuffle_names
from lavida_gen.exposures._cutouts import cut_out, edited_frames, paste, resized
from lavida_gen.exposures._negatives import by_category, draw_negatives
from lavida_gen.exposures._perspective import Perspective, estimate_perspective
from lavida_gen.exposures._planes import (
    bits_at,
    dilated,
    edge_width,
    encode_or_none,
    mask_at,
    nearer_bits,
    stands_free,
    thing_bits,
)
from lavida_gen.names import lexicon
from lavida_gen.names.vocabulary import pick_absent, present_names
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Pixels
from lavida_gen.scenes.masks import RLE, Bits
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Name, Region, Scene

NO_PAIR = Rejection("no two things that could change places")
NO_NAMES = Rejection("too few names for the prompt")
BAD_HOLE = Rejection("background behind a thing is unknown")
MAX_RATIO = 3.5
"""Largest ratio of the heights, and of the widths, of two things that are swapped: no bus goes where a ball lay."""
PAIR_TRIES = 4
"""Pairs of a scene that are tried."""
SCENE_TRIES = 4
"""Other scenes that are searched for a pair to list."""


class _Pair(NamedTuple):
    one: Region
    two: Region

    @property
    def categories(self) -> tuple[str, str]:
        return self.one.category, self.two.category


class _Swapped(NamedTuple):
    """T new pictures, T masks of each thing of the pair, T masks of both, T planes of edited pixels."""

    pictures: list[Pixels]
    parts: tuple[tuple[RLE | None, ...], tuple[RLE | None, ...]]
    masks: tuple[RLE | None, ...]
    edits: list[Bits]


class Swap(Exposure):
    """Two things have exchanged their positions."""

    outcomes: ClassVar[frozenset[bool]] = frozenset({True, False})
    makes_anomalies: ClassVar[bool] = True

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """Both things, phrased as being in the wrong place, among others."""
        if task.max_names < 2:
            return NO_NAMES
        pairs = _find_pairs(scene, task)
        order = [pairs[number] for number in task.rng.permutation(len(pairs)).tolist()]
        first = order[0].categories if order else ()
        if not task.exposed:  # prefer pairs that leave the first pair in place: that one is listed
            order.sort(key=lambda pair: sum(_is_related(category, first) for category in pair.categories))
        reason = NO_PAIR
        for pair in order[:PAIR_TRIES]:
            swapped = _swap(scene, pair, task)
            if isinstance(swapped, _Swapped):
                return _with_prompt(swapped, scene, pair, first, task)
            reason = swapped
        return reason


def _find_pairs(scene: Scene, task: ExposureTask) -> list[_Pair]:
    """Things of unrelated kinds and similar size, both whole and visible in every frame."""
    movable = [region for region in scene.regions if _is_movable(region, scene, task)]
    return [_Pair(a, b) for number, a in enumerate(movable) for b in movable[:number] if _fit(a, b)]


def _is_movable(region: Region, scene: Scene, task: ExposureTask) -> bool:
    if not region.candidate or region.kind != "thing" or not region.category:
        return False
    if check_limits(region.masks, task.limits):
        return False
    boxes = [masks.box(mask) for mask in region.masks if mask is not None]
    if len(boxes) < len(region.masks):
        return False
    height, width = scene.size
    is_whole = all(b.x > 0 and b.y > 0 and b.x + b.width < width and b.y + b.height < height for b in boxes)
    fits = all(min(b.width, b.height) >= 6 and b.width * b.height < 0.2 * height * width for b in boxes)
    return is_whole and fits and stands_free(scene, region)


def _fit(one: Region, two: Region) -> bool:
    """Are two things of unrelated kinds, apart from each other, and of similar size?"""
    if lexicon.same_kind(one.category, two.category):
        return False
    a, b = masks.box(mask_at(one, 0)), masks.box(mask_at(two, 0))
    are_apart = abs(a.x + a.width / 2 - b.x - b.width / 2) > 0.6 * max(a.width, b.width)
    sides = ((a.width, b.width), (a.height, b.height))
    return are_apart and all(1 / MAX_RATIO < first / second < MAX_RATIO for first, second in sides)


def _swap(scene: Scene, pair: _Pair, task: ExposureTask) -> _Swapped | Rejection:
    """The frames with both things exchanged."""
    frames = [frame.pixels() for frame in scene.frames]
    others = [thing_bits(scene, time, pair) for time in range(len(frames))]
    width = edge_width(scene.size)
    holes = [
        dilated(bits_at(pair.one, time) | bits_at(pair.two, time), width) & ~other for time, other in enumerate(others)
    ]
    backgrounds = fill_holes(frames, holes, [other | hole for other, hole in zip(others, holes, strict=True)])
    if backgrounds is None:
        return BAD_HOLE
    view = estimate_perspective(scene)
    pictures, visible = [], []
    for time, background in enumerate(backgrounds):
        swapped = _swap_in_frame(scene, frames[time], background, pair, time, view)
        if swapped is None:
            return NO_PAIR
        pictures.append(swapped[0])
        visible.append(swapped[1])
    both = [one | two for one, two in visible]
    union = tuple(encode_or_none(bits) for bits in both)
    parts = tuple(encode_or_none(one) for one, _ in visible), tuple(encode_or_none(two) for _, two in visible)
    edits = [bits | hole for bits, hole in zip(both, holes, strict=True)]
    return check_limits(union, task.limits) or _Swapped(pictures, parts, union, edits)


def _swap_in_frame(
    scene: Scene, frame: Pixels, background: Pixels, pair: _Pair, time: int, view: Perspective | None
) -> tuple[Pixels, tuple[Bits, Bits]] | None:
    """The new picture and what is visible of each thing in it; None if one is mostly hidden."""
    picture = background
    visible = {name: np.zeros(scene.size, bool) for name in ("one", "two")}
    moves = [("one", pair.one, pair.two), ("two", pair.two, pair.one)]
    moves.sort(key=lambda move: _foot(move[2], time)[0])  # the nearer one last, in front
    for name, region, target in moves:
        row, column = _foot(target, time)
        scale = _scale(region, target, time, view)
        cutout = resized(cut_out(frame, mask_at(region, time)), scale)
        corner = round(row) - cutout.bits.shape[0], round(column) - cutout.bits.shape[1] // 2
        hidden = nearer_bits(scene, time, row, pair, target.depth)
        picture, covered = paste(picture, cutout, corner, hidden)
        if covered.sum() < 0.4 * masks.area(mask_at(region, time)) * min(1.0, scale**2):
            return None
        visible = {other: bits & ~covered for other, bits in visible.items()}
        visible[name] = covered
    return picture, (visible["one"], visible["two"])


def _scale(region: Region, target: Region, time: int, view: Perspective | None) -> float:
    """How much larger a thing looks where the other stood."""
    if view is None:
        return 1.0
    return float(np.clip(view.scale(_foot(target, time)[0]) / view.scale(_foot(region, time)[0]), 0.3, 3.0))


def _foot(region: Region, time: int) -> tuple[float, float]:
    """Row and column where a thing stands: the middle of its lower edge."""
    box = masks.box(mask_at(region, time))
    return float(box.y + box.height), box.x + box.width / 2


def _is_related(category: str, categories: Sequence[str]) -> bool:
    return any(lexicon.same_kind(category, other) for other in categories)


def _with_prompt(
    swapped: _Swapped, scene: Scene, pair: _Pair, first: Sequence[str], task: ExposureTask
) -> Draft | Rejection:
    """Both things are in the wrong place; others (present and absent) are not.

    Without an anomaly their places in the prompt go to those of the pair `first` that stayed in place, and to pairs of
    other scenes that are absent here: what may be swapped is listed as often with an anomaly as without.
    """
    rng, categories = task.rng, pair.categories
    anomalies = list(categories) if task.exposed else []
    known = [*anomalies] or [category for category in first if not _is_related(category, categories)]
    for _ in range(SCENE_TRIES):
        if len(known) > 1:
            break
        known += _absent_pair(scene, known, task)
    categories_here = dict.fromkeys(region.category for region in scene.regions if region.category and region.candidate)
    staying = [category for category in categories_here if not _is_related(category, (*categories, *known))]
    size = int(rng.integers(min(3, task.max_names), task.max_names + 1))
    count = max(0, min((size + 1) // 2 - len(known), size // 3))
    known += [staying[number] for number in rng.permutation(len(staying))[:count].tolist()]
    known += draw_negatives(task, scene, known, size - len(known), anomalies=len(known), phrasing=by_category)
    if not known:
        return NO_NAMES
    names, labels = shuffle_names(rng, anomalies, known[len(anomalies) :])
    phrases = tuple(f"{name} in the wrong place" for name in names)
    frames, edits = edited_frames(swapped.pictures, swapped.edits, scene)
    if task.exposed:
        return Draft(frames, phrases, labels, swapped.masks, edits, parts=swapped.parts, subjects=names)
    return Draft(frames, phrases, labels, (None,) * len(swapped.masks), edits, subjects=names)


def _absent_pair(scene: Scene, known: Sequence[str], task: ExposureTask) -> list[str]:
    """Categories that could be swapped in another scene and are absent here, so that two are known."""
    pairs = _find_pairs(task.other_scene(task.rng), task)
    if not pairs:
        return []
    categories = pairs[int(task.rng.integers(len(pairs)))].categories
    order = [Name(categories[number], categories[number]) for number in task.rng.permutation(2).tolist()]
    return pick_absent(filter(task.accepts, order), present_names(scene), known, 2 - len(known))
