"""A thing cut from another scene is set into this one: a foreign object.

Cut, Paste and Learn (Dwibedi et al., ICCV 2017) and CutPaste (Li et al., CVPR 2021) paste; Natural Synthetic Anomalies
(Schlueter et al., ECCV 2022) blends by Poisson image editing (Perez et al., SIGGRAPH 2003). The thing is as tall as
the scene's own things say (exposures/_perspective.py), stands behind what is nearer, and in a clip goes a smooth path.

Without an anomaly the same paste is made but not named, so that seams tell nothing: a model must read the prompt. All
pixels outside `Draft.edits` are those of the source; the shard's JPEG of an edited frame is encoded anew.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from lavida_gen.exposures import _editing as editing
from lavida_gen.exposures import _perspective as perspective
from lavida_gen.exposures._base import Exposure, ExposureOptions, ExposureTask
from lavida_gen.exposures._candidates import check_limits, shuffled
from lavida_gen.exposures._editing import Blend, Cutout
from lavida_gen.exposures._negatives import negatives, prompt_size
from lavida_gen.names import lexicon
from lavida_gen.names.vocabulary import present
from lavida_gen.scenes import masks
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Name, Region, Scene

NOT_FOREIGN = Rejection("nothing foreign in the other scene")
NO_PLACE = Rejection("no place for the paste")
NO_NAME = Rejection("no name that is absent")
_RELATION = re.compile(
    r"\b(left|right|middle|center|centre|top|bottom|front|behind|back|next|near|nearest|closest|beside|between|corner|"
    r"first|second|third|other|same|farthest|far|under|over|above|below|in|on|at|with|to|of)\b",
    re.IGNORECASE,
)
TRIES = 8
ENLARGED = 1.5
"""A cut-out that is enlarged more looks blurred."""
LARGEST = 0.6
"""Largest share of the frame's height."""
HORIZON = 0.35
"""Where the horizon of a picture lies that tells nothing of it, as a share of its height."""
BLENDS: tuple[Blend, Blend] = ("feather", "poisson")


class _Foreign(NamedTuple):
    """name and category of a thing of another scene, its looks (at least one cut-out, in order of time), its rights."""

    name: str
    category: str
    looks: tuple[Cutout, ...]
    share: float  # of its own frame's height that it takes
    foot: float  # share of its own frame's height above its foot
    credit: tuple[str, str]  # licence and attribution of its picture


class _Path(NamedTuple):
    """Where it stands: foot (row, column) at the first and the last frame."""

    start: tuple[float, float]
    end: tuple[float, float]

    def at(self, part: float) -> tuple[float, float]:
        (row, column), (to_row, to_column) = self.start, self.end
        return row + (to_row - row) * part, column + (to_column - column) * part


class Paste(Exposure):
    """A foreign object: cut from another scene and pasted."""

    class Options(ExposureOptions):
        """Options of `paste`."""

        blend: Literal["feather", "poisson", "either"] = Field(
            default="either", description="soft edge, Poisson blending, or one of them by lot"
        )

    outcomes: ClassVar[frozenset[bool]] = frozenset({True, False})
    borrows: ClassVar[bool] = True

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """The pasted thing among absent names; or absent names alone."""
        rng = task.rng
        foreign = _foreign(task.other_scene(rng), scene, rng)
        if foreign is None:
            return NOT_FOREIGN
        blend: Blend = self.options.blend if self.options.blend != "either" else BLENDS[int(rng.integers(2))]
        for _ in range(TRIES):
            made = _pasted(scene, foreign, blend, task)
            if made is not None:
                return _named(made, scene, foreign, task)
        return NO_PLACE


def _foreign(other: Scene, scene: Scene, rng: np.random.Generator) -> _Foreign | None:
    """A whole thing of `other` that nothing in `scene` could be called like."""
    found = _stranger(other, scene, rng)
    if found is None:
        return None
    name, region, times = found
    looks = tuple(editing.cut(other.frames[time].pixels(), _mask(region, time)) for time in times)
    tall = float(np.median([look.bits.shape[0] for look in looks]))
    foot = float(np.median([masks.box(_mask(region, time)).y for time in times]))
    credit = (other.licence, other.attribution or "")
    return _Foreign(name, region.category, looks, tall / other.size[0], (foot + tall) / other.size[0], credit)


def _stranger(other: Scene, scene: Scene, rng: np.random.Generator) -> tuple[str, Region, list[int]] | None:
    """Such a thing's name, and the times at which it may be cut out; no pixel is read."""
    there = present(scene)
    for at in rng.permutation(len(other.regions)).tolist():
        region = other.regions[at]
        name = _name(region)
        if not name or not region.candidate or region.kind != "thing":
            continue
        if any(lexicon.conflict(Name(name, region.category), one) for one in there):
            continue
        times = [time for time, mask in enumerate(region.masks) if mask is not None and _whole(other, mask)]
        if times and editing.free(other, region):
            return name, region, times
    return None


def _name(region: Region) -> str:
    """Its category, else an expression that says nothing of where it stood."""
    if region.category in region.names:
        return region.category
    return next((name for name in region.names if not _RELATION.search(name)), "")


def _as_foreign(name: Name) -> str:
    """As a foreign thing that has this name would be called."""
    return name.category or ("" if _RELATION.search(name.text) else name.text)


