"""The reading side of a prediction: a source in batches of clips, prepared for the model. Runs in a reader thread.

A frame waits, undrawn, until its clip is scored. All that wait have at most `WAITING` bytes together, which limits the
clips of a batch. Where even single clips have more (32 frames of 4K from one sampled one to the next), frames wait as
JPEG.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lavida_bench.prediction.prediction import PredictionSettings
from lavida_bench.protocols.protocol import CLIP_LENGTH
from lavida_bench.scoring.scorer import ClipTimes, Scorer, prepare_clips
from lavida_bench.videos.picture import Picture
from lavida_bench.videos.stream import Stream, StreamFrame
from lavida_bench.videos.types import Pixels

if TYPE_CHECKING:
    from av.video.reformatter import VideoReformatter

BATCH = 4
"""Most clips of one forward pass; a live source has one, so that nothing waits for its future."""
DEPTH = 1
"""Batches that wait for the model."""
WAITING = 256 << 20
"""Bytes of a batch that is read, whose sampled frames are there in full size too, of `DEPTH` that wait for the model,
of one that it has, and of one that is drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class WaitingFrame:
    """A frame that waits for the score of its clip.

    Attributes:
        number: Its number in the video.
        seconds: Its time.
        sampled: Whether the model sees it.
        kept: Its picture, or the picture's pixels as JPEG.
    """

    number: int
    seconds: float
    sampled: bool
    kept: Picture | bytes

    def picture(self, scaler: VideoReformatter) -> Picture:
        """Unpack it.

        Args:
            scaler: Of this thread, and for nothing else.

        Returns:
            A picture with planes.
        """
        return _unpack(self.kept, scaler) if isinstance(self.kept, bytes) else self.kept


@dataclass(slots=True, eq=False)
class WaitingClip:
    """Up to 8 sampled frames, and all frames from the first of them to the next clip.

    Attributes:
        sampled: (number, seconds) of the sampled frames.
        waiting: The frames that are shown: all of them for an overlay, else the sampled ones, for the timeline.
        frames: Number of all frames.
        seconds: The time of the last one.
    """

    sampled: list[tuple[int, float]] = field(default_factory=list)
    waiting: list[WaitingFrame] = field(default_factory=list)
    frames: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class WaitingBatch:
    """Clips, and the model's inputs made of them."""

    clips: list[WaitingClip]
    prepared: object


class _Pixels:
    """The pixels and times of the sampled frames of a clip, held once: nothing that waits is larger."""

    def __init__(self, first: Pixels) -> None:
        self.frames = np.empty((CLIP_LENGTH, *first.shape), np.uint8)
        self.times: list[float | None] = []

    def add(self, pixels: Pixels, time: float | None) -> None:
        """Add a frame, whose time may be unknown."""
        self.frames[len(self.times)] = pixels
        self.times.append(time)

    def filled(self) -> Pixels:
        """(8, H, W, 3) uint8, the last frame repeated."""
        self.frames[len(self.times) :] = self.frames[len(self.times) - 1]
        return self.frames

    def seconds(self) -> ClipTimes:
        """The 8 times, None if one is unknown."""
        known = [time for time in self.times if time is not None]
        return known + known[-1:] * (CLIP_LENGTH - len(known)) if len(known) == len(self.times) else None


class ClipReader:
    """Reads a source in batches."""

    def __init__(self, scorer: Scorer, names: tuple[str, ...], settings: PredictionSettings, every: int) -> None:
        """Prepare to read.

        Args:
            scorer: The model.
            names: Names of the prompt.
            settings: The options.
            every: Frames from one sampled frame to the next.
        """
        from av.video.reformatter import VideoReformatter

        self.scorer, self.names, self.settings, self.every = scorer, names, settings, every
        self._full, self._small, self._packing = VideoReformatter(), VideoReformatter(), VideoReformatter()

    def read(self, stream: Stream) -> Iterator[WaitingBatch]:
        """Read a source.

        Args:
            stream: The source.

        Yields:
            Its batches, the same at each reading of a file.

        Raises:
            DataError: Nothing can be decoded, or the model cannot take a frame.
        """
        most, packed = 1, False
        clips: list[WaitingClip] = []
        seen: list[_Pixels] = []
        for frame in stream:
            if self.settings.seconds is not None and frame.seconds >= self.settings.seconds:
                break
            if not frame.number:
                most, packed = self._plan(frame.picture, stream.live)
            sampled = frame.number % self.every == 0
            if sampled:
                if not clips or len(clips[-1].sampled) == CLIP_LENGTH:
                    if len(clips) == most:
                        yield self._batch(clips, seen)
                        clips = []
                    clips.append(WaitingClip())
                clips[-1].sampled.append((frame.number, frame.seconds))
                pixels = frame.picture.pixels(self._full)
                if len(seen) < len(clips):
                    seen.append(_Pixels(pixels))
                seen[-1].add(pixels, frame.seconds if frame.timed else None)
            clips[-1].frames += 1
            clips[-1].seconds = frame.seconds
            if sampled or self.settings.overlay:
                clips[-1].waiting.append(self._waiting(frame, sampled, packed))
        if clips:
            yield self._batch(clips, seen)

    def _plan(self, picture: Picture, live: bool) -> tuple[int, bool]:
        """How many clips a batch has, and whether frames wait as JPEG."""
        frames = CLIP_LENGTH * (self.every if self.settings.overlay else 1)
        waiting, shares = frames * picture.small_bytes(self.settings.longest), DEPTH + 3
        read = CLIP_LENGTH * 3 * picture.size[0] * picture.size[1]
        most = 1 if live else max(1, min(BATCH, WAITING // (shares * waiting + read)))
        return most, shares * waiting > WAITING

    def _waiting(self, frame: StreamFrame, sampled: bool, packed: bool) -> WaitingFrame:
        picture = frame.picture.shrink(self._small, self.settings.longest)
        kept = _pack(picture.pixels(self._packing)) if packed else picture
        return WaitingFrame(frame.number, frame.seconds, sampled, kept)

    def _batch(self, clips: list[WaitingClip], seen: list[_Pixels]) -> WaitingBatch:
        """Prepare a batch. What the model does not need any more is let go of before the batch waits."""
        pixels, seconds = [clip.filled() for clip in seen], [clip.seconds() for clip in seen]
        seen.clear()
        return WaitingBatch(clips, prepare_clips(self.scorer, pixels, self.names, seconds))


def _pack(pixels: Pixels) -> bytes:
    import cv2

    return bytes(cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 93])[1])


def _unpack(jpeg: bytes, scaler: VideoReformatter) -> Picture:
    import cv2
    from av.video.frame import VideoFrame

    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None, "what _pack made"
    frame = VideoFrame.from_ndarray(np.asarray(pixels, np.uint8), format="bgr24")
    return Picture(frame, (frame.height, frame.width), 0).shrink(scaler, max(frame.height, frame.width))
