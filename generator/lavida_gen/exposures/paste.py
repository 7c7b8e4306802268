"""A thing cut from another scene is pasted into this one: a foreign object.

Cut, Paste and Learn (Dwibedi et al., ICCV 2017) and CutPaste (Li et al., CVPR 2021) paste; Natural Synthetic Anomalies
(Schlueter et al., ECCV 2022) blends by Poisson image editing (Perez et al., SIGGRAPH 2003). The thing is as tall as the
scene's own things suggest (exposures/_perspective.py), stands behind what is nearer, and moves smoothly in a clip.

Without an anomaly the same paste is made but not named, so that seams carry no information: a model must read the
prompt. All pixels outside `Draft.edits` are those of the source; the shard's JPEG of an edited frame is encoded anew.
Letters: T frames, H W pixels.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from lavida_gen.exposures._base import Exposure, ExposureOptions, ExposureTask
from lavida_gen.exposures._candidates import check_limits, shuffle_names
from lavida_gen.exposures._cutouts import Blend, Cutout, cut_out, edited_frames, paste, resized
from lavida_gen.exposures._negatives import NO_ABSENT_NAME, draw_negatives, draw_prompt_size
from lavida_gen.exposures._perspective import Perspective, estimate_perspective, usual_height
from lavida_gen.exposures._planes import encode_or_none, mask_at, nearer_bits, stands_free
from lavida_gen.names import lexicon
from lavida_gen.names.vocabulary import present_names
from lavida_gen.scenes import masks
from lavida_gen.scenes.evidence import Use
from lavida_gen.scenes.images import Pixels
from lavida_gen.scenes.masks import RLE, Bits
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Name, Region, Scene

NOT_FOREIGN = Rejection("nothing foreign in the other scene")
NO_PLACE = Rejection("no place for the paste")
_RELATION = re.compile(
    r"\b(left|right|middle|center|centre|top|bottom|front|behind|back|next|near|nearest|closest|beside|between|corner|"
    r"first|second|third|other|same|farthest|far|under|over|above|below|in|on|at|with|to|of)\b",
    re.IGNORECASE,
)
TRIES = 8
"""Positions that are tried for a paste, and other scenes that are searched for a foreign name."""
MAX_ENLARGEMENT = 1.5
"""A cut-out that is enlarged more looks blurred."""
MAX_HEIGHT = 0.6
"""Largest share of the frame's height."""
DEFAULT_HORIZON = 0.35
"""Row of the horizon as a share of the height, for a picture that does not show it."""
BLENDS: tuple[Blend, Blend] = ("feather", "poisson")


class _Foreign(NamedTuple):
    """A thing of another scene."""

    name: str
    category: str
    may_be: tuple[str, ...]  # other categories that may be true of it
    cutouts: tuple[Cutout, ...]  # at least one, in order of time
    height: float  # its share of its own frame's height
    foot: float  # row of its foot as a share of its own frame's height
    credit: tuple[str, str, Use | None]  # licence, attribution and use of its picture


class _Found(NamedTuple):
    """A thing of another scene that may be pasted, and the frames that show it whole."""

    name: str
    region: Region
    times: list[int]


class _Path(NamedTuple):
    """Where a paste stands: foot as (row, column) in the first and in the last frame."""

    start: tuple[float, float]
    end: tuple[float, float]

    def foot(self, progress: float) -> tuple[float, float]:
        (row, column), (end_row, end_column) = self.start, self.end
        return row + (end_row - row) * progress, column + (end_column - column) * progress


class _Pasted(NamedTuple):
    """T new pictures, T masks of the paste, T planes of edited pixels."""

    pictures: list[Pixels]
    masks: tuple[RLE | None, ...]
    edits: list[Bits]


class PasteOptions(ExposureOptions):
    """Options of `paste`."""

    blend: Literal["feather", "poisson", "either"] = Field(
        default="either", description="soft edge, Poisson blending, or one of the two at random"
    )


