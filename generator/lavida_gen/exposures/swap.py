"""Two things of a scene exchange places: right things in wrong places.

Out-of-context objects as in Choi et al. (Context Models and Out-of-context Objects, 2012) and Putting Visual Object
Recognition in Context (Zhang et al., CVPR 2020). Each is scaled by the scene's perspective to where the other stood;
the holes are filled from other frames, from beside, or painted in (Telea 2004).

Without an anomaly the picture is swapped too, but only things that were left in their places (or are not there) are
said to be in the wrong place: seams tell nothing. All pixels outside `Draft.edits` are those of the source; the JPEG
of an edited frame is encoded anew in the shard.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from lavida_gen.exposures import _editing as editing
from lavida_gen.exposures import _perspective as perspective
from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.exposures._candidates import check_limits, shuffled
from lavida_gen.exposures._negatives import negatives, plainly
from lavida_gen.names import lexicon
from lavida_gen.names.vocabulary import pick_absent, present
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Pixels
from lavida_gen.scenes.masks import Bits
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Name, Region, Scene

NO_PAIR = Rejection("no two things that could change places")
NO_NAMES = Rejection("too few names for the prompt")
BAD_HOLE = Rejection("background behind a thing is unknown")
RATIO = 3.5
"""Things may differ by so much in height and width: a bus does not go where a ball lay."""
TRIES = 4
"""Other scenes that are asked for a pair to name."""


class _Pair(NamedTuple):
    one: Region
    two: Region


class Swap(Exposure):
    """Two things have exchanged their places."""

    outcomes: ClassVar[frozenset[bool]] = frozenset({True, False})

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """Both things, named by being in the wrong place, among others."""
        if task.max_names < 2:
            return NO_NAMES
        found = _pairs(scene, task)
        order = [found[at] for at in task.rng.permutation(len(found)).tolist()]
        named = _kinds(order[0]) if order else ()
        if not task.exposed:
            order.sort(key=lambda pair: sum(_listed(kind, named) for kind in _kinds(pair)))
        why = NO_PAIR
        for pair in order[:4]:
            made = _swapped(scene, pair, task)
            if isinstance(made, Draft):
                return _named(made, scene, pair, named, task)
            why = made
        return why


def _pairs(scene: Scene, task: ExposureTask) -> list[_Pair]:
    """Things of unlike kind and kindred size, both whole and in view all the time."""
    able = [region for region in scene.regions if _able(region, scene, task)]
    return [_Pair(a, b) for at, a in enumerate(able) for b in able[:at] if _fit(a, b)]


def _able(region: Region, scene: Scene, task: ExposureTask) -> bool:
    if not region.candidate or region.kind != "thing" or not region.category or check_limits(region.masks, task.limits):
        return False
    boxes = [masks.box(mask) for mask in region.masks if mask is not None]
    if len(boxes) < len(region.masks):
        return False
    height, width = scene.size
    whole = all(b.x > 0 and b.y > 0 and b.x + b.width < width and b.y + b.height < height for b in boxes)
    good = all(min(b.width, b.height) >= 6 and b.width * b.height < 0.2 * height * width for b in boxes)
    return whole and good and editing.free(scene, region)


def _fit(one: Region, two: Region) -> bool:
    if lexicon.same_kind(one.category, two.category):
        return False
    first, second = one.masks[0], two.masks[0]
    assert first is not None
    assert second is not None
    a, b = masks.box(first), masks.box(second)
    apart = abs(a.x + a.width / 2 - b.x - b.width / 2) > 0.6 * max(a.width, b.width)
    return apart and all(1 / RATIO < x / y < RATIO for x, y in ((a.width, b.width), (a.height, b.height)))


def _swapped(scene: Scene, pair: _Pair, task: ExposureTask) -> Draft | Rejection:
    """The frames with both things exchanged. Names are only a stand-in."""
    frames = [frame.pixels() for frame in scene.frames]
    own = [[_bits(region, time) for region in pair] for time in range(len(frames))]
    others = [editing.things(scene, time, pair) for time in range(len(frames))]
    holes = [
        editing.grown(one | two, editing.margin(scene.size)) & ~rest
        for (one, two), rest in zip(own, others, strict=True)
    ]
    canvases = editing.fill(frames, holes, [a | b for a, b in zip(others, holes, strict=True)])
    if canvases is None:
        return BAD_HOLE
    view, shown, edits = perspective.of(scene), [], []
    alone: tuple[list[masks.RLE | None], list[masks.RLE | None]] = ([], [])
    for time, canvas in enumerate(canvases):
        placed: dict[bool, Bits] = {}  # is it the second of the pair
        for region, place in sorted((pair, pair[::-1]), key=lambda row: _foot(row[1], time)[0]):
            new = _moved(scene, frames[time], canvas, region, place, time, pair, view)
            if new.sum() < 0.4 * masks.area(_mask(region, time)) * min(1.0, _scale(region, place, time, view) ** 2):
                return NO_PAIR
            placed = {which: bits & ~new for which, bits in placed.items()} | {region is pair.two: new}
        seen = placed[False] | placed[True]
        for which, parts in enumerate(alone):
            parts.append(editing.encoded(placed[bool(which)]))
        shown.append(seen)
        edits.append(seen | holes[time])
    mask = tuple(editing.encoded(plane) for plane in shown)
    why = check_limits(mask, task.limits)
    if why is not None:
        return why
    drawn, changed = editing.drawn(canvases, edits, scene)
    return Draft(drawn, _kinds(pair), (True, True), mask, changed, parts=(tuple(alone[0]), tuple(alone[1])))


def _moved(
    scene: Scene,
    frame: Pixels,
    canvas: Pixels,
    region: Region,
    place: Region,
    time: int,
    pair: _Pair,
    view: perspective.Perspective | None,
) -> Bits:
    """Set `region` where `place` stood, in place; gives the pixels that it covers."""
    row, column = _foot(place, time)
    thing = editing.resized(editing.cut(frame, _mask(region, time)), _scale(region, place, time, view))
    corner = round(row) - thing.bits.shape[0], round(column) - thing.bits.shape[1] // 2
    return editing.put(canvas, thing, corner, editing.nearer(scene, time, row, pair, place.depth))


def _scale(region: Region, place: Region, time: int, view: perspective.Perspective | None) -> float:
    """How much larger it looks at the other's place."""
    if view is None:
        return 1.0
    return float(np.clip(view.scale(_foot(place, time)[0]) / view.scale(_foot(region, time)[0]), 0.3, 3.0))


