"""Regions found and false alarms of a video: what RBDC and TBDC count.

Source: Ramachandra & Jones, "Street Scene: A new dataset and evaluation protocol for video anomaly detection", WACV
2020; the details are those of the script that most papers use (Georgescu et al., AED, compute_tbdc_rbdc.py), of which
no line is taken over. A ground-truth region is found by every detection of its frame that overlaps it by IoU >= beta; a
detection that overlaps none is a false positive. Several detections may find one region and one detection several
regions. A region is therefore found from its best detection on, and a video is reduced to two lists of detections.

Boxes have exclusive ends here; where a file has inclusive ends (tracks of AED, KEY.boxes.csv), its reader adds 1, so
that a box of one pixel has an area of one pixel, as in the script.

Letters: D detections, N ground-truth regions of all tracks, P pairs of the two that share a frame, F frames.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_bench.metrics import _curves as curves
from lavida_bench.metrics._base import Metric, Weights
from lavida_bench.metrics._score_counts import ScoreCounts
from lavida_bench.protocols.view import EvaluatedVideo
from lavida_bench.videos.types import Bits, Boxes, Counts, Detections, Floats, Track
from lavida_gen.scenes import masks

Array = NDArray[np.float64]
Shape = Literal["boxes", "masks"]
PORTION = 1 << 18  # detections matched together: bounds the memory
NEVER = np.iinfo(np.int64).max
"""The place of a detection that does not exist: a region that is never found."""


class Matches(NamedTuple):
    """What the detections of one video find. A detection is named by its place: 0 = highest score, first row.

    Attributes:
        scores: (D',) float64, of each place.
        best: Of each track the place of the best detection of each of its regions, NEVER = never found.
        false: Places of the false positives.
    """

    scores: Array
    best: list[Counts]
    false: Counts


def box_iou(first: Boxes, second: Boxes) -> Array:
    """Intersection over union of pairs of boxes.

    Args:
        first: (P, 4) left, top, right, bottom in pixels, right and bottom exclusive.
        second: (P, 4) the same.

    Returns:
        (P,) values in 0..1; 0 for two boxes without extent.
    """
    width = np.minimum(first[:, 2], second[:, 2]) - np.maximum(first[:, 0], second[:, 0])
    height = np.minimum(first[:, 3], second[:, 3]) - np.maximum(first[:, 1], second[:, 1])
    both = np.maximum(width, 0) * np.maximum(height, 0)
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (first, second)]
    either = areas[0] + areas[1] - both
    return np.asarray(np.divide(both, either, out=np.zeros(len(both)), where=either > 0), np.float64)


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
) -> Matches:
    """Match the detections of a video with its ground-truth regions.

    Args:
        tracks: The ground truth.
        detections: A method's regions.
        kept: (F,) bool, the frames that count: regions and detections of other frames are left out.
        beta: IoU from which a detection finds a region.
        shape: Whether boxes overlap, or masks.

    Returns:
        What is found and what is false.
    """
    frames = np.concatenate([np.zeros(0, np.int64), *(track.frames for track in tracks)])
    owner = np.repeat(np.arange(len(tracks)), [len(track.frames) for track in tracks])
    boxes = np.concatenate([np.zeros((0, 4)), *(track.boxes for track in tracks)])
    region_masks = [mask for track in tracks for mask in track.masks]
    order = np.argsort(frames, kind="stable")
    counted = np.flatnonzero(kept[detections.frames])
    counted = counted[np.argsort(-detections.scores[counted], kind="stable")]
    first = np.full(len(frames), NEVER)  # in the order of `order`
    false = np.ones(len(counted), np.bool_)
    for start in range(0, len(counted), PORTION):
        portion = counted[start : start + PORTION]
        detected, region = _pairs(detections.frames[portion], frames[order])
        if shape == "boxes":
            ious = box_iou(detections.boxes[portion[detected]], boxes[order[region]])
        else:
            pairs = zip(portion[detected], order[region], strict=True)
            ious = np.array([mask_iou(detections.masks[a], region_masks[b]) for a, b in pairs], np.float64)
        found = ious >= beta
        np.minimum.at(first, region[found], start + detected[found])
        false[start + detected[found]] = False
    best = np.empty_like(first)
    best[order] = first
    of_tracks = [best[(owner == track) & kept[frames]] for track in range(len(tracks))]
    return Matches(np.asarray(detections.scores[counted], np.float64), of_tracks, np.flatnonzero(false))


class DetectionCriterion(Metric):
    """Area under detection rate against false positives a frame, 0..1 of them.

    micro         one threshold for each score: a straight line where several detections share one, so that no order
                  matters
    script_order  each detection a step of its own, as the script of AED takes them: equal scores by the videos' names,
                  then in the order of the file
    ties_worst    of detections with equal scores the false positives first: no order gives less
    ties_best     of detections with equal scores the false positives last: no order gives more

    Without equal scores all four are equal. Boxes of files with inclusive ends get 1 added to right and bottom.
    `shape` is "boxes" (what published numbers use) or "masks".

    Args:
        alpha: Share of a track's regions that must be found.
        beta: IoU from which a detection finds a region.
    """

    shape: ClassVar[Shape] = "boxes"

    needs = "tracks"
    variants = ("micro", "script_order", "ties_worst", "ties_best")

    def __init__(self, alpha: float = 0.1, beta: float = 0.1) -> None:
        super().__init__()
        self.alpha, self.beta = alpha, beta
        self._masks_missing = False
        self._reset()

    def _reset(self) -> None:
        """Forget all videos; they count as left out."""
        self.left_out, self.keys, self.groups = [*self.left_out, *self.keys], [], []
        self.per_video = {}
        self.score_counts = ScoreCounts("found", "false")
        self._to_find: list[int] = []  # of each video: regions or tracks
        self._frames: list[int] = []  # of each video
        self._detections = 0
        self._matches: list[tuple[str, Array, Counts, Counts]] = []  # video, scores by place, places found and false
        self._frames_given: int | None = None
        self._exact: dict[str, float] | None = None

    @abstractmethod
    def _found(self, best: list[Counts]) -> Counts:
        """Best places of the regions of each track -> for each region or track the place from which it is found."""

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
        matches = match_regions(tracks, detections, kept, self.beta, self.shape)
        places = self._found([regions for regions in matches.best if len(regions)])
        found = places[places != NEVER]
        self._matches.append((item.key, matches.scores, found, matches.false))
        own = ScoreCounts("found", "false")
        for score_counts in (self.score_counts, own):
            score_counts.add(found=(matches.scores[found], None), false=(matches.scores[matches.false], None))
        self._frames_given, self._exact = item.detection_frames, None
        self._to_find.append(len(places))
        self._frames.append(len(item.pixel_frames))
        self._detections += int(kept[detections.frames].sum())
        totals, frames = own.totals(), np.array([len(item.pixel_frames)])
        area = curves.detection_area(totals["found"], totals["false"], np.array([len(places)]), frames)
        self.per_video[item.key] = float(area[0])
        return True

    def value(self, weights: Weights | None = None) -> dict[str, Array]:
        """The area over all regions or tracks of all videos.

        In resamples the variants differ from the first as they do without: equal scores move a number by much less
        than the draw of the videos.
        """
        if weights is None:
            to_find, frames = np.array([float(sum(self._to_find))]), np.array([float(self._frame_count())])
            totals = self.score_counts.totals()
            found, false = totals["found"], totals["false"]
            return {
                "micro": curves.detection_area(found, false, to_find, frames),
                "script_order": np.array([self._area_in_script_order()]),
                "ties_worst": curves.detection_area(found, false, to_find, frames, "worst"),
                "ties_best": curves.detection_area(found, false, to_find, frames, "best"),
            }
        to_find, frames = weights @ np.array(self._to_find, float), weights @ np.array(self._frames, float)
        frames *= self._frame_count() / max(1, sum(self._frames))
        totals = self.score_counts.totals(weights)
        micro = curves.detection_area(totals["found"], totals["false"], to_find, frames)
        exact = self.exact()
        return {variant: micro + (exact[variant] - exact["micro"]) for variant in self.variants}

    def exact(self) -> dict[str, float]:
        """Variant -> value over all videos, computed once."""
        if self._exact is None:
            self._exact = super().exact()
        return self._exact

    def _frame_count(self) -> int:
        """N: the frames that count, or the number that the protocol gives."""
        return self._frames_given or sum(self._frames)

    def _area_in_script_order(self) -> float:
        """Detections by score, equal ones by the video's name and then by their row in its file."""
        columns: list[tuple[Floats, Counts, Counts, Bits]] = []
        for index, (_, scores, found, false) in enumerate(sorted(self._matches, key=lambda match: match[0])):
            places = np.concatenate([found, false])
            is_false = np.arange(len(places)) >= len(found)
            columns.append((scores[places], np.full(len(places), index), places, is_false))
        if not columns:
            return math.nan
        score, video, place, false_ = (np.concatenate(column) for column in zip(*columns, strict=True))
        order = np.lexsort((place, video, -score))
        return curves.stepwise_detection_area(false_[order], sum(self._to_find), self._frame_count())

    def counts(self) -> dict[str, int]:
        """Videos, frames, detections and the regions or tracks to find."""
        counted = {"frames": self._frame_count(), "detections": self._detections, "to_find": sum(self._to_find)}
        return super().counts() | counted

    def notes(self) -> tuple[str, ...]:
        """The parameters, and what is undefined."""
        given = " (as the protocol has it)" if self._frames_given else ""
        notes = [
            f"by {self.shape}, IoU >= {self.beta:g}, alpha {self.alpha:g}, false positives a frame 0..1 over "
            f"{self._frame_count():,} frames{given}"
        ]
        if not sum(self._to_find):
            notes.append("no track in any video: undefined")
        elif self.keys:
            exact = self.exact()
            low, high = exact["ties_worst"], exact["ties_best"]
            if high > low:
                notes.append(f"detections share scores: by their order the number is between {low:.6f} and {high:.6f}")
        return tuple(notes)


def _have_masks(tracks: tuple[Track, ...], detections: Detections) -> bool:
    """Whether every region and every detection has a mask."""
    return all(track.masks for track in tracks) and len(detections.masks) == len(detections.frames)


class RegionCriterion(DetectionCriterion):
    """Every ground-truth region counts."""

    def _found(self, best: list[Counts]) -> Counts:
        return np.concatenate([np.zeros(0, np.int64), *best])


class TrackCriterion(DetectionCriterion):
    """Every track counts; it is found where at least a share of alpha of its regions is."""

    def _found(self, best: list[Counts]) -> Counts:
        """A track is found from the place of its k-th region found, k the smallest number that is a share of alpha."""
        places = np.empty(len(best), np.int64)
        for track, regions in enumerate(best):
            fewest = max(1, math.ceil(self.alpha * len(regions) - 1e-9))  # 0.07 * 100 is a little above 7 in binary
            places[track] = np.sort(regions)[fewest - 1]
        return places
