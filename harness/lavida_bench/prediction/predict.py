"""What a model says of anybody's own video: overlay, timeline, scores and segments. Memory does not grow with length.

    OUT/overlay.mp4     the video with the anomaly outlined and a bar of its probability
    OUT/timeline.png    probability over time, segments, thumbnails of the peaks
    OUT/scores.csv      a line for each sampled frame        OUT/segments.csv    a line for each segment
    OUT/result.json     everything about the prediction, segments included; written last

Every `every`-th frame is looked at, 8 to a clip; a frame in between carries the score of the sampled one before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lavida_bench.prediction import overlay, timeline_picture
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
from lavida_bench.videos.types import Pixels
from lavida_gen.common.atomic_file import partial_path, write_atomic
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.json_file import write_json
from lavida_gen.storage import output_folder as out_folder

FORMAT = 1
RESULT = "result.json"
OVERLAY = "overlay.mp4"
TIMELINE = "timeline.png"
PER_SECOND = 5.0  # frames that are looked at, unless the user says how many
EVERY = 32  # most frames from one sampled frame to the next
DEPTH = 2  # clips that wait for the model


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be chosen.

    every      frames from one sampled frame to the next, 1..32; None = about 5 a second
    threshold  probability from which a frame is anomalous
    join       gaps of at most so many seconds are bridged
    seconds    stop after so much of the video; None = at its end
    overlay    whether the overlay video is made;  longest  its longest side in pixels
    """

    every: int | None = None
    threshold: float = 0.5
    join: float = 1.0
    seconds: float | None = None
    overlay: bool = True
    longest: int = 960


@dataclass(slots=True)
class Prediction:
    """What came out. `stopped`: by the user, before the source's end; `lost`: why the source itself broke off."""

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


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    """Up to 8 sampled frames ready for the model, and all frames that are shown from the first of them on, as JPEG."""

    sampled: list[tuple[int, float]]
    shown: list[tuple[int, float, bytes]]
    prepared: Any


def predict(
    scorer: Scorer,
    stream: Stream,
    names: tuple[str, ...],
    out: Path,
    settings: Settings | None = None,
    about: dict[str, Any] | None = None,
    advance: Callable[[int], None] = lambda frames: None,
) -> Prediction:
    """Predicts one source to its end, to `settings.seconds`, or to ctrl-C, which ends it well.

    about    goes into result.json
    Raises DataError for a source in which nothing can be decoded and for a full disk.
    """
    settings = settings or Settings()
    every = settings.every or min(EVERY, max(1, round(stream.fps / PER_SECOND)))
    found = Prediction(stream.name, fps=stream.fps, every=every)
    out_folder.make_output_folder(out)
    work = _Pipeline(scorer, names, settings, out, found, ScoredFrames(names))
    with ExitStack() as stack:
        stack.callback(stream.close)
        if settings.overlay:
            work.video = stack.enter_context(overlay.OverlayWriter(out / OVERLAY, stream.fps, stream.live))
        work.table = stack.enter_context(work.partial.open("w", encoding="utf-8", newline=""))
        write_csv(work.table, [], ScoredFrame)
        pieces = stack.enter_context(_Closing(read_ahead([stream], work.chunks, readers=1, depth=DEPTH)))
        try:
            for item in pieces:
                if isinstance(item, JobPiece):
                    advance(work.take(item.piece))
                elif isinstance(item, JobDone) and item.error is not None:
                    raise item.error
        except KeyboardInterrupt:
            found.stopped = True
        except BaseException:
            work.partial.unlink(missing_ok=True)
            raise
        work.clear()  # here, for the overlay gets its name where the block ends
    found.broken, found.lost = stream.broken, stream.lost
    work.finish(about or {})
    return found