def _mask(region: Region, time: int) -> masks.RLE:
    mask = region.masks[time]
    assert mask is not None
    return mask


def _bits(region: Region, time: int) -> Bits:
    return masks.decode(_mask(region, time))


def _foot(region: Region, time: int) -> tuple[float, float]:
    """(row, column) where it stands: middle of its lower edge."""
    box = masks.box(_mask(region, time))
    return float(box.y + box.height), box.x + box.width / 2


def _kinds(pair: _Pair) -> tuple[str, str]:
    return pair.one.category, pair.two.category


def _listed(kind: str, kinds: Sequence[str]) -> bool:
    return any(lexicon.same_kind(kind, one) for one in kinds)


def _named(made: Draft, scene: Scene, pair: _Pair, pretended: Sequence[str], task: ExposureTask) -> Draft | Rejection:
    """Both things in the wrong place; others (there and not there) are not.

    Without an anomaly their places in the prompt go to those of the pair `pretended` that stand where they stood, and
    to pairs of other scenes that are not here: what may be swapped is listed as often either way.
    """
    rng, kinds = task.rng, _kinds(pair)
    anomalies = list(kinds) if task.exposed else []
    known = [*anomalies] or [kind for kind in pretended if not _listed(kind, kinds)]
    for _ in range(TRIES):
        if len(known) > 1:
            break
        known += _elsewhere(scene, known, task)
    there = dict.fromkeys(one.category for one in scene.regions if one.category and one.candidate)
    staying = [one for one in there if not _listed(one, (*kinds, *known))]
    size = int(rng.integers(min(3, task.max_names), task.max_names + 1))
    count = max(0, min((size + 1) // 2 - len(known), size // 3))
    known += [staying[at] for at in rng.permutation(len(staying))[:count].tolist()]
    known += negatives(task, scene, known, size - len(known), anomalies=len(known), worded=plainly)
    if not known:
        return NO_NAMES
    texts, labels = zip(*shuffled(rng, anomalies, known[len(anomalies) :]), strict=True)
    worded = tuple(f"{text} in the wrong place" for text in texts)
    if task.exposed:
        return Draft(made.frames, worded, labels, made.masks, made.edits, parts=made.parts)
    return Draft(made.frames, worded, labels, (None,) * len(made.masks), made.edits)


def _elsewhere(scene: Scene, known: list[str], task: ExposureTask) -> list[str]:
    """What could be swapped in another scene, and is not here: as many as are missing."""
    pairs = _pairs(task.other_scene(task.rng), task)
    if not pairs:
        return []
    kinds = _kinds(pairs[int(task.rng.integers(len(pairs)))])
    order = (Name(kinds[at], kinds[at]) for at in task.rng.permutation(2).tolist())
    return pick_absent(order, present(scene), known, 2 - len(known))
