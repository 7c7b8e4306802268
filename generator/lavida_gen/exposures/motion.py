"""A thing of a clip moves as things do not: too fast, frozen, backwards or jittering; named by the motion.

Wrong motion is made of right motion, as in skipped and reversed frames (Georgescu et al., Anomaly Detection in Video
via Self-Supervised and Multi-Task Learning, CVPR 2021) and jittered tracks of pasted objects (Astrid et al., Learning
Not to Reconstruct Anomalies, BMVC 2021); here for one thing while everything else goes on. The thing is cut out, the
background filled from other frames of the clip, and the thing pasted again along a new track. Only clips of a camera
that stands still (or whose background can be taken from beside) can be used.

Without an anomaly the clip is edited too, but other motions are named, so that seams carry no information. All pixels
outside `Draft.edits` are those of the source; the shard's JPEG of an edited frame is encoded anew. Letters: T frames,
H W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_gen.exposures._backgrounds import fill_holes
from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.exposures._candidates import check_limits, shuffle_names
from lavida_gen.exposures._cutouts import cut_out, edited_frames, paste, place
from lavida_gen.exposures._negatives import by_category, draw_negatives, draw_prompt_size
from lavida_gen.exposures._planes import (
    bits_at,
    box_of,
    edge_width,
    encode_or_none,
    grown,
    mask_at,
    nearer_bits,
    stands_free,
    thing_bits,
    tight_bits,
)
from lavida_gen.exposures._shadows import shadow_bits
from lavida_gen.names import lexicon
from lavida_gen.scenes.images import Pixels
from lavida_gen.scenes.masks import RLE, Bits
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Kind, Region, Scene

MOTIONS = {
    "fast": "{a} moving unnaturally fast",
    "frozen": "{a} frozen in the middle of a motion",
    "backwards": "{a} moving backwards",
    "jitter": "{a} jittering",
}
NO_MOVER = Rejection("nothing moves on its own")
BAD_HOLE = Rejection("background behind a thing is unknown")
WITH_FRONT = ("person", "vehicle", "animal")
"""Kinds that have a front: only of those one sees that they move backwards."""
TRIES = 3
"""Things of a clip that are tried."""


class _Track(NamedTuple):
    """A thing through a clip: T cut-outs, their masks, and their top left corners as (row, column), float64 (T, 2)."""

    cutouts: list[Pixels]
    bits: list[Bits]
    corners: NDArray[np.float64]


class _EditedClip(NamedTuple):
    """T new pictures, T masks of the moved thing, T masks of edited pixels."""

    pictures: list[Pixels]
    masks: tuple[RLE | None, ...]
    edits: tuple[RLE | None, ...]


class Motion(Exposure):
    """One thing of a clip moves in a way that things do not."""

    outcomes: ClassVar[frozenset[bool]] = frozenset({True, False})
    kinds: ClassVar[frozenset[Kind]] = frozenset({"clip"})
    makes_anomalies: ClassVar[bool] = True

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """The changed thing, named by its motion, among other motions and other things."""
        movers = [
            region for region in scene.regions if _moves(region, scene) and not check_limits(region.masks, task.limits)
        ]
        reason = NO_MOVER
        for number in task.rng.permutation(len(movers))[:TRIES].tolist():
            region = movers[number]
            possible = [motion for motion in MOTIONS if _is_distinct(motion, region, scene)]
            if len(possible) < 2:
                continue  # the prompt needs another motion that the thing does not make
            motion = possible[int(task.rng.integers(len(possible)))]
            clip = _edit(scene, region, motion, task)
            if isinstance(clip, _EditedClip):
                others = [other for other in possible if other != motion]
                return _with_prompt(clip, scene, region, motion, others, task)
            reason = clip
        return reason


def _moves(region: Region, scene: Scene) -> bool:
    """Is it a candidate that is whole in every frame, stands free of others and moves some distance?"""
    if not region.candidate or region.kind != "thing" or any(mask is None for mask in region.masks):
        return False
    boxes = np.array([box_of(mask) for mask in region.masks if mask is not None], np.float64)
    height, width = scene.size
    inside = (boxes[:, 0] > 0) & (boxes[:, 1] > 0)
    inside &= (boxes[:, 0] + boxes[:, 2] < width) & (boxes[:, 1] + boxes[:, 3] < height)
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    distance = float(np.linalg.norm(centres[-1] - centres[0]))
    is_large = boxes[:, 2:].prod(1).max() > 0.25 * height * width
    moves_far = distance > max(3.0, 0.2 * float(boxes[:, 2:].mean()))
    return bool(inside.all()) and not is_large and moves_far and stands_free(scene, region)


def _is_distinct(motion: str, region: Region, scene: Scene) -> bool:
    """Would the motion be seen, and true of nothing else in the clip?

    Another thing of that kind that stands still is frozen too, and so is the thing itself where a short video's last
    frame is repeated.
    """
    category = _category(region)
    if motion == "backwards":
        return any(lexicon.same_kind(category, kind) for kind in WITH_FRONT)
    if motion == "frozen":
        related = (other for other in scene.regions if lexicon.same_kind(_category(other), category))
        return all(other is region for other in related) and not _ends_repeated(region, scene)
    return motion != "fast" or _goes_sideways(region)


def _ends_repeated(region: Region, scene: Scene) -> bool:
    """Is the clip's last frame a copy of the one before (`short: repeat`)? Masks are compared first: they are cheap."""
    if region.masks[-1] != region.masks[-2]:
        return False
    return np.array_equal(scene.frames[-1].pixels(), scene.frames[-2].pixels())


