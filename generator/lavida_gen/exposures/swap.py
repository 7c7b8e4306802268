"""Two things of a scene exchange positions: right things in wrong places.

Out-of-context objects as in Choi et al. (Context Models and Out-of-context Objects, 2012) and Putting Visual Object
Recognition in Context (Zhang et al., CVPR 2020). Each thing is scaled by the scene's perspective to where the other
stood; the holes are filled from other frames, from beside, or inpainted (Telea 2004).

Without an anomaly two things are swapped too, but only things that stayed in place (or are absent) are listed as being
in the wrong place, so that seams carry no information. All pixels outside `Draft.edits` are those of the source; the
JPEG of an edited frame is encoded anew in the shard. Letters: T frames, H W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np

from lavida_gen.exposures._backgrounds import fill_holes
from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.exposures._candidates import check_limits, shuffle_names
from lavida_gen.exposures._cutouts import (
    Spot,
    cut_out,
    edited_frames,
    paste,
    place,
    resized,
    resized_bits,
)
from lavida_gen.exposures._negatives import by_category, draw_negatives
from lavida_gen.exposures._perspective import Perspective, estimate_perspective
from lavida_gen.exposures._planes import (
    box_of,
    dilated,
    edge_width,
    encode_or_none,
    mask_at,
    nearer_bits,
    put_in,
    stands_free,
    thing_bits,
    tight_bits,
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


class _Move(NamedTuple):
    """A thing of a pair (0 or 1) at its new place in a frame."""

    number: int
    region: Region
    own: Bits  # its mask where it stood, in the tight box
    row: float
    scale: float
    spot: Spot


class _Swapped(NamedTuple):
    """T new pictures, T masks of each thing of the pair, T masks of both, T masks of edited pixels."""

    pictures: list[Pixels]
    parts: tuple[tuple[RLE | None, ...], tuple[RLE | None, ...]]
    masks: tuple[RLE | None, ...]
    edits: tuple[RLE | None, ...]


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
        view = estimate_perspective(scene) if order else None
        read = cache(lambda: [frame.pixels() for frame in scene.frames])  # once for all pairs, if one needs them
        reason = NO_PAIR
        for pair in order[:PAIR_TRIES]:
            swapped = _swap(scene, pair, view, read, task)
            if isinstance(swapped, _Swapped):
                return _with_prompt(swapped, scene, pair, first, task)
            reason = swapped
        return reason


def _find_pairs(scene: Scene, task: ExposureTask) -> list[_Pair]:
    """Things of unrelated kinds and similar size, both whole, visible and free in every frame."""
    movable = [region for region in scene.regions if _is_movable(region, scene, task)]
    pairs = [_Pair(a, b) for number, a in enumerate(movable) for b in movable[:number] if _fit(a, b)]
    paired = {id(region): region for pair in pairs for region in pair}  # free or not is asked last: it needs masks
    free = {key for key, region in paired.items() if stands_free(scene, region)}
    return [pair for pair in pairs if id(pair.one) in free and id(pair.two) in free]


def _is_movable(region: Region, scene: Scene, task: ExposureTask) -> bool:
    if not region.candidate or region.kind != "thing" or not region.category:
        return False
    if check_limits(region.masks, task.limits):
        return False
    boxes = [box_of(mask) for mask in region.masks if mask is not None]
    if len(boxes) < len(region.masks):
        return False
    height, width = scene.size
    is_whole = all(b.x > 0 and b.y > 0 and b.x + b.width < width and b.y + b.height < height for b in boxes)
    return is_whole and all(min(b.width, b.height) >= 6 and b.width * b.height < 0.2 * height * width for b in boxes)


def _fit(one: Region, two: Region) -> bool:
    """Are two things of unrelated kinds, apart from each other, and of similar size?"""
    a, b = box_of(mask_at(one, 0)), box_of(mask_at(two, 0))
    are_apart = abs(a.x + a.width / 2 - b.x - b.width / 2) > 0.6 * max(a.width, b.width)
    sides = ((a.width, b.width), (a.height, b.height))
    are_similar = all(1 / MAX_RATIO < first / second < MAX_RATIO for first, second in sides)
    return are_apart and are_similar and not lexicon.same_kind(one.category, two.category)


def _swap(
    scene: Scene, pair: _Pair, view: Perspective | None, read: Callable[[], list[Pixels]], task: ExposureTask
) -> _Swapped | Rejection:
    """The frames with both things exchanged; pixels are read when the masks are known to serve."""
    times = range(len(scene.frames))
    moves = [_moves(scene, pair, time, view) for time in times]
    if not all(moves):
        return NO_PAIR
    frames = read()
    others = [thing_bits(scene, time, pair) for time in times]
    holes = [_left(scene, both, time) & ~other for time, (both, other) in enumerate(zip(moves, others, strict=True))]
    pictures = fill_holes(frames, holes, [other | hole for other, hole in zip(others, holes, strict=True)])
    if pictures is None:
        return BAD_HOLE
    visible = [_visible(scene, both) for both in moves]
    planes = [one | two for one, two in visible]
    union = tuple(encode_or_none(plane) for plane in planes)
    if broken := check_limits(union, task.limits):
        return broken
    for time, both in enumerate(moves):
        for move in both:
            pixels = resized(cut_out(frames[time], mask_at(move.region, time)), move.scale)
            paste(pictures[time], pixels, move.spot)
    parts = tuple(encode_or_none(one) for one, _ in visible), tuple(encode_or_none(two) for _, two in visible)
    edits = tuple(encode_or_none(plane | hole) for plane, hole in zip(planes, holes, strict=True))
    return _Swapped(pictures, parts, union, edits)


def _moves(scene: Scene, pair: _Pair, time: int, view: Perspective | None) -> list[_Move]:
    """Where both things go in a frame, the farther one first; nothing if one would be mostly hidden."""
    moves = []
    for number, (region, target) in enumerate(((pair.one, pair.two), (pair.two, pair.one))):
        row, column = _foot(target, time)
        scale = _scale(region, target, time, view)
        own = tight_bits(mask_at(region, time))
        bits = resized_bits(own, scale)
        spot = place(bits, (round(row) - bits.shape[0], round(column) - bits.shape[1] // 2), scene.size)
        spot = spot.behind(nearer_bits(scene, time, row, spot.window, pair, target.depth))
        if np.count_nonzero(spot.bits) < 0.4 * masks.area(mask_at(region, time)) * min(1.0, scale**2):
            return []
        moves.append(_Move(number, region, own, row, scale, spot))
    return sorted(moves, key=lambda move: move.row)


def _left(scene: Scene, moves: Sequence[_Move], time: int) -> Bits:
    """What both things leave in a frame: their masks and the traces around them."""
    plane, width = np.zeros(scene.size, bool), edge_width(scene.size)
    for move in moves:
        window, own = put_in(box_of(mask_at(move.region, time)), move.own, width, scene.size)
        plane[window] |= dilated(own, width)
    return plane


def _visible(scene: Scene, moves: Sequence[_Move]) -> tuple[Bits, Bits]:
    """What is visible of each thing of the pair in a frame: the nearer one hides the other."""
    far, near = (move.spot.plane(scene.size) for move in moves)
    far &= ~near
    return (far, near) if moves[0].number == 0 else (near, far)


def _scale(region: Region, target: Region, time: int, view: Perspective | None) -> float:
    """How much larger a thing looks where the other stood."""
    if view is None:
        return 1.0
    return float(np.clip(view.scale(_foot(target, time)[0]) / view.scale(_foot(region, time)[0]), 0.3, 3.0))


def _foot(region: Region, time: int) -> tuple[float, float]:
    """Row and column where a thing stands: the middle of its lower edge."""
    box = box_of(mask_at(region, time))
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
    frames = edited_frames(swapped.pictures, swapped.edits, scene)
    if task.exposed:
        return Draft(frames, phrases, labels, swapped.masks, swapped.edits, parts=swapped.parts, subjects=names)
    return Draft(frames, phrases, labels, (None,) * len(swapped.masks), swapped.edits, subjects=names)


def _absent_pair(scene: Scene, known: Sequence[str], task: ExposureTask) -> list[str]:
    """Categories that could be swapped in another scene and are absent here, so that two are known."""
    pairs = _find_pairs(task.other_scene(task.rng), task)
    if not pairs:
        return []
    categories = pairs[int(task.rng.integers(len(pairs)))].categories
    order = [Name(categories[number], categories[number]) for number in task.rng.permutation(2).tolist()]
    return pick_absent(filter(task.accepts, order), present_names(scene), known, 2 - len(known))
