"""Regions found and false alarms of a video: what RBDC and TBDC count (Ramachandra & Jones, WACV 2020, Street Scene).

A ground-truth region is found by every detection of its frame that overlaps it by IoU >= beta; a detection that finds
none is a false positive. Several detections may find one region and one detection several regions. So a region is
found from its best detection's score downwards, and a video comes down to two lists of scores, whatever the threshold.

Letters: D detections, N ground-truth regions of all tracks, P pairs of the two that share a frame.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from lavida_bench.metrics import _curves as curves
from lavida_bench.metrics._base import Metric, Weights
from lavida_bench.metrics._score_counts import ScoreCounts
from lavida_bench.protocols.view import EvaluatedVideo
from lavida_bench.videos.types import Bits, Counts, Detections, Floats, Track
from lavida_gen.scenes import masks

Array = NDArray[np.float64]
Shape = Literal["boxes", "masks"]
PORTION = 1 << 18  # detections matched together: bounds the memory


def box_iou(first: Array, second: Array) -> Array:
    """(P,) IoU of boxes (P, 4) left, top, right, bottom, ends exclusive."""
    width = np.minimum(first[:, 2], second[:, 2]) - np.maximum(first[:, 0], second[:, 0])
    height = np.minimum(first[:, 3], second[:, 3]) - np.maximum(first[:, 1], second[:, 1])
    both = np.maximum(width, 0) * np.maximum(height, 0)
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (first, second)]
    return np.asarray(both / (areas[0] + areas[1] - both), np.float64)


def mask_iou(first: masks.RLE, second: masks.RLE) -> float:
    """IoU of two masks of one size; 0 if both are empty."""
    both = masks.area(masks.intersection([first, second]))
    either = masks.area(first) + masks.area(second) - both
    return both / either if either else 0.0


def _pairs(detections: Counts, regions: Counts) -> tuple[Counts, Counts]:
    """(P,) indices of detections and of regions of the same frame; `regions` (frame numbers) are sorted."""
    first, last = np.searchsorted(regions, detections, "left"), np.searchsorted(regions, detections, "right")
    number = last - first
    detection = np.repeat(np.arange(len(detections)), number)
    within = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    return detection, np.repeat(first, number) + within


def match_regions(
    tracks: tuple[Track, ...], detections: Detections, kept: Bits, beta: float, shape: Shape = "boxes"
) -> tuple[list[Floats], Floats]:
    """Of each track the best score (float32, -inf = never found) of each of its regions, and the false positives'.

    kept  (F,) bool, the frames that count: regions and detections of other frames are left out
    """
    frames = np.concatenate([np.zeros(0, np.int64), *(track.frames for track in tracks)])
    owner = np.repeat(np.arange(len(tracks)), [len(track.frames) for track in tracks])
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *(track.boxes for track in tracks)]).astype(np.float64)
    order = np.argsort(frames, kind="stable")
    best = np.full(len(frames), -np.inf, np.float32)  # in the order of `order`
    false = np.zeros(0, np.float32)
    counted = np.flatnonzero(kept[detections.frames])
    outlines = [outline for track in tracks for outline in track.masks]
    for portion in (counted[at : at + PORTION] for at in range(0, len(counted), PORTION)):
        one, other = _pairs(detections.frames[portion], frames[order])
        if shape == "boxes":
            shares = box_iou(detections.boxes[portion[one]].astype(np.float64), boxes[order[other]])
        else:
            met = zip(portion[one], order[other], strict=True)
            shares = np.array([mask_iou(detections.masks[a], outlines[b]) for a, b in met], np.float64)
        found = shares >= beta
        np.maximum.at(best, other[found], detections.scores[portion[one[found]]])
        hit = np.zeros(len(portion), np.bool_)
        hit[one[found]] = True
        false = np.concatenate([false, detections.scores[portion[~hit]]])
    scores = np.empty_like(best)
    scores[order] = best
    return [scores[(owner == track) & kept[frames]] for track in range(len(tracks))], false


class DetectionCriterion(Metric):
    """Area under detection rate against false positives a frame, 0..1 of them.

    shape  "boxes" (what published numbers use) or "masks"
    alpha  share of a track's regions that must be found; beta  IoU from which a region is found
    """

    shape: ClassVar[Shape] = "boxes"

    needs = "tracks"
    variants = ("micro",)

    def __init__(self, alpha: float = 0.1, beta: float = 0.1) -> None:
        super().__init__()
        self.alpha, self.beta = alpha, beta
        self._shapeless = False
        self._forget()

    def _forget(self) -> None:
        """As if no video had been seen; those seen are left out."""
        self.left_out, self.keys = [*self.left_out, *self.keys], []
        self.per_video = {}
        self.score_counts = ScoreCounts("found", "false")
        self._things: list[int] = []
        self._frames: list[int] = []
        self._detections = 0

    @abstractmethod
    def _found(self, best: list[Floats]) -> Floats:
        """Best scores of the regions of each track -> the scores from which the things counted are found."""

    def _take(self, item: EvaluatedVideo) -> bool:
        """By the frames that were looked at: a score that is repeated to others brings no detections with it."""
        tracks, detections = item.video.tracks, item.score.detections
        if self._shapeless or tracks is None or detections is None or not len(item.pixel_frames):
            return False
        if not self._has_shapes(tracks, detections):
            # All videos or none: those with nothing to outline alone would make a number of their own.
            self._shapeless = True
            self._forget()
            return False
        kept = np.zeros(item.video.frame_count, np.bool_)
        kept[item.pixel_frames] = True
        best, false = match_regions(tracks, detections, kept, self.beta, self.shape)
        found = self._found([scores for scores in best if len(scores)])
        number = len(found)
        own = ScoreCounts("found", "false")
        for tallies in (self.score_counts, own):
            tallies.add(found=(found[np.isfinite(found)], None), false=(false, None))
        self._things.append(number)
        self._frames.append(len(item.pixel_frames))
        self._detections += int(kept[detections.frames].sum())
        area = curves.detection_area(
            **own.totals(), regions=np.array([number]), frames=np.array([len(item.pixel_frames)])
        )
        self.per_video[item.key] = float(area[0])
        return True

    def _has_shapes(self, tracks: tuple[Track, ...], detections: Detections) -> bool:
        if self.shape == "boxes":
            return True
        return all(track.masks for track in tracks) and len(detections.masks) == len(detections.frames)

    def value(self, weights: Weights | None = None) -> dict[str, Array]:
        """See Metric."""
        totals = self.score_counts.totals(weights)
        weights = np.ones((1, len(self.keys))) if weights is None else weights
        things, frames = weights @ np.array(self._things, float), weights @ np.array(self._frames, float)
        return {"micro": curves.detection_area(**totals, regions=things, frames=frames)}

    def counts(self) -> dict[str, int]:
        """Videos, frames, detections and the regions or tracks to find."""
        counted = {"frames": sum(self._frames), "detections": self._detections, "to_find": sum(self._things)}
        return super().counts() | counted

    def notes(self) -> tuple[str, ...]:
        """The parameters, and what is undefined."""
        notes = [f"by {self.shape}, IoU >= {self.beta:g}, alpha {self.alpha:g}, false positives a frame 0..1"]
        if not sum(self._things):
            notes.append("no track in any video: undefined")
        return tuple(notes)


class RegionCriterion(DetectionCriterion):
    """Every ground-truth region counts."""

    def _found(self, best: list[Floats]) -> Floats:
        return np.concatenate([np.zeros(0, np.float32), *best])


class TrackCriterion(DetectionCriterion):
    """Every track counts, and is found where at least a share of alpha of its regions is."""

    def _found(self, best: list[Floats]) -> Floats:
        """A track is found from its k-th best region's score downwards, k the fewest that make a share of alpha."""
        scores = np.empty(len(best), np.float32)
        for track, regions in enumerate(best):
            fewest = max(1, math.ceil(self.alpha * len(regions) - 1e-9))  # 0.07 * 100 is a little above 7 in binary
            scores[track] = np.sort(regions)[len(regions) - fewest]
        return scores
