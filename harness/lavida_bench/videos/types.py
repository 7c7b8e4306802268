"""The videos of a benchmark (TestVideo with labels, masks, tracks) and a method's scores of them (VideoScore).

Nothing here decodes or computes: readers are called only for the frames that are asked for, and only then.
Letters: F frames of a test video, n frames of one reading, H W pixels of the video, h w of maps, D detections.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes.masks import RLE

Pixels = NDArray[np.uint8]
Bits = NDArray[np.bool_]
Maps = NDArray[np.floating[Any]]
"""Pixel maps of float16, float32 or float64: nothing is rounded."""
Floats = NDArray[np.floating[Any]]
Boxes = NDArray[np.float64] | NDArray[np.float32]
Counts = NDArray[np.int64]
MAP_DTYPES = (np.float16, np.float32, np.float64)


def _set_fields(instance: object, **values: object) -> None:
    """Set fields of a frozen dataclass in its `__post_init__`."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def _check_boxes(where: str, frames: Counts, boxes: Boxes, masks: tuple[RLE, ...], frame_count: int) -> None:
    """Check that boxes (n, 4) are finite and not turned round, and that all or none of them have a mask."""
    if boxes.shape != (len(frames), 4):
        raise DataError(problem(where, f"{len(frames)} frame numbers, boxes of shape {boxes.shape}", "(n, 4) boxes"))
    bad = ~np.isfinite(boxes).all(axis=1) | (boxes[:, 2:] < boxes[:, :2]).any(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        box = ", ".join(f"{x:g}" for x in boxes[row])
        expected = "left, top, right, bottom with left <= right and top <= bottom"
        raise DataError(problem(f"{where}, frame {frames[row]}", f"box ({box})", expected))
    if masks and len(masks) != len(frames):
        raise DataError(problem(where, f"{len(masks)} masks for {len(frames)} boxes", "one a box, or none at all"))
    outside = (frames < 0) | (frames >= frame_count)
    if outside.any():
        raise DataError(problem(where, f"a region in frame {frames[np.argmax(outside)]}", f"0..{frame_count - 1}"))


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One anomaly followed through a video.

    Attributes:
        name: What it is, "" if the benchmark does not name it.
        frames: (n,) int64, 0-based, strictly ascending: where it is annotated; n >= 1.
        boxes: (n, 4) float64: left, top, right, bottom in pixels, right and bottom EXCLUSIVE (a box of one pixel is
            x, y, x + 1, y + 1); readers of files with inclusive ends add 1. A box without extent is never found.
        masks: n run-length masks of (H, W), or () where only boxes are known.
    """

    name: str
    frames: Counts
    boxes: Boxes
    masks: tuple[RLE, ...] = ()

    def __post_init__(self) -> None:
        _set_fields(self, frames=np.asarray(self.frames, np.int64), boxes=np.asarray(self.boxes, np.float64))

    def check(self, key: str, frame_count: int) -> None:
        """Check that the track fits its video.

        Args:
            key: The video's key, for the message.
            frame_count: F of the video.

        Raises:
            DataError: No frame, frames not ascending or outside the video, or an invalid box.
        """
        where = f"{key}, track {self.name!r}"
        if not len(self.frames) or (np.diff(self.frames) <= 0).any():
            raise DataError(problem(where, f"frames {self.frames[:8].tolist()}", "at least one, strictly ascending"))
        _check_boxes(where, self.frames, self.boxes, self.masks, frame_count)


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The regions that a method calls anomalous in one video, as columns: a million regions are common.

    Attributes:
        frames: (D,) int64, 0-based, in any order.
        boxes: (D, 4) float64 in pixels, as in Track. A box without extent finds nothing.
        scores: (D,) float64, higher = more anomalous, finite.
        masks: D run-length masks of (H, W), or ().
    """

    frames: Counts
    boxes: Boxes
    scores: Floats
    masks: tuple[RLE, ...] = ()

    def __post_init__(self) -> None:
        boxes = np.asarray(self.boxes, np.float64).reshape(-1, 4) if not len(self.boxes) else self.boxes
        _set_fields(self, frames=np.asarray(self.frames, np.int64).reshape(-1), boxes=np.asarray(boxes, np.float64))
        _set_fields(self, scores=np.asarray(self.scores, np.float64).reshape(-1))

    def check(self, key: str, frame_count: int) -> None:
        """Check that the regions fit their video.

        Args:
            key: The video's key, for the message.
            frame_count: F of the video.

        Raises:
            DataError: Columns of different lengths, a frame outside the video, an invalid box or score.
        """
        where = f"{key}, detections"
        if len(self.scores) != len(self.frames):
            raise DataError(problem(where, f"{len(self.scores)} scores for {len(self.frames)} regions"))
        _check_boxes(where, self.frames, self.boxes, self.masks, frame_count)
        bad = np.flatnonzero(~np.isfinite(self.scores))
        if len(bad):
            where = f"{key}, frame {self.frames[bad[0]]}"
            raise DataError(problem(where, f"score {self.scores[bad[0]]} of a region", "a finite score"))

    @classmethod
    def empty(cls) -> Detections:
        """No region: the detections of a method that finds nothing in a video."""
        return cls(np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros(0))


@dataclass(frozen=True, slots=True, eq=False)
class TestVideo:
    """One video of a benchmark's test split.

    Attributes:
        key: Unique within the benchmark: the name that its annotations use, without a suffix.
        frame_count: F, exact (counted, not from the container's header).
        size: (H, W) in pixels.
        reader: (start, stop, step) -> uint8 (n, H, W, 3) RGB; use `read`.
        fps: Frames a second, None if unknown.
        names: K names of anomalies for a prompt.
        frame_labels: (F,) bool, True = abnormal; None for a video without labels.
        mask_reader: (start, stop) -> bool (n, H, W), True = anomalous pixel; None without pixel labels; use
            `read_masks`.
        label_shares: (F,) float64 in 0..1, the share of annotators who call a frame abnormal; None with one annotation.
        group: What it shares with other videos that are not independent of it, a scene; "" = nothing. Intervals draw
            whole groups.
        measured: (F,) bool, the frames whose scores count; None = all. Models see the others, too.
        tracks: The anomalies' tracks; () if annotated as having none, None if not annotated.

    Raises:
        DataError: No frame, labels of another shape or dtype, or a track outside the video.
    """

    __test__: ClassVar[bool] = False  # not a test case, whatever its name makes pytest think

    key: str
    frame_count: int
    size: tuple[int, int]
    reader: Callable[[int, int, int], Pixels]
    fps: float | None = None
    names: tuple[str, ...] = ()
    frame_labels: Bits | None = None
    mask_reader: Callable[[int, int], Bits] | None = None
    tracks: tuple[Track, ...] | None = None
    group: str = ""
    label_shares: NDArray[np.float64] | None = None
    measured: Bits | None = None

    def __post_init__(self) -> None:
        if self.frame_count < 1:
            raise DataError(problem(self.key, f"{self.frame_count} frames", "at least one"))
        if self.fps is not None and not self.fps > 0:
            raise DataError(problem(self.key, f"{self.fps} frames a second", "a positive number or None"))
        if self.frame_labels is not None:
            labels = np.asarray(self.frame_labels)
            if labels.dtype != np.bool_ or labels.shape != (self.frame_count,):
                got = f"frame labels {labels.dtype} {labels.shape}"
                raise DataError(problem(self.key, got, f"bool ({self.frame_count},), one a frame"))
        shares = self.label_shares
        if shares is not None and (shares.shape != (self.frame_count,) or not ((shares >= 0) & (shares <= 1)).all()):
            got = f"label shares {shares.shape} from {shares.min(initial=1):g} to {shares.max(initial=0):g}"
            raise DataError(problem(self.key, got, f"({self.frame_count},) in 0..1, one a frame"))
        measured = self.measured
        if measured is not None and (measured.dtype != np.bool_ or measured.shape != (self.frame_count,)):
            got = f"`measured` is {measured.dtype} {measured.shape}"
            raise DataError(problem(self.key, got, f"bool ({self.frame_count},), one a frame"))
        for track in self.tracks or ():
            track.check(self.key, self.frame_count)

    @property
    def measured_count(self) -> int:
        """The number of frames whose scores count."""
        return self.frame_count if self.measured is None else int(self.measured.sum())

    @property
    def measured_labels(self) -> Bits | None:
        """(n,) bool, the labels of the frames whose scores count; None without labels."""
        return (
            self.frame_labels
            if self.frame_labels is None or self.measured is None
            else self.frame_labels[self.measured]
        )

    @property
    def has_pixels(self) -> bool:
        """Whether pixels are labelled: pixel metrics are defined for it."""
        return self.mask_reader is not None

    @property
    def abnormal(self) -> bool | None:
        """Whether any frame that counts is abnormal; None without labels."""
        labels = self.measured_labels
        return None if labels is None else bool(labels.any())

    def read(self, start: int, stop: int, step: int = 1) -> Pixels:
        """Decode the frames start, start + step, ... below stop, and no others.

        Args:
            start: First frame number.
            stop: End, exclusive; at most F.
            step: At least 1.

        Returns:
            (n, H, W, 3) uint8 RGB.

        Raises:
            DataError: No frame can be decoded, or the reader gives another shape or dtype.
        """
        self._check_range(start, stop)
        assert step >= 1, f"step {step}"
        frames = self.reader(start, stop, step)
        self._check_shape("frames", frames, np.uint8, (len(range(start, stop, step)), *self.size, 3), start)
        return frames

    def seconds(self, numbers: Counts) -> list[float] | None:
        """Return the time of each of some frames, since any moment; None if unknown.

        The reader's own times, where it has a method `seconds`: those of a video file whose rate varies.

        Args:
            numbers: (n,) int64 frame numbers.
        """
        own = getattr(self.reader, "seconds", None)  # a reader may be a plain function
        times: list[float] | None = None if own is None else own(numbers)
        return times if times is not None or self.fps is None else (numbers / self.fps).tolist()

    def read_masks(self, start: int, stop: int) -> Bits | None:
        """Read the masks of frames start..stop-1.

        Args:
            start: First frame number.
            stop: End, exclusive; at most F.

        Returns:
            (n, H, W) bool, True = anomalous pixel; None where pixels are not labelled.

        Raises:
            DataError: A mask cannot be read, or the reader gives another shape or dtype.
        """
        if self.mask_reader is None:
            return None
        self._check_range(start, stop)
        masks = self.mask_reader(start, stop)
        self._check_shape("masks", masks, np.bool_, (stop - start, *self.size), start)
        return masks

    def close(self) -> None:
        """Close what the reader holds open; it opens it again when it reads. Not while another thread reads."""
        close = getattr(self.reader, "close", None)  # a reader may be a plain function
        if close is not None:
            close()

    def _check_range(self, start: int, stop: int) -> None:
        assert 0 <= start < stop <= self.frame_count, f"{self.key}: frames {start}..{stop} of {self.frame_count}"

    def _check_shape(self, what: str, got: Pixels | Bits, dtype: type, shape: tuple[int, ...], start: int) -> None:
        if got.dtype != dtype or got.shape != shape:
            where = f"{self.key}, {what} from {start}"
            raise DataError(problem(where, f"{got.dtype} {got.shape}", f"{np.dtype(dtype)} {shape}"))


@dataclass(frozen=True, slots=True, eq=False)
class VideoScore:
    """A method's scores of one TestVideo.

    Attributes:
        key: The video's key.
        frames: (F,) float64, higher = more anomalous: logits, probabilities or any other finite numbers.
        scored: (F,) bool, which frames the method scored; None = all. Where False, the entry of `frames` has no
            meaning.
        pixels: (start, stop) -> (n, h, w) of MAP_DTYPES, streamed; None if the method makes no maps; use `read_pixels`.
            h, w may differ from the video's: the protocol resizes them (see protocols/resize.py).
        detections: Regions; None if the method makes none (Detections.empty() = it looked and found nothing).

    Raises:
        DataError: Another shape or dtype, a score that is not finite, or detections that do not fit the video.
    """

    key: str
    frames: Floats
    scored: Bits | None = None
    pixels: Callable[[int, int], Maps] | None = None
    detections: Detections | None = None

    def __post_init__(self) -> None:
        _set_fields(self, frames=np.asarray(self.frames, np.float64))
        if self.frames.ndim != 1:
            raise DataError(problem(self.key, f"frame scores of shape {self.frames.shape}", "(F,), one a frame"))
        if self.scored is not None and (self.scored.dtype != np.bool_ or self.scored.shape != self.frames.shape):
            got = f"`scored` is {self.scored.dtype} {self.scored.shape}"
            raise DataError(problem(self.key, got, f"bool {self.frames.shape}"))
        bad = ~np.isfinite(self.frames)
        if self.scored is not None:
            bad &= self.scored
        if bad.any():
            frame = int(np.argmax(bad))
            where, todo = f"{self.key}, frame {frame}", "fix the method; metrics need finite scores"
            raise DataError(problem(where, f"score {self.frames[frame]}", "a finite score", todo))
        if self.detections is not None:
            self.detections.check(self.key, len(self.frames))

    @property
    def frame_count(self) -> int:
        """F, the number of frames."""
        return len(self.frames)

    @property
    def boxes_alone(self) -> bool:
        """Whether the method gives regions and no frame scores."""
        return self.detections is not None and self.scored is not None and not self.scored.any()

    def read_pixels(self, start: int, stop: int) -> Maps:
        """Read the pixel maps of frames start..stop-1; they may hold infinite values, which pixel metrics refuse.

        Args:
            start: First frame number.
            stop: End, exclusive; at most F.

        Returns:
            (n, h, w) of float16, float32 or float64.

        Raises:
            DataError: The reader gives another shape or dtype.
        """
        assert self.pixels is not None, f"{self.key}: no pixel maps"
        maps = self.pixels(start, stop)
        if maps.dtype not in MAP_DTYPES or maps.ndim != 3 or len(maps) != stop - start:
            where = f"{self.key}, pixel maps of frames {start}..{stop - 1}"
            expected = f"({stop - start}, h, w) of float16, float32 or float64"
            raise DataError(problem(where, f"{maps.dtype} {maps.shape}", expected))
        return maps
