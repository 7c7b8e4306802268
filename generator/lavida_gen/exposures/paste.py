"""A thing cut from another scene is pasted into this one: a foreign object.

Cut, Paste and Learn (Dwibedi et al., ICCV 2017) and CutPaste (Li et al., CVPR 2021) paste; Natural Synthetic Anomalies
(Schlueter et al., ECCV 2022) blends by Poisson image editing (Perez et al., SIGGRAPH 2003). The thing is as tall as the
scene's own things suggest (exposures/_perspective.py), stands behind what is nearer, and moves smoothly in a clip.

Without an anomaly the same paste is made but not named, so that seams carry no information: a model must read the
prompt. All pixels outside `Draft.edits` are those of the source; the shard's JPEG of an edited frame is encoded anew.
Letters: T frames, H W pixels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from lavida_gen.exposures._base import Exposure, ExposureOptions, ExposureTask
from lavida_gen.exposures._candidates import check_limits, shuffle_names
from lavida_gen.exposures._cutouts import (
    Blend,
    Spot,
    edited_frames,
    paste,
    place,
    resized,
    resized_bits,
)
from lavida_gen.exposures._foreign import Foreign, as_foreign, find_foreign, measure
from lavida_gen.exposures._negatives import NO_ABSENT_NAME, draw_negatives, draw_prompt_size
from lavida_gen.exposures._perspective import Perspective, estimate_perspective, usual_height
from lavida_gen.exposures._planes import nearer_bits
from lavida_gen.scenes.images import Pixels
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Name, Region, Scene

NOT_FOREIGN = Rejection("nothing foreign in the other scene")
NO_PLACE = Rejection("no place for the paste")
TRIES = 8
"""Positions that are tried for a paste, and other scenes that are searched for a foreign name."""
MAX_ENLARGEMENT = 1.5
"""A cut-out that is enlarged more looks blurred."""
MAX_HEIGHT = 0.6
"""Largest share of the frame's height."""
DEFAULT_HORIZON = 0.35
"""Row of the horizon as a share of the height, for a picture that does not show it."""
BLENDS: tuple[Blend, Blend] = ("feather", "poisson")


class _Pose(NamedTuple):
    """A paste in a frame: number of the cut-out, its scale and place."""

    number: int
    scale: float
    spot: Spot


class _Path(NamedTuple):
    """Where a paste stands: foot as (row, column) in the first and in the last frame."""

    start: tuple[float, float]
    end: tuple[float, float]

    def foot(self, progress: float) -> tuple[float, float]:
        (row, column), (end_row, end_column) = self.start, self.end
        return row + (end_row - row) * progress, column + (end_column - column) * progress


class _Pasted(NamedTuple):
    """A thing with its T poses, and T masks of it."""

    foreign: Foreign
    poses: list[_Pose]
    blend: Blend
    masks: tuple[RLE | None, ...]


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
        found = find_foreign(other, scene, rng)
        if found is None:
            return NOT_FOREIGN
        foreign = measure(other, found, len(scene.frames))
        blend: Blend = self.options.blend if self.options.blend != "either" else BLENDS[int(rng.integers(2))]
        view = estimate_perspective(scene)
        for _ in range(TRIES):
            poses = _find_place(scene, view, foreign, task)
            shown = tuple(pose.spot.mask(scene.size) for pose in poses)
            if poses and not check_limits(shown, task.limits):
                return _with_prompt(_Pasted(foreign, poses, blend, shown), scene, task)
        return NO_PLACE


def _find_place(scene: Scene, view: Perspective | None, foreign: Foreign, task: ExposureTask) -> list[_Pose]:
    """One try at a random position, T poses; none if the thing is too hidden there or of a size that looks wrong."""
    count = len(scene.frames)
    path = _draw_path(scene, view, task.rng)
    heights = foreign.heights
    approaches = max(heights) > 1.4 * min(heights)  # then each cut-out is scaled by its own height
    share = foreign.usual_height / foreign.scene.size[0] * float(task.rng.uniform(0.8, 1.2))
    poses = []
    for time in range(count):
        row, column = path.foot(time / max(count - 1, 1))
        wanted = _pixel_height(view, foreign, row, share, scene.size[0])
        number = time % len(heights)
        if wanted is None or wanted > MAX_ENLARGEMENT * heights[number]:
            return []
        scale = wanted / (heights[number] if approaches else foreign.usual_height)
        bits = resized_bits(foreign.bits[number], scale)
        spot = place(bits, (round(row) - bits.shape[0], round(column) - bits.shape[1] // 2), scene.size)
        spot = spot.behind(nearer_bits(scene, time, row, spot.window, ()))
        if count == 1 and np.count_nonzero(spot.bits) < 0.5 * np.count_nonzero(bits):
            return []
        poses.append(_Pose(number, scale, spot))
    return poses


def _pictures(pasted: _Pasted, scene: Scene) -> list[Pixels]:
    """T new pictures: only here pixels are read."""
    cutouts = {number: pasted.foreign.cutout(number) for number in dict.fromkeys(pose.number for pose in pasted.poses)}
    pictures = []
    for frame, pose in zip(scene.frames, pasted.poses, strict=True):
        picture = frame.pixels().copy()
        paste(picture, resized(cutouts[pose.number], pose.scale), pose.spot, pasted.blend)
        pictures.append(picture)
    return pictures


def _pixel_height(
    view: Perspective | None, foreign: Foreign, row: float, share: float, frame_height: int
) -> float | None:
    """Height in pixels of a thing that stands on `row`; None if it would be too small or too large.

    It follows from the scene's own things, else from the thing's size in its own picture: there too what stands lower
    is nearer and larger.
    """
    metres = usual_height(foreign.found.region.category)
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


def _with_prompt(pasted: _Pasted, scene: Scene, task: ExposureTask) -> Draft | Rejection:
    """The paste with its prompt: named as the anomaly, or left unnamed among absent names.

    Unnamed, its place in the prompt is taken by something else that could be pasted: so a foreign name in a prompt
    carries no information.
    """
    name, own = pasted.foreign.found.name, pasted.foreign.found.region
    foreign_region = Region((name,), (None,) * len(scene.frames), own.category, may_be=own.may_be)
    after = replace(scene, regions=(*scene.regions, foreign_region))
    anomalies = [name] if task.exposed else []
    others = [] if task.exposed else _another_foreign_name(after, task)
    known = [*anomalies, *others]
    size = draw_prompt_size(task)
    others += draw_negatives(task, after, known, size - len(known), anomalies=len(known), phrasing=as_foreign)
    if not anomalies and not others:
        return NO_ABSENT_NAME
    names, labels = shuffle_names(task.rng, anomalies, others)
    frames = edited_frames(_pictures(pasted, scene), pasted.masks, scene)
    shown = pasted.masks if task.exposed else (None,) * len(pasted.masks)
    return Draft(frames, names, labels, shown, pasted.masks, credit=pasted.foreign.credit)


def _another_foreign_name(after: Scene, task: ExposureTask) -> list[str]:
    """The name of something foreign that was not pasted, if there is such a thing in a few other scenes."""
    for _ in range(TRIES):
        found = find_foreign(task.other_scene(task.rng), after, task.rng)
        if found is not None and task.accepts(Name(found.name, found.region.category)):
            return [found.name]
    return []
