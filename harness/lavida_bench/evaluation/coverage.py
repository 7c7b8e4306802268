"""How much of a benchmark was scored: counted video by video, and the error where a protocol asks for all of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.results.result import Coverage
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, problem

SHOWN = 10  # missing videos listed in an error


@dataclass(slots=True)
class CoverageCounter:
    """Counts of videos and frames, updated video by video.

    Attributes:
        videos: Videos with a score.
        videos_total: All videos at hand.
        frames: Scored frames.
        frames_total: Frames of all videos at hand.
        missing: Keys of videos without a score, or with unscored frames.
        keys: Keys of all videos at hand.
        unlabelled: Videos without labels.
        boxes_alone: Videos with regions and no frame scores.
    """

    videos: int = 0
    videos_total: int = 0
    frames: int = 0
    frames_total: int = 0
    missing: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    unlabelled: int = 0
    boxes_alone: int = 0

    def add(self, video: TestVideo, scored_frames: int) -> None:
        """Count a video.

        Args:
            video: The video.
            scored_frames: How many of its frames have a score that counts.

        Raises:
            DataError: There was a video of its key before.
        """
        if video.key in self.keys:
            raise DataError(problem(video.key, "the video appears twice", "each test video once"))
        self.keys.add(video.key)
        self.unlabelled += video.frame_labels is None
        self.videos += scored_frames > 0
        self.videos_total += 1
        self.frames += scored_frames
        self.frames_total += video.measured_count
        if scored_frames < video.measured_count:
            self.missing.append(video.key)

    def coverage(self, expected: tuple[int, int] | None) -> Coverage:
        """The coverage of the benchmark.

        Args:
            expected: (videos, frames) of the whole benchmark; None = those that were counted.
        """
        videos, frames = expected or (self.videos_total, self.frames_total)
        totals = max(videos, self.videos_total), max(frames, self.frames_total)
        return Coverage(self.videos, totals[0], self.frames, totals[1], tuple(self.missing))


def incomplete_error(counter: CoverageCounter, coverage: Coverage, protocol: EvaluationProtocol) -> DataError:
    """The error that lists what is missing under a protocol that asks for complete coverage.

    Args:
        counter: What was counted.
        coverage: Its coverage of the benchmark.
        protocol: The protocol.
    """
    unscored = counter.videos_total - counter.videos
    counts = {
        "videos are not at hand": coverage.videos_total - counter.videos_total,
        "have no score": unscored,
        "are scored in part": len(coverage.missing) - unscored,
    }
    reasons = [f"{number:,} {what}" for what, number in counts.items() if number] or ["videos at hand are too short"]
    keys = f": {', '.join(coverage.missing[:SHOWN])}" if coverage.missing else ""
    if len(coverage.missing) > SHOWN:
        keys += f" and {len(coverage.missing) - SHOWN} more"
    todo = "score them, or use --allow-partial: the result is then marked partial and is not the benchmark's number"
    return DataError(
        problem(
            f"protocol {protocol.id}",
            f"scored {coverage}; {', '.join(reasons)}{keys}",
            "every frame of every test video",
            todo,
        )
    )
