"""The options and the result of a prediction, and the files that it writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from lavida_bench.prediction.segments import AnomalySegment

FORMAT = 1
RESULT = "result.json"
OVERLAY = "overlay.mp4"
TIMELINE = "timeline.png"
SCORES = "scores.csv"
SEGMENTS = "segments.csv"


@dataclass(frozen=True, slots=True)
class PredictionSettings:
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
        notice: The sentence about what the model has seen (`FittedOn.notice`); "" if there is none.
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
    notice: str = ""
