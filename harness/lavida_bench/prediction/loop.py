"""The loop of a prediction: clips are read ahead in a thread, scored, and shown. See predict.py for the files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from lavida_bench.common.stop_signals import StopSignals
from lavida_bench.prediction import overlay, timeline_picture
from lavida_bench.prediction.overlay import OverlayWriter
from lavida_bench.prediction.prediction import SEGMENTS, TIMELINE, Prediction, PredictionSettings
from lavida_bench.prediction.segments import (
    AnomalySegment,
    ScoredFrame,
    ScoredFrames,
    SegmentFinder,
    csv_row,
    write_csv,
)
from lavida_bench.prediction.timeline_picture import Peaks
from lavida_bench.protocols.protocol import CLIP_LENGTH
from lavida_bench.scoring.scorer import ClipScores, Scorer, prepare_clips
from lavida_bench.videos.prefetch import JobDone, JobPiece, read_ahead
from lavida_bench.videos.stream import Stream, StreamFrame
from lavida_bench.videos.types import Maps, Pixels
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.errors import DataError, problem

DEPTH = 2  # clips that wait for the model


class _EncodedFrame(NamedTuple):
    """A frame that waits for the score of its clip: its number, its time in seconds, its pixels as JPEG."""

    number: int
    seconds: float
    jpeg: bytes


@dataclass(frozen=True, slots=True, eq=False)
class _Clip:
    """Up to 8 sampled frames, prepared for the model, and all frames from the first of them to the next clip.

    Attributes:
        sampled: (number, seconds) of the sampled frames.
        frames: All frames, the first one sampled.
        prepared: Inputs of the model.
    """

    sampled: list[tuple[int, float]]
    frames: list[_EncodedFrame]
    prepared: object


@dataclass(slots=True)
class PredictionLoop:
    """The loop over the clips of one source, with the files that it writes as it goes.

    Attributes:
        scorer: The model.
        names: Names of the prompt.
        settings: The options.
        prediction: The result, completed as the loop goes.
        table: The open scores.csv.
        video: Writes the overlay; None = no overlay.
        rows: The sampled frames.
        ended: Called with each segment as soon as it has ended.
        peaks: Thumbnails for the timeline.
    """

    scorer: Scorer
    names: tuple[str, ...]
    settings: PredictionSettings
    prediction: Prediction
    table: TextIO
    video: OverlayWriter | None
    rows: ScoredFrames
    ended: Callable[[AnomalySegment], None]
    peaks: Peaks = field(default_factory=Peaks)
    finder: SegmentFinder = field(init=False)

    def __post_init__(self) -> None:
        spacing = (self.prediction.every, self.prediction.every / self.prediction.fps)
        self.finder = SegmentFinder(self.settings.threshold, self.settings.join, spacing)

    def run(self, stream: Stream, advance: Callable[[int], None], signals: StopSignals) -> None:
        """Score the source to its end, or to a signal, which lets the clip that is being scored end.

        Args:
            stream: The source.
            advance: Called with numbers of frames that are done.
            signals: The signals that stop it.

        Raises:
            DataError: Nothing can be decoded, a score is not finite, or the disk is full.
        """
        write_csv(self.table, [], ScoredFrame)
        with closing(read_ahead([stream], self._clips, 1, DEPTH, stream.stop)) as items:
            try:
                while True:
                    with signals.waiting():
                        item = next(items, None)
                    if item is None:
                        break
                    if isinstance(item, JobPiece):
                        advance(self._add(item.piece))
                    elif isinstance(item, JobDone) and item.error is not None:
                        raise item.error
            except KeyboardInterrupt:
                self.prediction.stopped = True
        self._end(self.finder.end(self.prediction.frames))

    def _clips(self, stream: Stream) -> Iterator[_Clip]:
        """The source in clips. Runs in a reader thread."""
        sampled: list[StreamFrame] = []
        frames: list[_EncodedFrame] = []
        limit = self.settings.seconds
        for frame in stream:
            if limit is not None and frame.seconds >= limit:
                break
            if frame.number % self.prediction.every == 0:
                if len(sampled) == CLIP_LENGTH:
                    yield self._clip(sampled, frames)
                    sampled, frames = [], []
                sampled.append(frame)
            jpeg = _encode(overlay.shrink(frame.pixels, self.settings.longest))
            frames.append(_EncodedFrame(frame.number, frame.seconds, jpeg))
        if sampled:
            yield self._clip(sampled, frames)

    def _clip(self, sampled: list[StreamFrame], frames: list[_EncodedFrame]) -> _Clip:
        pixels = [frame.pixels for frame in sampled]
        filled = np.stack(pixels + pixels[-1:] * (CLIP_LENGTH - len(pixels)))
        times = [frame.seconds for frame in sampled]
        seconds = times + times[-1:] * (CLIP_LENGTH - len(times)) if all(frame.timed for frame in sampled) else None
        prepared = prepare_clips(self.scorer, [filled], self.names, [seconds])
        return _Clip([(frame.number, frame.seconds) for frame in sampled], frames, prepared)

    def _add(self, clip: _Clip) -> int:
        """Score a clip, write its lines and pictures, return the number of its frames."""
        scores = self.scorer.score(clip.prepared)()
        self._refuse_infinite(clip, scores)
        places: dict[int, int] = {}
        rows: list[ScoredFrame] = []
        for place, (number, seconds) in enumerate(clip.sampled):
            row = self.rows.add(number, seconds, float(scores.frames[place]), _best_name(scores, place))
            csv.writer(self.table, lineterminator="\n").writerow(csv_row(row))
            places[number] = place
            rows.append(row)
        self.table.flush()
        place = 0
        for frame in clip.frames:
            sampled = frame.number in places
            place = places.get(frame.number, place)
            if sampled or self.video is not None:
                self._show(frame, rows[place], None if scores.maps is None else scores.maps[place], sampled)
        self.prediction.frames += len(clip.frames)
        self.prediction.sampled += len(clip.sampled)
        self.prediction.seconds = round(clip.frames[-1].seconds, 3)
        for row in rows:
            self._end(self.finder.add(row))
        return len(clip.frames)

    def _end(self, segment: AnomalySegment | None) -> None:
        if segment is not None:
            self.prediction.segments.append(segment)
            self.ended(segment)

    def _refuse_infinite(self, clip: _Clip, scores: ClipScores) -> None:
        for (number, _), score in zip(clip.sampled, scores.frames, strict=False):
            if not np.isfinite(score):
                where = f"{self.prediction.source}, frame {number}"
                raise DataError(problem(where, f"score {score}", "a finite score", "take another model"))

    def _show(self, frame: _EncodedFrame, row: ScoredFrame, scores: Maps | None, sampled: bool) -> None:
        """Write a frame with its scores into the overlay, and offer a sampled one to the timeline."""
        pixels = _decode(frame.jpeg)
        if sampled:
            self.peaks.add(row.probability, frame.seconds, pixels)
        if self.video is not None:
            threshold = self.settings.threshold
            name = row.name if row.probability >= threshold else ""
            label = f"{timeline_picture.format_time(frame.seconds, 0.5)}   {row.probability:.2f}   {name}"
            picture = overlay.draw_overlay(pixels, scores, row.probability, threshold, label, self.prediction.notice)
            self.video.write(picture, frame.seconds)

    def write_summary(self, out: Path) -> None:
        """Write timeline.png and segments.csv.

        Args:
            out: The folder to write to.

        Raises:
            DataError: The disk is full.
        """
        prediction, threshold = self.prediction, self.settings.threshold
        if len(self.rows):
            title = f"{Path(prediction.source).name}: {', '.join(self.names)}"
            draw, segments, notice = timeline_picture.draw_timeline, prediction.segments, prediction.notice
            draw(out / TIMELINE, title, self.rows, segments, threshold, self.peaks, notice)
        text = io.StringIO()
        write_csv(text, prediction.segments, AnomalySegment)
        write_atomic(out / SEGMENTS, text.getvalue().encode())


def _best_name(scores: ClipScores, place: int) -> int:
    """Index of the name with the highest logit in a frame; -1 if the model does not score names."""
    if scores.names is None or not np.isfinite(scores.names[place]).any():
        return -1
    return int(np.argmax(np.where(np.isfinite(scores.names[place]), scores.names[place], -np.inf)))


def _encode(pixels: Pixels) -> bytes:
    """As JPEG: many frames wait for the score of their clip."""
    import cv2

    return bytes(cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 93])[1])


def _decode(jpeg: bytes) -> Pixels:
    import cv2

    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None, "what _encode made"
    return np.ascontiguousarray(pixels[..., ::-1], np.uint8)
