"""Predict a video without labels: overlay, timeline, scores and segments. Memory does not grow with its length.

    OUT/overlay.mp4     the video with the anomaly outlined and a bar of its probability
    OUT/timeline.png    probability over time, segments, thumbnails of the peaks
    OUT/scores.csv      a line for each sampled frame        OUT/segments.csv    a line for each segment
    OUT/result.json     everything about the prediction, segments included; written last

One frame in `every` is sampled, 8 to a clip; a frame in between has the score of the sampled one before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from lavida_bench.prediction import overlay, timeline_picture
from lavida_bench.prediction.overlay import OverlayWriter
from lavida_bench.prediction.segments import (
    AnomalySegment,
    ScoredFrame,
    ScoredFrames,
    csv_row,
    find_segments,
    write_csv,
)
from lavida_bench.prediction.timeline_picture import Peaks
from lavida_bench.protocols.protocol import CLIP_LENGTH
from lavida_bench.results.provenance import current_provenance
from lavida_bench.scoring.scorer import ClipScores, Scorer
from lavida_bench.videos.prefetch import JobDone, JobPiece, read_ahead
from lavida_bench.videos.stream import Stream, StreamFrame
from lavida_bench.videos.types import Maps, Pixels
from lavida_gen.common.atomic_file import partial_path, write_atomic
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.json_file import write_json
from lavida_gen.storage.output_folder import make_output_folder

FORMAT = 1
RESULT = "result.json"
OVERLAY = "overlay.mp4"
TIMELINE = "timeline.png"
PER_SECOND = 5.0  # frames that are sampled, unless the user chooses
LARGEST_STEP = 32  # most frames from one sampled frame to the next
DEPTH = 2  # clips that wait for the model


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a prediction.

    Attributes:
        every: Frames from one sampled frame to the next, 1 to 32; None = about 5 frames per second.
        threshold: Probability from which a frame is anomalous.
        join: Longest gap between two segments that are joined, in seconds.
        seconds: Stop after so much of the video; None = at its end.
        overlay: Whether the overlay video is written.
        longest: Longest side of the overlay video, in pixels.
    """

    every: int | None = None
    threshold: float = 0.5
    join: float = 1.0
    seconds: float | None = None
    overlay: bool = True
    longest: int = 960


@dataclass(slots=True)
class Prediction:
    """The result of a prediction.

    Attributes:
        source: The video's name.
        frames: Number of frames that were read.
        sampled: Number of frames that were scored.
        seconds: Length of what was read.
        fps: Frames per second of the source.
        every: Frames from one sampled frame to the next.
        broken: Number of damaged frames.
        stopped: Whether the user stopped it before the end of the source.
        lost: Why the source broke off before its end; "" if it did not.
        segments: The anomalous segments.
    """

    source: str
    frames: int = 0
    sampled: int = 0
    seconds: float = 0.0
    fps: float = 0.0
    every: int = 1
    broken: int = 0
    stopped: bool = False
    lost: str = ""
    segments: list[AnomalySegment] = field(default_factory=list)


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


def predict(
    scorer: Scorer,
    stream: Stream,
    names: tuple[str, ...],
    out: Path,
    settings: Settings | None = None,
    about: Mapping[str, object] | None = None,
    advance: Callable[[int], None] = lambda frames: None,
) -> Prediction:
    """Predict one source to its end, to `settings.seconds`, or to ctrl-C, after which everything is written too.

    Args:
        scorer: The model.
        stream: The source, closed at the end.
        names: Names of the prompt.
        out: The folder to write to, made where it is missing.
        settings: The options; None = the defaults.
        about: More keys for result.json.
        advance: Called with numbers of frames that are done.

    Returns:
        The prediction, as result.json holds it.

    Raises:
        DataError: Nothing can be decoded, a score is not finite, or the disk is full.
    """
    settings = settings or Settings()
    every = settings.every or min(LARGEST_STEP, max(1, round(stream.fps / PER_SECOND)))
    prediction = Prediction(stream.name, fps=stream.fps, every=every)
    make_output_folder(out)
    partial = partial_path(out / "scores.csv")
    with ExitStack() as stack:
        stack.callback(stream.close)
        video = None
        if settings.overlay:
            video = stack.enter_context(OverlayWriter(out / OVERLAY, stream.fps, stream.live))
        table = stack.enter_context(partial.open("w", encoding="utf-8", newline=""))
        loop = _PredictionLoop(scorer, names, settings, prediction, table, video, ScoredFrames(names))
        try:
            loop.run(stream, advance)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        _remove_earlier(out)  # before the block ends, where the overlay gets its name
    prediction.broken, prediction.lost = stream.broken, stream.lost
    loop.write_summary(out)
    partial.replace(out / "scores.csv")
    plain = {
        "format": FORMAT, **(about or {}), **asdict(prediction), "names": list(names), "settings": asdict(settings),
        "model": {"name": scorer.name, **scorer.identity}, "provenance": asdict(current_provenance()),
    }  # fmt: skip
    write_json(out / RESULT, plain)
    return prediction


def _remove_earlier(out: Path) -> None:
    """Remove what an earlier prediction wrote and this one may not write."""
    for name in (RESULT, OVERLAY, TIMELINE):  # result.json first: from then on the prediction counts as unfinished
        (out / name).unlink(missing_ok=True)


@dataclass(slots=True)
class _PredictionLoop:
    """The loop over the clips of one source, with the files that it writes as it goes."""

    scorer: Scorer
    names: tuple[str, ...]
    settings: Settings
    prediction: Prediction
    table: TextIO
    video: OverlayWriter | None
    rows: ScoredFrames
    peaks: Peaks = field(default_factory=Peaks)

    def run(self, stream: Stream, advance: Callable[[int], None]) -> None:
        """Score the source to its end, or to ctrl-C."""
        write_csv(self.table, [], ScoredFrame)
        with closing(read_ahead([stream], self._clips, readers=1, depth=DEPTH)) as items:
            try:
                for item in items:
                    if isinstance(item, JobPiece):
                        advance(self._add(item.piece))
                    elif isinstance(item, JobDone) and item.error is not None:
                        raise item.error
            except KeyboardInterrupt:
                self.prediction.stopped = True

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
        prepared = self.scorer.prepare([filled], self.names)
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
        return len(clip.frames)

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
            picture = overlay.draw_overlay(pixels, scores, row.probability, threshold, label)
            self.video.write(picture, frame.seconds)

    def write_summary(self, out: Path) -> None:
        """Find the segments, and write timeline.png and segments.csv."""
        prediction, threshold = self.prediction, self.settings.threshold
        spacing = (prediction.every, prediction.every / prediction.fps)
        prediction.segments = find_segments(self.rows, threshold, self.settings.join, spacing, prediction.frames)
        if len(self.rows):
            title = f"{Path(prediction.source).name}: {', '.join(self.names)}"
            timeline_picture.draw_timeline(out / TIMELINE, title, self.rows, prediction.segments, threshold, self.peaks)
        text = io.StringIO()
        write_csv(text, prediction.segments, AnomalySegment)
        write_atomic(out / "segments.csv", text.getvalue().encode())


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
