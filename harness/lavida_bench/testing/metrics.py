"""The contract of a metric, checked on drawn videos with labels, masks and tracks, and scores of all kinds.

Letters: F frames of a video, H W pixels, V videos, R resamples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from lavida_bench.metrics._base import Metric
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.view import EvaluatedVideo
from lavida_bench.videos.types import Bits, Detections, Floats, TestVideo, Track, VideoScore
from lavida_gen.scenes.masks import RLE, encode
from lavida_gen.testing.expect import expect

SIZE = (6, 8)
"""(H, W) of the drawn videos."""
GROUPED = 0.02
"""Weighted values may be made of grouped scores: they may differ by so much from exact ones, relatively."""
EVENT = np.array([3, 2, 7, 5], np.float32)
"""Left, top, right, bottom of what is anomalous."""
NOTHING = np.array([0, 0, 2, 1], np.float32)
"""A box where nothing ever is."""
NEEDS = ("frames", "pixels", "tracks")


def check_metric(cls: type[Metric]) -> None:
    """Check everything that an evaluation relies on in a metric.

    Args:
        cls: The class of the metric.

    Raises:
        AssertionError: The metric breaks its contract.
    """
    expect(cls.name.strip() == cls.name != "", f"name is {cls.name!r}")
    expect(cls.about.strip(), "about is empty; expected one sentence")
    expect(cls.needs in NEEDS, f"needs is {cls.needs!r}; expected one of {NEEDS}")
    expect(cls.variants and len(set(cls.variants)) == len(cls.variants), f"variants is {cls.variants}")
    views = list(drawn_views(noisy))
    metric = measured(cls, views)
    check_bookkeeping(metric, views)
    check_values(metric)
    check_weights(cls, views)
    check_order(cls, views)
    check_direction(cls)


def measured(cls: type[Metric], views: Iterable[EvaluatedVideo]) -> Metric:
    """A fresh metric that has been given these videos."""
    metric = cls()
    for view in views:
        metric.update(view)
    return metric


def check_bookkeeping(metric: Metric, views: list[EvaluatedVideo]) -> None:
    """Each video is counted or left out, and what a report shows beside the value is there."""
    keys = [view.key for view in views]
    expect(sorted([*metric.keys, *metric.left_out]) == sorted(keys), f"{metric.keys} and {metric.left_out} of {keys}")
    expect(metric.keys, "every video is left out")
    if metric.needs != "frames":
        expect("bare" in metric.left_out, f"a video without {metric.needs} is not left out")
    expect(set(metric.per_video) <= set(metric.keys), f"per_video has keys of no video: {set(metric.per_video)}")
    counts = metric.counts()
    expect({"videos", "videos_left_out"} <= set(counts), f"counts() has no videos, videos_left_out: {set(counts)}")
    expect(all(isinstance(number, int) for number in counts.values()), f"counts() has another thing than int: {counts}")
    expect(
        all(isinstance(note, str) and note for note in metric.notes()), f"notes() are no sentences: {metric.notes()}"
    )


def check_values(metric: Metric) -> None:
    """`value()` gives one number for each variant, in their order, and the same when asked again."""
    values = metric.value()
    expect(tuple(values) == metric.variants, f"value() gives {tuple(values)}; variants are {metric.variants}")
    expect(all(value.shape == (1,) for value in values.values()), "value() without weights: expected shape (1,)")
    expect(not math.isnan(metric.exact()[metric.variants[0]]), "the first variant is undefined for ordinary scores")
    expect(equal(metric.exact(), metric.exact()), "another value when asked again")


def check_weights(cls: type[Metric], views: list[EvaluatedVideo]) -> None:
    """Weights of one give the exact value, weights of nought leave a video out; R rows give R values."""
    metric = measured(cls, views)
    size = len(metric.keys)
    left_out = np.ones(size)
    left_out[0] = 0
    values = metric.value(np.stack([np.ones(size), left_out]))
    expect(all(value.shape == (2,) for value in values.values()), "value() of (2, V) weights: expected shape (2,)")
    others = measured(cls, [view for view in views if view.key != metric.keys[0]])
    for row, wanted in enumerate((metric.exact(), others.exact())):
        got = {name: float(value[row]) for name, value in values.items()}
        what = "ones" if row == 0 else "ones and a nought for the first video"
        expect(equal(got, wanted, GROUPED), f"weights of {what} give {got}, the videos themselves {wanted}")


def check_order(cls: type[Metric], views: list[EvaluatedVideo]) -> None:
    """The order of the videos does not matter."""
    one, other = measured(cls, views).exact(), measured(cls, views[::-1]).exact()
    expect(equal(one, other, 1e-9), f"{one} becomes {other} when the videos come in another order")


def check_direction(cls: type[Metric]) -> None:
    """A perfect method is better than its opposite, in the direction of `higher_is_better`."""
    good, bad = measured(cls, drawn_views(perfect)).exact(), measured(cls, drawn_views(opposite)).exact()
    name = cls.variants[0]
    better = good[name] > bad[name] if cls.higher_is_better else good[name] < bad[name]
    undefined = math.isnan(bad[name])
    expect(better or undefined, f"a perfect method has {good[name]}, its opposite {bad[name]}: check higher_is_better")


def equal(one: dict[str, float], other: dict[str, float], tolerance: float = 0.0) -> bool:
    """Whether two values are the same in each variant, NaN being equal to NaN."""
    pairs = [(one[name], other[name]) for name in one]
    return all(a == b or np.isclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True) for a, b in pairs)


# ---- drawn videos and methods ------------------------------------------------------------------------------------

Method = Callable[[TestVideo, Bits, np.random.Generator], VideoScore]
"""Scores a video whose masks (F, H, W) are given."""


def drawn_views(method: Method) -> Iterable[EvaluatedVideo]:
    """Five videos under the official protocol: two with an event, one with two, a normal one, one without masks."""
    official = protocols.make("official")
    events = {"gate": [(10, 20)], "yard": [(30, 50)], "quay": [(5, 15), (40, 55)], "calm": [], "bare": [(20, 30)]}
    for number, (key, stretches) in enumerate(events.items()):
        masks = np.zeros((60, *SIZE), np.bool_)
        for start, stop in stretches:
            masks[start:stop, 2:5, 3:7] = True  # EVENT
        video = drawn_video(key, masks, stretches, bare=key == "bare")
        yield official.view(video, method(video, masks, np.random.default_rng(number)))


def drawn_video(key: str, masks: Bits, stretches: list[tuple[int, int]], bare: bool) -> TestVideo:
    """A video of a fixed camera, black, at 25 frames a second; `bare` = frame labels alone."""
    tracks = tuple(event_track(start, stop) for start, stop in stretches)
    return TestVideo(
        key,
        len(masks),
        SIZE,
        lambda start, stop, step: np.zeros((len(range(start, stop, step)), *SIZE, 3), np.uint8),
        25.0,
        ("a", "b"),
        np.asarray(masks.any(axis=(1, 2)), np.bool_),
        None if bare else lambda start, stop: masks[start:stop],
        None if bare else tracks,
        label_shares=None if bare else np.where(masks.any(axis=(1, 2)), 0.75, 0.0),
    )


def event_track(start: int, stop: int) -> Track:
    """The track of an event, with boxes and masks."""
    boxes = np.tile(EVENT, (stop - start, 1))
    return Track(f"event {start}", np.arange(start, stop), boxes, tuple(box_mask(box) for box in boxes))


def box_mask(box: Floats) -> RLE:
    """The mask of all pixels in a box of left, top, right, bottom."""
    left, top, right, bottom = box.astype(int)
    mask = np.zeros(SIZE, np.bool_)
    mask[top:bottom, left:right] = True
    return encode(mask)


def scored(video: TestVideo, frames: Floats, maps: Floats, boxes: Floats) -> VideoScore:
    """(F,) scores, (F, H, W) maps, and for every frame a region (F, 4) that has the frame's score."""
    if not video.has_pixels:
        return VideoScore(video.key, frames)
    halves = maps.astype(np.float16)
    regions = Detections(np.arange(len(frames)), boxes, frames, tuple(box_mask(box) for box in boxes))
    return VideoScore(video.key, frames, None, lambda start, stop: halves[start:stop], regions)


