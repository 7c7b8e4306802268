"""Score a benchmark: model x video -> scores on disk, under a protocol; stopped and started again it goes on.

    store = ScoreStore.create(folder, about(...))
    scoring = score(scorer, videos, protocol, names, store)

Readers decode and prepare ahead of the model (see prefetch); scores and maps are written video by video (see
score_writer), so a kill loses the videos in work alone. A video that cannot be read is told, the others are scored.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lavida_bench.common.distributed import Processes
from lavida_bench.common.timer import Timer
from lavida_bench.protocols.prompt_names import PromptNames
from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.protocols.windows import read_clips
from lavida_bench.results.score_store import ScoreStore
from lavida_bench.scoring.score_writer import VideoScoreWriter
from lavida_bench.scoring.scorer import PendingScores, Scorer
from lavida_bench.videos.prefetch import JobDone, JobPiece, read_ahead
from lavida_bench.videos.types import Bits, Counts, TestVideo

MOST_READERS = 8  # unless asked for: each holds a batch of full frames and one that is prepared
IN_FLIGHT = 2  # batches that a device may hold: one it computes, one whose scores travel back


def usual_readers() -> int:
    """This process's share of the machine's cores, 2..8."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
    return max(2, min(MOST_READERS, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """How much at once: none of it changes a score by more than rounding.

    batch    clips of one forward;  depth  batches that wait for the model
    readers  threads that decode and prepare; default: this process's share of the cores, 2..8
    maps     store pixel maps of videos whose pixels are labelled
    """

    batch: int = 4
    readers: int = field(default_factory=usual_readers)
    depth: int = 4
    maps: bool = True


@dataclass(slots=True)
class ScoringResult:
    """What a scoring did.

    scored, kept  keys of the videos scored now, and of those whose scores were there
    failed        key -> why it has none
    frames        scored now;  seconds  busy seconds by stage
    """

    scored: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    frames: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _PreparedBatch:
    """A batch ready for the model: (N,) numbers of its frames, which of them are no repeats, its inputs."""

    numbers: Counts
    is_new: Bits
    prepared: Any


def score(
    scorer: Scorer,
    videos: Sequence[TestVideo],
    protocol: EvaluationProtocol,
    names: PromptNames,
    store: ScoreStore,
    effort: ScoringSettings | None = None,
    advance: Callable[[int], None] = lambda frames: None,
) -> ScoringResult:
    """Scores those of `videos` that the store lacks: all of them, or this process's part.

    Raises DataError when the disk is full. `advance` is told how many more frames are scored.
    """
    work = _ScoringLoop(scorer, protocol, names, store, effort or ScoringSettings(), advance)
    todo = [video for video in videos if not work.kept(video)]
    with work.clock("total"):
        work.run(todo)
    work.found.seconds = work.clock.plain()
    return work.found


@dataclass(slots=True)
class _ScoringLoop:
    """The loop and what it holds: writers of the videos that are open, batches that the device has."""

    scorer: Scorer
    protocol: EvaluationProtocol
    names: PromptNames
    store: ScoreStore
    effort: ScoringSettings
    advance: Callable[[int], None]
    clock: Timer = field(default_factory=Timer)
    found: ScoringResult = field(default_factory=ScoringResult)
    writers: dict[str, VideoScoreWriter] = field(default_factory=dict)
    flight: deque[tuple[VideoScoreWriter, _PreparedBatch, PendingScores]] = field(default_factory=deque)

    def kept(self, video: TestVideo) -> bool:
        """Whether its scores are there already; counts it then."""
        if not self.store.has(video, self.effort.maps and video.has_pixels):
            return False
        self.found.kept.append(video.key)
        self.advance(len(self.protocol.frames_to_score(video)))
        return True

    def pieces(self, video: TestVideo) -> Iterator[_PreparedBatch]:
        """The batches of a video, which is closed after them. Runs in a reader."""
        names = self.names.for_video(video)
        try:
            for some in self.clock.timed("decode", read_clips(video, self.protocol, self.effort.batch)):
                with self.clock("prepare"):
                    prepared = self.scorer.prepare([clip.frames for clip in some], names)
                numbers = np.concatenate([clip.numbers for clip in some])
                yield _PreparedBatch(numbers, np.concatenate([clip.is_new for clip in some]), prepared)
        finally:  # protocol paper leaves out the last frames, and a broken video ends early
            video.close()

    def run(self, videos: Sequence[TestVideo]) -> None:
        """Runs the model on all pieces; whatever happens, no half-written video stays."""
        items = read_ahead(videos, self.pieces, self.effort.readers, self.effort.depth)
        try:
            for item in self.clock.timed("wait", items):
                writer = self._writer(item.job)
                if isinstance(item, JobPiece):
                    with self.clock("model"):
                        self.flight.append((writer, item.piece, self.scorer.score(item.piece.prepared)))
                    self._land(IN_FLIGHT - 1)
                else:
                    self._land(0)
                    self._end(item)
        finally:
            items.close()
            for writer in self.writers.values():
                writer.abandon()

    def _writer(self, video: TestVideo) -> VideoScoreWriter:
        if video.key not in self.writers:
            keep = self.effort.maps and video.has_pixels
            self.writers[video.key] = VideoScoreWriter(self.store, video, self.protocol, keep)
        return self.writers[video.key]

    def _land(self, most: int) -> None:
        """Takes scores from the device until it holds at most `most` batches."""
        while len(self.flight) > most:
            writer, piece, pending = self.flight.popleft()
            with self.clock("model"):
                scores = pending()
            with self.clock("write"):
                maps = None if scores.maps is None else scores.maps[piece.is_new]
                writer.add(piece.numbers[piece.is_new], scores.frames[piece.is_new], maps)
            self.found.frames += int(piece.is_new.sum())
            self.advance(int(piece.is_new.sum()))

    def _end(self, item: JobDone[TestVideo]) -> None:
        writer = self.writers[item.job.key]
        if item.error is not None:
            writer.abandon()
            self.found.failed[item.job.key] = str(item.error)
        else:
            with self.clock("write"):
                writer.finish()
            self.found.scored.append(item.job.key)
        del self.writers[item.job.key]


def videos_of_process(
    videos: Sequence[TestVideo], protocol: EvaluationProtocol, processes: Processes
) -> list[TestVideo]:
    """The videos that a protocol scores and that are this process's part."""
    chosen = protocol.select(videos)
    return processes.share(chosen, [len(protocol.frames_to_score(video)) for video in chosen])


def merge_results(scorings: Sequence[ScoringResult]) -> ScoringResult:
    """What all processes did: everything of each, the seconds of the slowest stage by stage."""
    whole = ScoringResult()
    for one in scorings:
        whole.scored += one.scored
        whole.kept += one.kept
        whole.failed |= one.failed
        whole.frames += one.frames
        for stage, seconds in one.seconds.items():
            whole.seconds[stage] = max(whole.seconds.get(stage, 0.0), seconds)
    return whole