def _goes_sideways(region: Region) -> bool:
    """A thing that approaches or recedes would float, or have the wrong size, farther along its way."""
    first, last = box_of(mask_at(region, 0)), box_of(mask_at(region, -1))
    down = abs(last.y + last.height - first.y - first.height)
    return down <= 0.25 * abs(last.x + last.width / 2 - first.x - first.width / 2)


def _category(region: Region) -> str:
    return region.category or region.names[0]


def _cut_track(region: Region, frames: Sequence[Pixels]) -> _Track:
    own = [mask_at(region, time) for time in range(len(frames))]
    boxes = [box_of(mask) for mask in own]
    cutouts = [cut_out(frame, mask) for frame, mask in zip(frames, own, strict=True)]
    return _Track(cutouts, [tight_bits(mask) for mask in own], np.array([(box.y, box.x) for box in boxes], np.float64))


def _new_track(track: _Track, motion: str, rng: np.random.Generator) -> tuple[list[int], NDArray[np.float64]]:
    """For each frame the number of the cut-out that it shows (T), and its foot (row, column), float64 (T, 2)."""
    count = len(track.cutouts)
    shapes = np.array([bits.shape for bits in track.bits], np.float64)
    feet = track.corners + shapes * (1.0, 0.5)
    times = np.arange(count)
    if motion == "backwards":
        return times[::-1].tolist(), feet[::-1]
    if motion == "frozen":
        moment = int(rng.integers(count // 4, count - count // 4))
        return [moment] * count, np.repeat(feet[moment : moment + 1], count, 0)
    if motion == "jitter":
        reach = np.maximum(0.18 * shapes.mean(0).mean(), 3.0)
        signs = rng.choice((-1.0, 1.0), size=(count, 2)) * (0.5, 1.0)
        return times.tolist(), feet + signs * reach * rng.uniform(0.6, 1.0, (count, 2))
    return _faster(feet, float(rng.uniform(2.0, 3.0)))


def _faster(feet: NDArray[np.float64], factor: float) -> tuple[list[int], NDArray[np.float64]]:
    """A straight track at `factor` times the speed, the same in the middle; cut-outs are played to and fro."""
    count = len(feet)
    middle = (count - 1) / 2
    moments = middle + (np.arange(count) - middle) * factor
    speed = (feet[-1] - feet[0]) / max(count - 1, 1)
    to_and_fro = np.abs((np.rint(moments).astype(int) + count - 1) % (2 * count - 2) - (count - 1))
    return to_and_fro.tolist(), feet[0] + moments[:, None] * speed


def _edit(scene: Scene, region: Region, motion: str, task: ExposureTask) -> _EditedClip | Rejection:
    """The clip with the thing on its new track."""
    frames = [frame.pixels() for frame in scene.frames]
    track = _cut_track(region, frames)
    others = [thing_bits(scene, time, (region,)) for time in range(len(frames))]
    holes = _holes(scene, region, frames, others)
    pictures = fill_holes(frames, holes, [other | hole for other, hole in zip(others, holes, strict=True)])
    if pictures is None:
        return BAD_HOLE
    moments, feet = _new_track(track, motion, task.rng)
    planes = []
    for time, (picture, moment, (row, column)) in enumerate(zip(pictures, moments, feet.tolist(), strict=True)):
        bits = track.bits[moment]
        corner = round(row) - bits.shape[0], round(column - bits.shape[1] / 2)
        spot = place(bits, corner, scene.size)
        spot = spot.behind(nearer_bits(scene, time, row, spot.window, (region,), region.depth))
        paste(picture, track.cutouts[moment], spot)
        planes.append(spot.plane(scene.size))
    mask = tuple(encode_or_none(plane) for plane in planes)
    edits = tuple(encode_or_none(plane | hole) for plane, hole in zip(planes, holes, strict=True))
    return check_limits(mask, task.limits) or _EditedClip(pictures, mask, edits)


def _holes(scene: Scene, region: Region, frames: Sequence[Pixels], others: Sequence[Bits]) -> list[Bits]:
    """What the thing leaves: its mask, its shadow and the traces around both, without other things; T of (H, W)."""
    own = [bits_at(region, time) for time in range(len(frames))]
    boxes = [box_of(mask_at(region, time)) for time in range(len(frames))]
    shadows, width = shadow_bits(frames, own, boxes, others), edge_width(scene.size)
    return [grown(bits | shadow, width) & ~other for bits, shadow, other in zip(own, shadows, others, strict=True)]


def _phrase(motion: str, thing: str) -> str:
    """``a person moving backwards``; a thing that begins with an article keeps its own."""
    has_article = thing.split()[0].lower() in ("a", "an", "the")
    if not has_article:
        thing = ("an " if thing[0].lower() in "aeiou" else "a ") + thing
    return MOTIONS[motion].replace("{a}", thing)


def _with_prompt(
    clip: _EditedClip, scene: Scene, region: Region, motion: str, others: Sequence[str], task: ExposureTask
) -> Draft:
    """The thing's motion (if exposed), motions that it does not make, and absent things with any motion.

    The thing is listed as often without an anomaly as with one, so that the words are the same.
    """
    rng, category, size = task.rng, _category(region), draw_prompt_size(task)
    anomalies = [_phrase(motion, category)] if task.exposed else []
    count = min((size + 1) // 2, len(others)) - len(anomalies)
    negatives = [_phrase(others[number], category) for number in rng.permutation(len(others))[:count].tolist()]
    absent = draw_negatives(task, scene, [], size - len(anomalies) - len(negatives), phrasing=by_category)
    motions = [motion, *others]
    subjects = dict.fromkeys([*anomalies, *negatives], category)
    for name in absent:
        phrase = _phrase(motions[int(rng.integers(len(motions)))], name)
        negatives.append(phrase)
        subjects[phrase] = name
    names, labels = shuffle_names(rng, anomalies, negatives)
    frames = edited_frames(clip.pictures, clip.edits, scene)
    shown = clip.masks if task.exposed else (None,) * len(clip.masks)
    return Draft(frames, names, labels, shown, clip.edits, subjects=tuple(subjects[name] for name in names))
