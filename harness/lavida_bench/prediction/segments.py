"""Stretches of time in which a score stays above a threshold, and CSV of both. Letters: n sampled frames, K names."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import IO, Any, overload


@dataclass(frozen=True, slots=True)
class ScoredFrame:
    """What the model says of one sampled frame.

    score  logit;  probability  its sigmoid;  name  the name with the highest logit of its own, "" if unknown
    """

    frame: int
    seconds: float
    score: float
    probability: float
    name: str = ""


class ScoredFrames(Sequence[ScoredFrame]):
    """Sampled frames in order of time, 22 bytes each: a camera may run for days. `names`: K, those of the prompt."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._frames, self._seconds, self._scores, self._named = array("q"), array("d"), array("f"), array("h")

    def add(self, frame: int, seconds: float, score: float, name: int = -1) -> ScoredFrame:
        """One more; `name` is a place in `names`, -1 = unknown."""
        self._frames.append(frame)
        self._seconds.append(seconds)
        self._scores.append(score)
        self._named.append(name)
        return self[-1]

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, at: int) -> ScoredFrame: ...
    @overload
    def __getitem__(self, at: slice) -> list[ScoredFrame]: ...
    def __getitem__(self, at: int | slice) -> ScoredFrame | list[ScoredFrame]:
        if isinstance(at, slice):
            return [self[n] for n in range(*at.indices(len(self)))]
        score, name = self._scores[at], self._named[at]
        return ScoredFrame(
            self._frames[at], self._seconds[at], score, sigmoid(score), self.names[name] if name >= 0 else ""
        )


@dataclass(frozen=True, slots=True)
class AnomalySegment:
    """Frames start_frame..end_frame-1, above the threshold but for short gaps.

    peak  the highest probability, at `peak_seconds`; `name` is that frame's;  mean  of the sampled frames
    """

    start: float
    end: float
    start_frame: int
    end_frame: int
    peak: float
    peak_seconds: float
    mean: float
    name: str = ""


def find_segments(
    rows: Sequence[ScoredFrame], threshold: float, join: float, spacing: tuple[int, float], frames: int
) -> list[AnomalySegment]:
    """Segments of sampled frames in order of time.

    join     gaps of at most so many seconds are bridged
    spacing  frames and seconds from a sampled frame to the next: so far does the last one of a segment reach
    frames   of the video: no segment ends after it
    """
    found: list[list[ScoredFrame]] = []
    for row in rows:
        if row.probability < threshold:
            continue
        if found and row.seconds - (found[-1][-1].seconds + spacing[1]) <= join + 1e-9:
            found[-1].append(row)
        else:
            found.append([row])
    return [_segment(group, spacing, frames) for group in found]


def _segment(group: list[ScoredFrame], spacing: tuple[int, float], frames: int) -> AnomalySegment:
    best = max(group, key=lambda row: row.probability)
    first, last = group[0], group[-1]
    mean = sum(row.probability for row in group) / len(group)
    reach = min(spacing[0], frames - last.frame)
    end = last.seconds + spacing[1] * reach / spacing[0]
    return AnomalySegment(
        round(first.seconds, 3), round(end, 3), first.frame, last.frame + reach,
        best.probability, round(best.seconds, 3), mean, best.name,
    )  # fmt: skip


def write_csv(file: IO[str], rows: Iterable[ScoredFrame] | Iterable[AnomalySegment], kind: type[Any]) -> None:
    """A head and one line each; numbers with six digits."""
    table = csv.writer(file, lineterminator="\n")
    table.writerow([field.name for field in fields(kind)])
    for row in rows:
        table.writerow(csv_row(row))


def csv_row(row: ScoredFrame | AnomalySegment) -> list[object]:
    """The cells of a row."""
    return [round(value, 6) if isinstance(value, float) else value for value in asdict(row).values()]


def sigmoid(logit: float) -> float:
    """Probability of a logit, without overflow."""
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))