@dataclass(slots=True)
class _Pipeline:
    """The loop of one source and what it holds."""

    scorer: Scorer
    names: tuple[str, ...]
    settings: Settings
    out: Path
    found: Prediction
    rows: ScoredFrames
    video: overlay.OverlayWriter | None = None
    table: Any = None
    peaks: Peaks = field(default_factory=Peaks)

    @property
    def partial(self) -> Path:
        """Where the scores are written while they come."""
        return partial_path(self.out / "scores.csv")

    def chunks(self, stream: Stream) -> Iterator[_Chunk]:
        """The source in chunks. Runs in a reader."""
        picked: list[StreamFrame] = []
        shown: list[tuple[int, float, bytes]] = []
        limit = self.settings.seconds
        for frame in stream:
            if limit is not None and frame.seconds >= limit:
                break
            if frame.number % self.found.every == 0:
                if len(picked) == CLIP_LENGTH:
                    yield self._chunk(picked, shown)
                    picked, shown = [], []
                picked.append(frame)
            shown.append((frame.number, frame.seconds, _packed(overlay.shrink(frame.pixels, self.settings.longest))))
        if picked:
            yield self._chunk(picked, shown)

    def _chunk(self, picked: list[StreamFrame], shown: list[tuple[int, float, bytes]]) -> _Chunk:
        frames = [frame.pixels for frame in picked]
        clip = np.stack(frames + frames[-1:] * (CLIP_LENGTH - len(frames)))
        return _Chunk([(f.number, f.seconds) for f in picked], shown, self.scorer.prepare([clip], self.names))

    def take(self, chunk: _Chunk) -> int:
        """Scores a chunk, writes its lines and pictures; gives the number of its frames."""
        scores = self.scorer.score(chunk.prepared)()
        rows = {}
        for (number, _), score in zip(chunk.sampled, scores.frames, strict=False):
            if not np.isfinite(score):
                where = f"{self.found.source}, frame {number}"
                raise DataError(problem(where, f"score {score}", "a finite score", "take another model"))
        for place, (number, seconds) in enumerate(chunk.sampled):
            row = self.rows.add(number, seconds, float(scores.frames[place]), self._name(scores, place))
            rows[number] = (place, row)
            csv.writer(self.table, lineterminator="\n").writerow(csv_row(row))
        self.table.flush()
        last: tuple[int, ScoredFrame] | None = None
        for number, seconds, jpeg in chunk.shown:
            sampled = number in rows
            last = rows.get(number, last)
            assert last is not None, "a chunk begins with a sampled frame"
            if sampled or self.video is not None:
                self._show(_unpacked(jpeg), seconds, last, scores, sampled)
        self.found.frames += len(chunk.shown)
        self.found.sampled += len(chunk.sampled)
        self.found.seconds = round(chunk.shown[-1][1], 3)
        return len(chunk.shown)

    def _name(self, scores: ClipScores, place: int) -> int:
        """Place of the name that the model sees most of, -1 if it does not tell."""
        if scores.names is None or not np.isfinite(scores.names[place]).any():
            return -1
        return int(np.argmax(np.where(np.isfinite(scores.names[place]), scores.names[place], -np.inf)))

    def _show(
        self, pixels: Pixels, seconds: float, last: tuple[int, ScoredFrame], scores: ClipScores, sampled: bool
    ) -> None:
        place, row = last
        if sampled:
            self.peaks.add(row.probability, seconds, pixels)
        if self.video is not None:
            values = None if scores.maps is None else scores.maps[place]
            name = row.name if row.probability >= self.settings.threshold else ""
            words = f"{timeline_picture.format_time(seconds, 0.5)}   {row.probability:.2f}   {name}"
            self.video.write(
                overlay.draw_overlay(pixels, values, row.probability, self.settings.threshold, words), seconds
            )

    def clear(self) -> None:
        """Takes the mark of an earlier prediction away, then its files that this one may not write."""
        for name in (RESULT, OVERLAY, TIMELINE):  # result.json first: cut off from here on, nothing counts as done
            (self.out / name).unlink(missing_ok=True)

    def finish(self, about: dict[str, Any]) -> None:
        """The files that need the whole; result.json last."""
        found, out, threshold = self.found, self.out, self.settings.threshold
        found.segments = find_segments(
            self.rows, threshold, self.settings.join, (found.every, found.every / found.fps), found.frames
        )
        if len(self.rows):
            title = f"{Path(found.source).name}: {', '.join(self.names)}"
            timeline_picture.draw_timeline(out / TIMELINE, title, self.rows, found.segments, threshold, self.peaks)
        text = io.StringIO()
        write_csv(text, found.segments, AnomalySegment)
        write_atomic(out / "segments.csv", text.getvalue().encode())
        self.partial.replace(out / "scores.csv")
        plain = {
            "format": FORMAT, **about, **asdict(found), "names": list(self.names), "settings": asdict(self.settings),
            "model": {"name": self.scorer.name, **self.scorer.identity}, "provenance": asdict(current_provenance()),
        }  # fmt: skip
        write_json(out / RESULT, plain)


class _Closing:
    """Closes a generator at the end of a block, which stops its readers."""

    def __init__(self, items: Any) -> None:
        self.items = items

    def __enter__(self) -> Any:
        return self.items

    def __exit__(self, *_: object) -> None:
        self.items.close()


def _packed(pixels: Pixels) -> bytes:
    """As JPEG: many frames wait for their clip's score."""
    import cv2

    return bytes(cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 93])[1])


def _unpacked(jpeg: bytes) -> Pixels:
    import cv2

    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None, "what _packed made"
    return np.ascontiguousarray(pixels[..., ::-1], np.uint8)
