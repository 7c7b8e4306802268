"""Regions found and false alarms of a video: what RBDC and TBDC count.

Source: Ramachandra & Jones, "Street Scene: A new dataset and evaluation protocol for video anomaly detection", WACV
2020. A ground-truth region is found by every detection of its frame that overlaps it by IoU >= beta; a detection that
finds none is a false positive. Several detections may find one region and one detection several regions. A region is
therefore found at every threshold up to its best detection's score, and a video is reduced to two lists of scores,
whatever the threshold.

Letters: D detections, N ground-truth regions of all tracks, P pairs of the two that share a frame, F frames.
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
    """Intersection over union of pairs of boxes.

    Args:
        first: (P, 4) left, top, right, bottom in pixels, right and bottom exclusive.
        second: (P, 4) the same.

    Returns:
        (P,) values in 0..1.
    """
    width = np.minimum(first[:, 2], second[:, 2]) - np.maximum(first[:, 0], second[:, 0])
    height = np.minimum(first[:, 3], second[:, 3]) - np.maximum(first[:, 1], second[:, 1])
    both = np.maximum(width, 0) * np.maximum(height, 0)
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (first, second)]
    return np.asarray(both / (areas[0] + areas[1] - both), np.float64)


def mask_iou(first: masks.RLE, second: masks.RLE) -> float:
    """Intersection over union of two masks.

    Args:
        first: A run-length mask.
        second: Another one of the same size.

    Returns:
        A value in 0..1; 0 if both are empty.
    """
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
    """Match the detections of a video with its ground-truth regions.

    Args:
        tracks: The ground truth.
        detections: A method's regions.
        kept: (F,) bool, the frames that count: regions and detections of other frames are left out.
        beta: IoU from which a detection finds a region.
        shape: Whether boxes overlap, or masks.

    Returns:
        For each track the best score of each of its regions (float32, -inf = never found), and the scores of the false
        positives (float32).
    """
    frames = np.concatenate([np.zeros(0, np.int64), *(track.frames for track in tracks)])
    owner = np.repeat(np.arange(len(tracks)), [len(track.frames) for track in tracks])
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *(track.boxes for track in tracks)]).astype(np.float64)
    region_masks = [mask for track in tracks for mask in track.masks]
    order = np.argsort(frames, kind="stable")
    best = np.full(len(frames), -np.inf, np.float32)  # in the order of `order`
    false: list[Floats] = [np.zeros(0, np.float32)]
    counted = np.flatnonzero(kept[detections.frames])
    for start in range(0, len(counted), PORTION):
        portion = counted[start : start + PORTION]
        detected, region = _pairs(detections.frames[portion], frames[order])
        if shape == "boxes":
            ious = box_iou(detections.boxes[portion[detected]].astype(np.float64), boxes[order[region]])
        else:
            pairs = zip(portion[detected], order[region], strict=True)
            ious = np.array([mask_iou(detections.masks[a], region_masks[b]) for a, b in pairs], np.float64)
        found = ious >= beta
        np.maximum.at(best, region[found], detections.scores[portion[detected[found]]])
        hit = np.zeros(len(portion), np.bool_)
        hit[detected[found]] = True
        false.append(detections.scores[portion[~hit]])
    scores = np.empty_like(best)
    scores[order] = best
    return [scores[(owner == track) & kept[frames]] for track in range(len(tracks))], np.concatenate(false)


class DetectionCriterion(Metric):
    """Area under detection rate against false positives a frame, 0..1 of them.

    `shape` is "boxes" (what published numbers use) or "masks".

    Args:
        alpha: Share of a track's regions that must be found.
        beta: IoU from which a detection finds a region.
    """

    shape: ClassVar[Shape] = "boxes"

    needs = "tracks"
    variants = ("micro",)

    def __init__(self, alpha: float = 0.1, beta: float = 0.1) -> None:
        super().__init__()
        self.alpha, self.beta = alpha, beta
        self._masks_missing = False
        self._reset()

    def _reset(self) -> None:
        """Forget all videos; they count as left out."""
        self.left_out, self.keys = [*self.left_out, *self.keys], []
        self.per_video = {}
        self.score_counts = ScoreCounts("found", "false")
        self._to_find: list[int] = []  # of each video: regions or tracks
        self._frames: list[int] = []  # of each video
        self._detections = 0

    @abstractmethod
    def _found(self, best: list[Floats]) -> Floats:
        """Best scores of the regions of each track -> for each region or track the score up to which it is found."""

    def _add_video(self, item: EvaluatedVideo) -> bool:
        """Only sampled frames count: a score that is repeated for other frames brings no detections with it."""
        tracks, detections = item.video.tracks, item.score.detections
        if self._masks_missing or tracks is None or detections is None or not len(item.pixel_frames):
            return False
        if self.shape == "masks" and not _have_masks(tracks, detections):
            # All videos or none: a number over only those without tracks and detections would mislead.
            self._masks_missing = True
            self._reset()
            return False
        kept = np.zeros(item.video.frame_count, np.bool_)
        kept[item.pixel_frames] = True
        best, false = match_regions(tracks, detections, kept, self.beta, self.shape)
        found = self._found([scores for scores in best if len(scores)])
        own = ScoreCounts("found", "false")
        for score_counts in (self.score_counts, own):
            score_counts.add(found=(found[np.isfinite(found)], None), false=(false, None))
        self._to_find.append(len(found))
        self._frames.append(len(item.pixel_frames))
        self._detections += int(kept[detections.frames].sum())
        area = curves.detection_area(
            **own.totals(), regions=np.array([len(found)]), frames=np.array([len(item.pixel_frames)])
        )
        self.per_video[item.key] = float(area[0])
        return True

    def value(self, weights: Weights | None = None) -> dict[str, Array]:
        """The area over all regions or tracks of all videos."""
        totals = self.score_counts.totals(weights)
        weights = np.ones((1, len(self.keys))) if weights is None else weights
        to_find, frames = weights @ np.array(self._to_find, float), weights @ np.array(self._frames, float)
        return {"micro": curves.detection_area(**totals, regions=to_find, frames=frames)}

    def counts(self) -> dict[str, int]:
        """Videos, frames, detections and the regions or tracks to find."""
        counted = {"frames": sum(self._frames), "detections": self._detections, "to_find": sum(self._to_find)}
        return super().counts() | counted

    def notes(self) -> tuple[str, ...]:
        """The parameters, and what is undefined."""
        notes = [f"by {self.shape}, IoU >= {self.beta:g}, alpha {self.alpha:g}, false positives a frame 0..1"]
        if not sum(self._to_find):
            notes.append("no track in any video: undefined")
        return tuple(notes)


def _have_masks(tracks: tuple[Track, ...], detections: Detections) -> bool:
    """Whether every region and every detection has a mask."""
    return all(track.masks for track in tracks) and len(detections.masks) == len(detections.frames)


class RegionCriterion(DetectionCriterion):
    """Every ground-truth region counts."""

    def _found(self, best: list[Floats]) -> Floats:
        return np.concatenate([np.zeros(0, np.float32), *best])


class TrackCriterion(DetectionCriterion):
    """Every track counts; it is found where at least a share of alpha of its regions is."""

    def _found(self, best: list[Floats]) -> Floats:
        """A track is found up to the score of its k-th best region, k the smallest number that is a share of alpha."""
        scores = np.empty(len(best), np.float32)
        for track, regions in enumerate(best):
            fewest = max(1, math.ceil(self.alpha * len(regions) - 1e-9))  # 0.07 * 100 is a little above 7 in binary
            scores[track] = np.sort(regions)[len(regions) - fewest]
        return scores
