"""The loop of a prediction: batches are read ahead in a thread, scored here, and shown in another thread."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np

from lavida_bench.common.stop_signals import StopSignals
from lavida_bench.prediction import timeline_picture
from lavida_bench.prediction.clips import DEPTH, ClipReader, WaitingBatch, WaitingClip
from lavida_bench.prediction.pictures import Pictures, ShownClip
from lavida_bench.prediction.prediction import SEGMENTS, TIMELINE, Prediction, PredictionSettings
from lavida_bench.prediction.segments import (
    AnomalySegment,
    ScoredFrame,
    ScoredFrames,
    SegmentFinder,
    csv_row,
    write_csv,
)
from lavida_bench.protocols.protocol import CLIP_LENGTH
from lavida_bench.scoring.scorer import ClipScores, Scorer
from lavida_bench.videos.prefetch import JobDone, JobPiece, read_ahead
from lavida_bench.videos.stream import Stream
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.errors import DataError, problem


@dataclass(slots=True)
class PredictionLoop:
    """The loop over the clips of one source, with the files that it writes as it goes.

    Attributes:
        scorer: The model.
        names: Names of the prompt.
        settings: The options.
        prediction: The result, completed as the loop goes.
        table: The open scores.csv.
        pictures: Draws the frames.
        rows: The sampled frames.
        ended: Called with each segment as soon as it has ended.
    """

    scorer: Scorer
    names: tuple[str, ...]
    settings: PredictionSettings
    prediction: Prediction
    table: TextIO
    pictures: Pictures
    rows: ScoredFrames
    ended: Callable[[AnomalySegment], None]
    finder: SegmentFinder = field(init=False)

    def __post_init__(self) -> None:
        spacing = (self.prediction.every, self.prediction.every / self.prediction.fps)
        self.finder = SegmentFinder(self.settings.threshold, self.settings.join, spacing)

    def run(self, stream: Stream, advance: Callable[[int], None], signals: StopSignals) -> None:
        """Score the source to its end, or to a signal, which lets the batch that is being scored end.

        Args:
            stream: The source.
            advance: Called with numbers of frames that are done.
            signals: The signals that stop it.

        Raises:
            DataError: Nothing can be decoded, a score is not finite, or the disk is full.
        """
        write_csv(self.table, [], ScoredFrame)
        reader = ClipReader(self.scorer, self.names, self.settings, self.prediction.every)
        with closing(read_ahead([stream], reader.read, 1, DEPTH, stream.stop)) as items:
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
        self.pictures.wait()

    def _add(self, batch: WaitingBatch) -> int:
        """Score a batch, write its lines, have its frames drawn, return their number."""
        scores = self.scorer.score(batch.prepared)()
        parts = [_part(scores, number * CLIP_LENGTH, len(clip.sampled)) for number, clip in enumerate(batch.clips)]
        self.pictures.add([self._add_clip(clip, part) for clip, part in zip(batch.clips, parts, strict=True)])
        return sum(clip.frames for clip in batch.clips)

    def _add_clip(self, clip: WaitingClip, scores: ClipScores) -> ShownClip:
        self._refuse_infinite(clip, scores)
        rows = [
            self.rows.add(number, seconds, float(scores.frames[place]), _best_name(scores, place))
            for place, (number, seconds) in enumerate(clip.sampled)
        ]
        csv.writer(self.table, lineterminator="\n").writerows(csv_row(row) for row in rows)
        self.table.flush()
        self.prediction.frames += clip.frames
        self.prediction.sampled += len(clip.sampled)
        self.prediction.seconds = round(clip.seconds, 3)
        for row in rows:
            self._end(self.finder.add(row))
        return ShownClip(clip.waiting, rows, scores.maps)

    def _end(self, segment: AnomalySegment | None) -> None:
        if segment is not None:
            self.prediction.segments.append(segment)
            self.ended(segment)

    def _refuse_infinite(self, clip: WaitingClip, scores: ClipScores) -> None:
        for (number, _), score in zip(clip.sampled, scores.frames, strict=True):
            if not np.isfinite(score):
                where = f"{self.prediction.source}, frame {number}"
                raise DataError(problem(where, f"score {score}", "a finite score", "take another model"))

    def write_summary(self, out: Path) -> None:
        """Write timeline.png and segments.csv.

        Args:
            out: The folder to write to.

        Raises:
            DataError: The disk is full.
        """
        prediction, threshold = self.prediction, self.settings.threshold
        if len(self.rows):
            title = ": ".join(filter(None, [Path(prediction.source).name, ", ".join(self.names)]))
            draw, segments, notice = timeline_picture.draw_timeline, prediction.segments, prediction.notice
            draw(out / TIMELINE, title, self.rows, segments, threshold, self.pictures.peaks, notice)
        text = io.StringIO()
        write_csv(text, prediction.segments, AnomalySegment)
        write_atomic(out / SEGMENTS, text.getvalue().encode())


def _part(scores: ClipScores, first: int, count: int) -> ClipScores:
    """The scores of `count` frames of a batch, beginning with `first`."""
    here = slice(first, first + count)
    maps, names = scores.maps, scores.names
    return ClipScores(scores.frames[here], None if maps is None else maps[here], None if names is None else names[here])


def _best_name(scores: ClipScores, place: int) -> int:
    """Index of the name with the highest logit in a frame; -1 if the model does not score names."""
    if scores.names is None or not np.isfinite(scores.names[place]).any():
        return -1
    return int(np.argmax(np.where(np.isfinite(scores.names[place]), scores.names[place], -np.inf)))
