"""Segments of time in which a score stays above a threshold, and CSV of scores and segments.

Letters: n sampled frames, K names of the prompt.
"""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import IO, overload


@dataclass(frozen=True, slots=True)
class ScoredFrame:
    """The scores of one sampled frame.

    Attributes:
        frame: Its number in the video.
        seconds: Its time.
        score: Its logit, higher = more anomalous.
        probability: The sigmoid of the score.
        name: The name of the prompt with the highest logit of its own; "" if unknown.
    """

    frame: int
    seconds: float
    score: float
    probability: float
    name: str = ""


class ScoredFrames(Sequence[ScoredFrame]):
    """Sampled frames in order of time, 22 bytes each: a camera may run for days."""

    def __init__(self, names: tuple[str, ...]) -> None:
        """Begin without frames.

        Args:
            names: The K names of the prompt.
        """
        self.names = names
        self._frames, self._seconds, self._scores, self._names = array("q"), array("d"), array("f"), array("h")

    def add(self, frame: int, seconds: float, score: float, name: int = -1) -> ScoredFrame:
        """Append a frame.

        Args:
            frame: Its number in the video.
            seconds: Its time.
            score: Its logit.
            name: Index of its name in `names`, -1 = unknown.

        Returns:
            The frame as it is stored.
        """
        self._frames.append(frame)
        self._seconds.append(seconds)
        self._scores.append(score)
        self._names.append(name)
        return self[-1]

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, index: int) -> ScoredFrame: ...
    @overload
    def __getitem__(self, index: slice) -> list[ScoredFrame]: ...
    def __getitem__(self, index: int | slice) -> ScoredFrame | list[ScoredFrame]:
        if isinstance(index, slice):
            return [self[n] for n in range(*index.indices(len(self)))]
        score, name = self._scores[index], self._names[index]
        return ScoredFrame(
            self._frames[index], self._seconds[index], score, sigmoid(score), self.names[name] if name >= 0 else ""
        )


@dataclass(frozen=True, slots=True)
class AnomalySegment:
    """Frames start_frame..end_frame-1, above the threshold except for short gaps.

    Attributes:
        start: Its first moment, in seconds.
        end: Its last moment, in seconds.
        start_frame: Its first frame.
        end_frame: The frame behind its last.
        peak: The highest probability.
        peak_seconds: When it is reached.
        mean: Mean probability of the sampled frames.
        name: The name at the peak; "" if unknown.
    """

    start: float
    end: float
    start_frame: int
    end_frame: int
    peak: float
    peak_seconds: float
    mean: float
    name: str = ""


class SegmentFinder:
    """Finds the segments of a video while its frames are scored."""

    def __init__(self, threshold: float, join: float, spacing: tuple[int, float]) -> None:
        """Begin without frames.

        Args:
            threshold: Probability from which a frame is anomalous.
            join: Longest gap between two segments that are joined, in seconds.
            spacing: Frames and seconds from a sampled frame to the next: the last one of a segment extends that far.
        """
        self.threshold, self.join, self.spacing = threshold, join, spacing
        self._first: ScoredFrame | None = None
        self._last: ScoredFrame | None = None
        self._best: ScoredFrame | None = None
        self._sum, self._count = 0.0, 0

    def add(self, row: ScoredFrame) -> AnomalySegment | None:
        """Add the next sampled frame.

        Args:
            row: The frame.

        Returns:
            The segment that ended before it: nothing that comes can be joined to it.
        """
        gap = 0.0 if self._last is None else row.seconds - (self._last.seconds + self.spacing[1])
        ended = self.end(row.frame) if gap > self.join + 1e-9 else None
        if row.probability >= self.threshold:
            self._first, self._last = self._first or row, row
            if self._best is None or row.probability > self._best.probability:
                self._best = row
            self._sum, self._count = self._sum + row.probability, self._count + 1
        return ended

    def end(self, frames: int) -> AnomalySegment | None:
        """End the segment that goes on, if any.

        Args:
            frames: Number of frames so far: the segment does not end after them.

        Returns:
            The segment.
        """
        first, last, best = self._first, self._last, self._best
        if first is None or last is None or best is None:
            return None
        extent = min(self.spacing[0], frames - last.frame)
        mean = self._sum / self._count
        self._first = self._last = self._best = None
        self._sum, self._count = 0.0, 0
        return AnomalySegment(
            start=round(first.seconds, 3),
            end=round(last.seconds + self.spacing[1] * extent / self.spacing[0], 3),
            start_frame=first.frame,
            end_frame=last.frame + extent,
            peak=best.probability,
            peak_seconds=round(best.seconds, 3),
            mean=mean,
            name=best.name,
        )


def write_csv(
    file: IO[str],
    rows: Iterable[ScoredFrame] | Iterable[AnomalySegment],
    kind: type[ScoredFrame] | type[AnomalySegment],
) -> None:
    """Write a CSV header and one line per row.

    Args:
        file: Where to.
        rows: The rows.
        kind: Their class, for the header.
    """
    table = csv.writer(file, lineterminator="\n")
    table.writerow([field.name for field in fields(kind)])
    for row in rows:
        table.writerow(csv_row(row))


def csv_row(row: ScoredFrame | AnomalySegment) -> list[object]:
    """Convert a row to the cells of a CSV line.

    Args:
        row: The row.

    Returns:
        Its fields in order, floats with six digits.
    """
    return [round(value, 6) if isinstance(value, float) else value for value in asdict(row).values()]


def sigmoid(logit: float) -> float:
    """Convert a logit to a probability, without overflow.

    Args:
        logit: Any finite number.

    Returns:
        The probability, 0 to 1.
    """
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))
