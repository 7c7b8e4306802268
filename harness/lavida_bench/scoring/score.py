"""Scores a benchmark: model x video -> scores on disk, under a protocol; an interrupted scoring continues.

    store = ScoreStore.create(folder, about(...))
    scoring = score(scorer, videos, protocol, names, store)

Reader threads decode and prepare ahead of the model (see prefetch); scores and maps are written video by video (see
score_writer), so a kill loses only unfinished videos. A video that cannot be read is reported, the others are scored.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np

from lavida_bench.common.distributed import Processes
from lavida_bench.common.timer import Timer
from lavida_bench.protocols.prompt_names import PromptNames
from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.protocols.windows import read_clips
from lavida_bench.results.score_store import ScoreStore
from lavida_bench.scoring.score_writer import VideoScoreWriter
from lavida_bench.scoring.scorer import PendingScores, Scorer, prepare_clips
from lavida_bench.videos.prefetch import JobDone, JobPiece, read_ahead
from lavida_bench.videos.types import Bits, Counts, TestVideo

MOST_READERS = 8
"""Most reader threads by default: each holds a batch of full frames and a prepared one."""
IN_FLIGHT = 2
"""Batches on the device: one is computed, the scores of the other are copied back."""


def usual_readers() -> int:
    """Return this process' share of the machine's cores, 2 to 8."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
    return max(2, min(MOST_READERS, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """Sizes of batches and queues; they change scores by rounding at most.

    Attributes:
        batch: Clips of one forward pass.
        readers: Threads that decode and prepare; default: this process' share of the cores, 2 to 8.
        depth: Batches that wait for the model.
        maps: Whether to store pixel maps of videos with pixel labels.
    """

    batch: int = 4
    readers: int = field(default_factory=usual_readers)
    depth: int = 4
    maps: bool = True


@dataclass(slots=True)
class ScoringResult:
    """What a scoring did.

    Attributes:
        scored: Keys of the videos that were scored.
        kept: Keys of the videos that had scores before.
        failed: Key of each video without scores -> why.
        frames: Frames that were scored.
        seconds: Busy seconds by stage.
    """

    scored: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    frames: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _PreparedBatch:
    """A batch for the model: numbers of its frames (N,), which of them are no repeats (N,), its inputs."""

    numbers: Counts
    is_new: Bits
    prepared: object


def score(
    scorer: Scorer,
    videos: Sequence[TestVideo],
    protocol: EvaluationProtocol,
    names: PromptNames,
    store: ScoreStore,
    settings: ScoringSettings | None = None,
    advance: Callable[[int], None] = lambda frames: None,
) -> ScoringResult:
    """Score the videos whose scores are not in the store.

    Args:
        scorer: The model.
        videos: All videos, or this process' part (`videos_of_process`).
        protocol: Which frames of a video are scored, in which clips.
        names: Names of each video's prompt.
        store: Where scores are written.
        settings: Sizes of batches and queues.
        advance: Takes the number of frames scored since its last call.

    Raises:
        DataError: The disk is full.
    """
    loop = _ScoringLoop(scorer, protocol, names, store, settings or ScoringSettings(), advance)
    todo = [video for video in videos if not loop.is_scored(video)]
    with loop.timer("total"):
        loop.run(todo)
    loop.result.seconds = loop.timer.plain()
    return loop.result


@dataclass(slots=True)
class _ScoringLoop:
    """The loop and its state: writers of unfinished videos, batches on the device."""

    scorer: Scorer
    protocol: EvaluationProtocol
    names: PromptNames
    store: ScoreStore
    settings: ScoringSettings
    advance: Callable[[int], None]
    timer: Timer = field(default_factory=Timer)
    result: ScoringResult = field(default_factory=ScoringResult)
    writers: dict[str, VideoScoreWriter] = field(default_factory=dict)
    in_flight: deque[tuple[VideoScoreWriter, _PreparedBatch, PendingScores]] = field(default_factory=deque)

    def is_scored(self, video: TestVideo) -> bool:
        """Whether the store has its scores; then it is counted as kept."""
        if not self.store.has(video, self.settings.maps and video.has_pixels):
            return False
        self.result.kept.append(video.key)
        self.advance(len(self.protocol.frames_to_score(video)))
        return True

    def prepare(self, video: TestVideo) -> Iterator[_PreparedBatch]:
        """The batches of a video, which is closed after them. Runs in a reader thread."""
        names = self.names.for_video(video)
        try:
            for batch in self.timer.timed("decode", read_clips(video, self.protocol, self.settings.batch)):
                with self.timer("prepare"):
                    clips, seconds = [clip.frames for clip in batch], [clip.seconds for clip in batch]
                    prepared = prepare_clips(self.scorer, clips, names, seconds)
                numbers = np.concatenate([clip.numbers for clip in batch])
                yield _PreparedBatch(numbers, np.concatenate([clip.is_new for clip in batch]), prepared)
        finally:  # the paper's protocol leaves out the last frames, and a damaged video ends early
            video.close()

    def run(self, videos: Sequence[TestVideo]) -> None:
        """Run the model on all batches; no half-written video is left, whatever happens."""
        items = read_ahead(videos, self.prepare, self.settings.readers, self.settings.depth)
        try:
            for item in self.timer.timed("wait", items):
                writer = self._writer(item.job)
                if isinstance(item, JobPiece):
                    with self.timer("model"):
                        self.in_flight.append((writer, item.piece, self.scorer.score(item.piece.prepared)))
                    self._collect(IN_FLIGHT - 1)
                else:
                    self._collect(0)
                    self._finish(item)
        finally:
            items.close()
            for writer in self.writers.values():
                writer.abandon()

    def _writer(self, video: TestVideo) -> VideoScoreWriter:
        if video.key not in self.writers:
            keep = self.settings.maps and video.has_pixels
            self.writers[video.key] = VideoScoreWriter(self.store, video, self.protocol, keep)
        return self.writers[video.key]

    def _collect(self, most: int) -> None:
        """Collect scores from the device until it holds at most `most` batches."""
        while len(self.in_flight) > most:
            writer, piece, pending = self.in_flight.popleft()
            with self.timer("model"):
                scores = pending()
            with self.timer("write"):
                new = piece.is_new
                maps = None if scores.maps is None else scores.maps[new]
                found = None if scores.regions is None else list(compress(scores.regions, new))
                writer.add(piece.numbers[new], scores.frames[new], maps, found)
            self.result.frames += int(piece.is_new.sum())
            self.advance(int(piece.is_new.sum()))

    def _finish(self, item: JobDone[TestVideo]) -> None:
        writer = self.writers[item.job.key]
        if item.error is not None:
            writer.abandon()
            self.result.failed[item.job.key] = str(item.error)
        else:
            with self.timer("write"):
                writer.finish()
            self.result.scored.append(item.job.key)
        del self.writers[item.job.key]


def videos_of_process(
    videos: Sequence[TestVideo], protocol: EvaluationProtocol, processes: Processes
) -> list[TestVideo]:
    """Choose the videos that this process scores.

    Args:
        videos: All videos.
        protocol: Which of them are scored.
        processes: Videos are shared among them by their number of frames.
    """
    chosen = protocol.select(videos)
    return processes.share(chosen, [len(protocol.frames_to_score(video)) for video in chosen])


def merge_results(results: Sequence[ScoringResult]) -> ScoringResult:
    """Merge the results of all processes; a stage has the seconds of the slowest process.

    Args:
        results: One for each process.
    """
    whole = ScoringResult()
    for result in results:
        whole.scored += result.scored
        whole.kept += result.kept
        whole.failed |= result.failed
        whole.frames += result.frames
        for stage, seconds in result.seconds.items():
            whole.seconds[stage] = max(whole.seconds.get(stage, 0.0), seconds)
    return whole
