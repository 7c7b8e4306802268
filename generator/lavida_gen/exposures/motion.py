"""A thing of a clip moves as things do not: sped up, frozen, backwards or jittering; named by the motion.

Wrong motion made of right motion, as in skipped and reversed frames (Georgescu et al., Anomaly Detection in Video via
Self-Supervised and Multi-Task Learning, CVPR 2021) and jittered tracks of pasted objects (Astrid et al., Learning Not
to Reconstruct Anomalies, BMVC 2021); here for one thing while everything else goes on. Its track is taken out, the
background filled from other frames of the clip, and it is set in again along the new track. Only clips whose camera
stands still (or whose background can be taken from beside) will do.

Without an anomaly the clip is changed too, but another motion is named: seams tell nothing. All pixels outside
`Draft.edits` are those of the source; the shard's JPEG of an edited frame is encoded anew.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_gen.exposures import _editing as editing
from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.exposures._candidates import check_limits, shuffled
from lavida_gen.exposures._editing import Cutout
from lavida_gen.exposures._negatives import negatives, plainly, prompt_size
from lavida_gen.names import lexicon
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Pixels
from lavida_gen.scenes.masks import Bits
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
SHADE = 8.0
"""Grey levels by which a shadow changes the ground."""
FRONTED = ("person", "vehicle", "animal")
"""Backwards is seen only of what has a front."""


class _Track(NamedTuple):
    """A thing through a clip: T cut-outs and their top left corners (T, 2) in rows and columns."""

    region: Region
    looks: list[Cutout]
    corners: NDArray[np.float64]


class Motion(Exposure):
    """One thing of a clip moves in a way that things do not."""

    outcomes: ClassVar[frozenset[bool]] = frozenset({True, False})
    kinds: ClassVar[frozenset[Kind]] = frozenset({"clip"})

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """The changed thing, named by its motion, among other motions and other things."""
        movers = [region for region in scene.regions if _moves(region, scene)]
        movers = [one for one in movers if not check_limits(one.masks, task.limits)]
        why = NO_MOVER
        for at in task.rng.permutation(len(movers))[:3].tolist():
            region = movers[at]
            ways = [way for way in MOTIONS if _makes_sense(way, region, scene)]
            if len(ways) < 2:
                continue  # nothing to tell it from
            way = ways[int(task.rng.integers(len(ways)))]
            made = _changed(scene, region, way, task)
            if isinstance(made, Draft):
                return _named(made, scene, region, [way, *(one for one in ways if one != way)], task)
            why = made
        return why


def _moves(region: Region, scene: Scene) -> bool:
    """A candidate that is whole in every frame, stands free of others and goes some way."""
    if not region.candidate or region.kind != "thing" or any(mask is None for mask in region.masks):
        return False
    boxes = np.array([masks.box(mask) for mask in region.masks if mask is not None], np.float64)
    height, width = scene.size
    inside = (boxes[:, 0] > 0) & (boxes[:, 1] > 0)
    inside &= (boxes[:, 0] + boxes[:, 2] < width) & (boxes[:, 1] + boxes[:, 3] < height)
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    way = float(np.linalg.norm(centres[-1] - centres[0]))
    large = boxes[:, 2:].prod(1).max() > 0.25 * height * width
    far = way > max(3.0, 0.2 * float(boxes[:, 2:].mean()))
    return bool(inside.all()) and not large and far and editing.free(scene, region)


def _makes_sense(way: str, region: Region, scene: Scene) -> bool:
    """Would nothing else in the clip be called so: another thing of that kind that stands still is frozen too.

    So is the thing itself where a short video's last frame is repeated.
    """
    kind = _kind(region)
    if way == "backwards":
        return any(lexicon.same_kind(kind, one) for one in FRONTED)
    if way == "frozen":
        kin = [one for one in scene.regions if one is not region and lexicon.same_kind(_kind(one), kind)]
        return not kin and not _repeated(region, scene)
    return way != "fast" or _level(region)


def _repeated(region: Region, scene: Scene) -> bool:
    """Is the clip's last frame the one before it over again (`short: repeat`)? Masks first: they cost nothing."""
    if region.masks[-1] != region.masks[-2]:
        return False
    return np.array_equal(scene.frames[-1].pixels(), scene.frames[-2].pixels())


def _level(region: Region) -> bool:
    """Does it go sideways: farther on the way of one that comes or goes, it would float, or be of the wrong size."""
    first, last = (masks.box(mask) for mask in (region.masks[0], region.masks[-1]) if mask is not None)
    down = abs(last.y + last.height - first.y - first.height)
    return down <= 0.25 * abs(last.x + last.width / 2 - first.x - first.width / 2)


def _kind(region: Region) -> str:
    return region.category or region.names[0]


def _track(scene: Scene, region: Region, frames: list[Pixels]) -> _Track:
    looks, corners = [], []
    for time, mask in enumerate(region.masks):
        assert mask is not None
        box = masks.box(mask)
        looks.append(editing.cut(frames[time], mask))
        corners.append((box.y, box.x))
    return _Track(region, looks, np.array(corners, np.float64))