def _mask(region: Region, time: int) -> masks.RLE:
    mask = region.masks[time]
    assert mask is not None
    return mask


def _whole(other: Scene, mask: masks.RLE) -> bool:
    """Large enough to look good, not cut off by the frame's edge, in one piece (not half hidden)."""
    import cv2

    box, (height, width) = masks.box(mask), other.size
    inside = box.x > 0 and box.y > 0 and box.x + box.width < width and box.y + box.height < height
    if not inside or min(box.width, box.height) < 8 or not 0.001 < masks.area(mask) / (height * width) < 0.35:
        return False
    whole = masks.decode(mask)[box.y : box.y + box.height, box.x : box.x + box.width]
    _, _, rows, _ = cv2.connectedComponentsWithStats(whole.astype(np.uint8))
    return bool(rows[1:, cv2.CC_STAT_AREA].max() > 0.9 * masks.area(mask))


def _pasted(scene: Scene, foreign: _Foreign, blend: Blend, task: ExposureTask) -> Draft | None:
    """One try at a place; None if the thing is too hidden or breaks the limits there. Names are only a stand-in."""
    size, count = scene.size, len(scene.frames)
    view = perspective.of(scene)
    path = _path(scene, view, task.rng)
    heights = [float(look.bits.shape[0]) for look in foreign.looks]
    grows = max(heights) > 1.4 * min(heights)  # it came nearer: then each look is scaled by its own height
    share = foreign.share * float(task.rng.uniform(0.8, 1.2))
    canvases, shown = [], []
    for time in range(count):
        row, column = path.at(time / max(count - 1, 1))
        pixels = _tall(view, foreign, row, share, size[0])
        at = time % len(foreign.looks)
        if pixels is None or pixels > ENLARGED * heights[at]:
            return None
        look = editing.resized(foreign.looks[at], pixels / (heights[at] if grows else float(np.median(heights))))
        corner = round(row) - look.bits.shape[0], round(column) - look.bits.shape[1] // 2
        hidden = editing.nearer(scene, time, row, ())
        canvas = scene.frames[time].pixels().copy()
        seen = editing.put(canvas, look, corner, hidden, blend)
        if count == 1 and seen.sum() < 0.5 * look.bits.sum():
            return None
        canvases.append(canvas)
        shown.append(seen)
    mask = tuple(editing.encoded(plane) for plane in shown)
    if check_limits(mask, task.limits) is not None:
        return None
    frames, edits = editing.drawn(canvases, shown, scene)
    return Draft(frames, (foreign.name,), (True,), mask, edits)


def _tall(view: perspective.Perspective | None, it: _Foreign, row: float, share: float, height: int) -> float | None:
    """Height in pixels of a thing that stands on `row`: by the scene's own things, else as in its own picture.

    There too what stands farther down is nearer and larger. None if it would be too small or too large.
    """
    metres = perspective.metres(it.category)
    if view is not None and metres is not None:
        pixels = view.scale(row) * metres
    else:
        rise = (row / height - HORIZON) / (max(it.foot, HORIZON + 0.2) - HORIZON)
        pixels = share * height * float(np.clip(rise, 0.2, 1.5))
    return pixels if max(8.0, 0.05 * height) <= pixels <= LARGEST * height else None


def _path(scene: Scene, view: perspective.Perspective | None, rng: np.random.Generator) -> _Path:
    """A standpoint on the ground; in a clip a straight walk of up to a third of the frame."""
    height, width = scene.size
    low, high = (0.6 * height, 0.95 * height) if view is None else view.rows
    low = max(low - 0.04 * height, 0.42 * height)  # what is seen higher up hangs, sits or is held, and tells no ground
    high = max(min(high + 0.04 * height, height - 1), low + 0.02 * height)
    row, column = float(rng.uniform(low, high)), float(rng.uniform(0.1, 0.9) * width)
    if len(scene.frames) == 1:
        return _Path((row, column), (row, column))
    far = float(rng.uniform(0.08, 0.35)) * width * (1 if column < width / 2 else -1)
    end = float(np.clip(row + rng.uniform(-0.06, 0.06) * height, low, high))
    return _Path((row, column), (end, column + far))


def _named(made: Draft, scene: Scene, foreign: _Foreign, task: ExposureTask) -> Draft | Rejection:
    """The paste with its prompt: named as the anomaly, or left unnamed among absent names.

    Unnamed, its place is taken by what could be pasted just as well: that a prompt names a foreign thing tells nothing.
    """
    pasted = Region((foreign.name,), (None,) * len(made.frames), foreign.category)
    after = replace(scene, regions=(*scene.regions, pasted))
    named = [foreign.name] if task.exposed else []
    others = [] if named else _another(after, task)
    known = [*named, *others]
    others += negatives(task, after, known, prompt_size(task) - len(known), anomalies=len(known), worded=_as_foreign)
    if not named and not others:
        return NO_NAME
    texts, labels = zip(*shuffled(task.rng, named, others), strict=True)
    shown = made.masks if task.exposed else (None,) * len(made.masks)
    return Draft(made.frames, texts, labels, shown, made.edits, credit=foreign.credit)


def _another(after: Scene, task: ExposureTask) -> list[str]:
    """The name of something foreign that was not pasted, if there is such a thing in a few other scenes."""
    for _ in range(TRIES):
        found = _stranger(task.other_scene(task.rng), after, task.rng)
        if found is not None:
            return [found[0]]
    return []