def perfect(video: TestVideo, masks: Bits, rng: np.random.Generator) -> VideoScore:
    """Scores 1 where something is anomalous, else 0; regions where the event is."""
    frames = np.asarray(masks.any(axis=(1, 2)), np.float32)
    return scored(video, frames, masks.astype(np.float32), np.tile(EVENT, (len(masks), 1)))


def opposite(video: TestVideo, masks: Bits, rng: np.random.Generator) -> VideoScore:
    """Scores 0 where something is anomalous, else 1; regions where nothing is."""
    frames = np.asarray(~masks.any(axis=(1, 2)), np.float32)
    return scored(video, frames, 1 - masks.astype(np.float32), np.tile(NOTHING, (len(masks), 1)))


def noisy(video: TestVideo, masks: Bits, rng: np.random.Generator) -> VideoScore:
    """Scores that are higher where something is anomalous, with noise; regions that shake."""
    frames = np.asarray(rng.standard_normal(len(masks)) + 1.5 * masks.any(axis=(1, 2)), np.float32)
    maps = np.asarray(rng.standard_normal(masks.shape) + 1.5 * masks, np.float32)
    boxes = np.asarray(EVENT + rng.integers(-1, 2, (len(masks), 1)), np.float32)
    return scored(video, frames, maps, boxes)