def _new_track(track: _Track, way: str, rng: np.random.Generator) -> tuple[list[int], NDArray[np.float64]]:
    """Which look each frame shows (T), and feet (row, column) (T, 2)."""
    count = len(track.looks)
    shapes = np.array([look.bits.shape for look in track.looks], np.float64)
    feet = track.corners + shapes * (1.0, 0.5)
    times = np.arange(count)
    if way == "backwards":
        return times[::-1].tolist(), feet[::-1]
    if way == "frozen":
        at = int(rng.integers(count // 4, count - count // 4))
        return [at] * count, np.repeat(feet[at : at + 1], count, 0)
    if way == "jitter":
        reach = np.maximum(0.18 * shapes.mean(0).mean(), 3.0)
        signs = rng.choice((-1.0, 1.0), size=(count, 2)) * (0.5, 1.0)
        return times.tolist(), feet + signs * reach * rng.uniform(0.6, 1.0, (count, 2))
    middle = (count - 1) / 2
    pace = float(rng.uniform(2.0, 3.0))
    drawn_out = middle + (times - middle) * pace
    speed = (feet[-1] - feet[0]) / max(count - 1, 1)
    new = feet[0] + drawn_out[:, None] * speed
    swing = np.abs((np.rint(drawn_out).astype(int) + count - 1) % (2 * count - 2) - (count - 1))  # to and fro
    return swing.tolist(), new


def _changed(scene: Scene, region: Region, way: str, task: ExposureTask) -> Draft | Rejection:
    """The clip with the thing on its new track. The name is only a stand-in."""
    frames = [frame.pixels() for frame in scene.frames]
    track = _track(scene, region, frames)
    own = [_bits(region, time) for time in range(len(frames))]
    others = [editing.things(scene, time, (region,)) for time in range(len(frames))]
    shades = _shadows(frames, own, others)
    holes = [editing.grown(a | c, editing.margin(scene.size)) & ~b for a, b, c in zip(own, others, shades, strict=True)]
    canvases = editing.fill(frames, holes, [a | b for a, b in zip(others, holes, strict=True)])
    if canvases is None:
        return BAD_HOLE
    looks, feet = _new_track(track, way, task.rng)
    shown = []
    for time, (canvas, at, foot) in enumerate(zip(canvases, looks, feet, strict=True)):
        look = track.looks[at]
        corner = round(float(foot[0])) - look.bits.shape[0], round(float(foot[1]) - look.bits.shape[1] / 2)
        hidden = editing.nearer(scene, time, float(foot[0]), (region,), region.depth)
        shown.append(editing.put(canvas, look, corner, hidden))
    mask = tuple(editing.encoded(plane) for plane in shown)
    why = check_limits(mask, task.limits)
    if why is not None:
        return why
    drawn, edits = editing.drawn(canvases, [a | b for a, b in zip(shown, holes, strict=True)], scene)
    return Draft(drawn, (_kind(region),), (True,), mask, edits)


def _shadows(frames: list[Pixels], own: list[Bits], others: list[Bits]) -> list[Bits]:
    """What else changes close to the thing, T of (H, W): its shadow. Nothing where the camera moves: all changes."""
    import cv2

    found = []
    zones = [_around(bits) for bits in own]
    rows, columns = (slice(min(z[at].start for z in zones), max(z[at].stop for z in zones)) for at in (0, 1))
    usual = np.median(np.stack([frame[rows, columns] for frame in frames]), axis=0)
    for frame, bits, rest, zone in zip(frames, own, others, zones, strict=True):
        then = usual[zone[0].start - rows.start : zone[0].stop - rows.start,
                     zone[1].start - columns.start : zone[1].stop - columns.start]  # fmt: skip
        odd = np.zeros_like(bits)
        odd[zone] = (np.abs(frame[zone] - then).max(2) > SHADE) & ~rest[zone] & ~bits[zone]
        odd = cv2.morphologyEx(odd.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)) > 0
        found.append(odd if odd.sum() < 1.5 * bits.sum() else np.zeros_like(bits))
    return found


def _around(bits: Bits) -> tuple[slice, slice]:
    """Rows and columns where the shadow of a thing may lie."""
    rows, columns = np.flatnonzero(bits.any(1)), np.flatnonzero(bits.any(0))
    tall, wide = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    reach = max(tall, wide)
    bottom, right = min(int(rows[-1]) + tall // 2, bits.shape[0]), min(int(columns[-1]) + reach, bits.shape[1])
    return slice(int(rows[0]), bottom), slice(max(int(columns[0]) - reach, 0), right)


def _bits(region: Region, time: int) -> Bits:
    mask = region.masks[time]
    assert mask is not None
    return masks.decode(mask)


def _say(way: str, thing: str) -> str:
    """``a person moving backwards``; what has an article or is a longer expression gets none."""
    bare = thing.split()[0].lower() in ("a", "an", "the")
    article = "" if bare else "an " if thing[0].lower() in "aeiou" else "a "
    return MOTIONS[way].replace("{a}", article + thing)


def _named(made: Draft, scene: Scene, region: Region, ways: list[str], task: ExposureTask) -> Draft:
    """The thing's motion (if exposed), motions that it does not do, and things that are not there doing any.

    `ways` are those that it could go, first the one that it does. As many of them are listed without an anomaly as with
    one, so that the words are the same.
    """
    rng, kind, size = task.rng, _kind(region), prompt_size(task)
    anomalies = [_say(ways[0], kind)] if task.exposed else []
    count = min((size + 1) // 2, len(ways) - 1) - len(anomalies)
    others = [_say(ways[at + 1], kind) for at in rng.permutation(len(ways) - 1)[:count].tolist()]
    absent = negatives(task, scene, [], size - len(anomalies) - len(others), worded=plainly)
    others += [_say(ways[int(rng.integers(len(ways)))], name) for name in absent]
    texts, labels = zip(*shuffled(rng, anomalies, others), strict=True)
    shown = made.masks if task.exposed else (None,) * len(made.masks)
    return Draft(made.frames, texts, labels, shown, made.edits)