class Paste(Exposure[PasteOptions]):
    """A foreign object: cut from another scene and pasted."""

    Options = PasteOptions
    outcomes: ClassVar[frozenset[bool]] = frozenset({True, False})
    makes_anomalies: ClassVar[bool] = True
    borrows: ClassVar[bool] = True

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """The pasted thing among absent names; or absent names alone."""
        rng = task.rng
        other = task.other_scene(rng)
        found = _find_foreign(other, scene, rng)
        if found is None:
            return NOT_FOREIGN
        foreign = _cut_foreign(other, found)
        blend: Blend = self.options.blend if self.options.blend != "either" else BLENDS[int(rng.integers(2))]
        for _ in range(TRIES):
            pasted = _paste_somewhere(scene, foreign, blend, task)
            if pasted is not None:
                return _with_prompt(pasted, scene, foreign, task)
        return NO_PLACE


def _find_foreign(other: Scene, scene: Scene, rng: np.random.Generator) -> _Found | None:
    """A whole thing of `other` whose name describes nothing in `scene`; no pixel is read."""
    present = present_names(scene)
    for number in rng.permutation(len(other.regions)).tolist():
        region = other.regions[number]
        name = _name(region)
        if not name or not region.candidate or region.kind != "thing":
            continue
        own = Name(name, region.category, synset=region.synset)
        if any(lexicon.conflict(own, known) for known in present):
            continue
        times = [time for time, mask in enumerate(region.masks) if mask is not None and _is_whole(other, mask)]
        if times and stands_free(other, region):
            return _Found(name, region, times)
    return None


def _cut_foreign(other: Scene, found: _Found) -> _Foreign:
    times, region = found.times, found.region
    cutouts = tuple(cut_out(other.frames[time].pixels(), mask_at(region, time)) for time in times)
    height = float(np.median([cutout.bits.shape[0] for cutout in cutouts]))
    top = float(np.median([masks.box(mask_at(region, time)).y for time in times]))
    frame_height = other.size[0]
    return _Foreign(
        name=found.name,
        category=region.category,
        may_be=region.may_be,
        cutouts=cutouts,
        height=height / frame_height,
        foot=(top + height) / frame_height,
        credit=(other.licence, other.attribution or "", other.use),
    )


def _name(region: Region) -> str:
    """Its category, else an expression without its position, "" if there is none."""
    if region.category in region.names:
        return region.category
    return next((name for name in region.names if not _RELATION.search(name)), "")


def _as_foreign(name: Name) -> str:
    """The phrasing of a name if its thing were foreign."""
    return name.category or ("" if _RELATION.search(name.text) else name.text)


def _is_whole(other: Scene, mask: RLE) -> bool:
    """Is it large enough to look good, not cut off by the frame's edge, and in one piece (not half hidden)?"""
    import cv2

    box, (height, width) = masks.box(mask), other.size
    is_inside = box.x > 0 and box.y > 0 and box.x + box.width < width and box.y + box.height < height
    if not is_inside or min(box.width, box.height) < 8 or not 0.001 < masks.area(mask) / (height * width) < 0.35:
        return False
    bits = masks.decode(mask)[box.y : box.y + box.height, box.x : box.x + box.width]
    _, _, rows, _ = cv2.connectedComponentsWithStats(bits.astype(np.uint8))
    return bool(rows[1:, cv2.CC_STAT_AREA].max() > 0.9 * masks.area(mask))


def _paste_somewhere(scene: Scene, foreign: _Foreign, blend: Blend, task: ExposureTask) -> _Pasted | None:
    """One try at a random position; None if the thing is too hidden or breaks the limits there."""
    count = len(scene.frames)
    view = estimate_perspective(scene)
    path = _draw_path(scene, view, task.rng)
    heights = [float(cutout.bits.shape[0]) for cutout in foreign.cutouts]
    approaches = max(heights) > 1.4 * min(heights)  # then each cut-out is scaled by its own height
    share = foreign.height * float(task.rng.uniform(0.8, 1.2))
    pictures, planes = [], []
    for time in range(count):
        row, column = path.foot(time / max(count - 1, 1))
        wanted = _pixel_height(view, foreign, row, share, scene.size[0])
        number = time % len(foreign.cutouts)
        if wanted is None or wanted > MAX_ENLARGEMENT * heights[number]:
            return None
        scale = wanted / (heights[number] if approaches else float(np.median(heights)))
        cutout = resized(foreign.cutouts[number], scale)
        corner = round(row) - cutout.bits.shape[0], round(column) - cutout.bits.shape[1] // 2
        hidden = nearer_bits(scene, time, row, ())
        picture, covered = paste(scene.frames[time].pixels(), cutout, corner, hidden, blend)
        if count == 1 and covered.sum() < 0.5 * cutout.bits.sum():
            return None
        pictures.append(picture)
        planes.append(covered)
    mask = tuple(encode_or_none(plane) for plane in planes)
    return None if check_limits(mask, task.limits) else _Pasted(pictures, mask, planes)


def _pixel_height(
    view: Perspective | None, foreign: _Foreign, row: float, share: float, frame_height: int
) -> float | None:
    """Height in pixels of a thing that stands on `row`; None if it would be too small or too large.

    It follows from the scene's own things, else from the thing's size in its own picture: there too what stands lower
    is nearer and larger.
    """
    metres = usual_height(foreign.category)
    if view is not None and metres is not None:
        pixels = view.scale(row) * metres
    else:
        own_foot = max(foreign.foot, DEFAULT_HORIZON + 0.2)
        growth = (row / frame_height - DEFAULT_HORIZON) / (own_foot - DEFAULT_HORIZON)
        pixels = share * frame_height * float(np.clip(growth, 0.2, 1.5))
    return pixels if max(8.0, 0.05 * frame_height) <= pixels <= MAX_HEIGHT * frame_height else None


def _draw_path(scene: Scene, view: Perspective | None, rng: np.random.Generator) -> _Path:
    """A position on the ground; in a clip a straight walk of up to a third of the frame."""
    height, width = scene.size
    low, high = (0.6 * height, 0.95 * height) if view is None else view.rows
    low = max(low - 0.04 * height, 0.42 * height)  # things higher up hang, sit or are held: there is no ground
    high = max(min(high + 0.04 * height, height - 1), low + 0.02 * height)
    row, column = float(rng.uniform(low, high)), float(rng.uniform(0.1, 0.9) * width)
    if len(scene.frames) == 1:
        return _Path((row, column), (row, column))
    distance = float(rng.uniform(0.08, 0.35)) * width * (1 if column < width / 2 else -1)
    end = float(np.clip(row + rng.uniform(-0.06, 0.06) * height, low, high))
    return _Path((row, column), (end, column + distance))


def _with_prompt(pasted: _Pasted, scene: Scene, foreign: _Foreign, task: ExposureTask) -> Draft | Rejection:
    """The paste with its prompt: named as the anomaly, or left unnamed among absent names.

    Unnamed, its place in the prompt is taken by something else that could be pasted: so a foreign name in a prompt
    carries no information.
    """
    foreign_region = Region((foreign.name,), (None,) * len(scene.frames), foreign.category, may_be=foreign.may_be)
    after = replace(scene, regions=(*scene.regions, foreign_region))
    anomalies = [foreign.name] if task.exposed else []
    others = [] if task.exposed else _another_foreign_name(after, task)
    known = [*anomalies, *others]
    size = draw_prompt_size(task)
    others += draw_negatives(task, after, known, size - len(known), anomalies=len(known), phrasing=_as_foreign)
    if not anomalies and not others:
        return NO_ABSENT_NAME
    names, labels = shuffle_names(task.rng, anomalies, others)
    frames, edits = edited_frames(pasted.pictures, pasted.edits, scene)
    shown = pasted.masks if task.exposed else (None,) * len(pasted.masks)
    return Draft(frames, names, labels, shown, edits, credit=foreign.credit)


def _another_foreign_name(after: Scene, task: ExposureTask) -> list[str]:
    """The name of something foreign that was not pasted, if there is such a thing in a few other scenes."""
    for _ in range(TRIES):
        found = _find_foreign(task.other_scene(task.rng), after, task.rng)
        if found is not None and task.accepts(Name(found.name, found.region.category)):
            return [found.name]
    return []
