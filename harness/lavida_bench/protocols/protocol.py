"""Protocols: which videos and frames are scored, in which clips, and how scores of sampled frames become a number.

Named and versioned: a result is of ``official/2`` or ``paper/2``, never just "AUC". Published figures of zero-shot
video anomaly detection rest on protocols that differ from the benchmarks' own; both are implemented here.

official/2  Every frame of every test video. Clips of 8 frames; the last clip of a video is filled by repeating its last
            frame, whose extra scores are dropped. Nothing artificial. Coverage below 100 % is an error. Pixels are
            compared at the size of the masks; maps of another size are resized by bilinear interpolation.
paper/2     As LAVIDA's authors score (arXiv 2602.19248 and their code). Every N-th frame, in clips of 8 sampled frames
            that do not overlap; a clip that does not fill is dropped (and so is every video shorter than 8 * N frames).
            The score of a sampled frame is repeated for the frames up to the next one. One artificial normal frame of
            score 0 and one abnormal of score 1 join the raw logits, in micro and in each video of macro. Pixels are
            compared at the size that the benchmark's rules demand (UCSD: 158 x 238), masks and maps by nearest
            neighbour.

Version 2 has one rule of resizing for every method and route; version 1 resized the maps of `score` bilinearly and
those of files by nearest neighbour, under both names. Version 2 also ranks scores at the precision in which they come
(version 1: frames as float32, pixels as float16) and reads boxes of files with inclusive ends as such.

What differs between benchmarks (metrics, N, abnormal videos only, size of the pixels) comes as ScoringRules.
Letters: F frames of a video, T = 8 frames of a clip, n frames.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from lavida_bench.protocols.rules import GENERIC_RULES, ScoringRules
from lavida_bench.protocols.view import EvaluatedVideo
from lavida_bench.videos.types import Counts, Detections, Maps, TestVideo, VideoScore
from lavida_gen.common.errors import DataError, UserError, problem, unknown_name

VERSION = 2  # of all protocols: they share the code that computes a number
CLIP_LENGTH = 8  # frames of a clip, as LAVIDA is trained


class EvaluationProtocol(ABC):
    """How one benchmark is scored.

    Attributes:
        name: Name of the protocol.
        version: Rises whenever a number could change; `id` is name/version.
        complete: Whether less than full coverage is an error.
        interleaved: Number of consecutive windows whose frames interleave: reading them together decodes each frame
            once.
        rules: What is special about the benchmark.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    complete: ClassVar[bool]
    interleaved: int = 1

    def __init__(self, rules: ScoringRules = GENERIC_RULES) -> None:
        self.rules = rules

    @property
    def id(self) -> str:
        """As results name it: ``official/2``, with the options that differ from the protocol's own."""
        return f"{self.name}/{self.version}{self._options()}"

    @abstractmethod
    def _options(self) -> str:
        """The options that differ from the protocol's own, as `id` shows them: `` spacing=4``; "" without any."""

    @abstractmethod
    def describe(self) -> str:
        """One sentence for reports, with the parameters that hold for this benchmark."""

    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that this protocol quotes for the benchmark, the headline first."""

    def select(self, videos: Sequence[TestVideo]) -> list[TestVideo]:
        """The videos that are scored, in the given order; the others count as not covered."""
        return list(videos)

    @abstractmethod
    def windows(self, video: TestVideo) -> Iterator[Counts]:
        """Clips for a model: (T,) int64 frame numbers, ascending except for the repeats that fill a last clip."""

    @abstractmethod
    def frames_to_score(self, video: TestVideo) -> Counts:
        """(n,) int64 ascending: the frames whose scores are used, each once. May be empty."""

    def assemble(
        self,
        video: TestVideo,
        scores: Mapping[int, float],
        pixels: Callable[[int, int], Maps] | None = None,
        detections: Detections | None = None,
    ) -> VideoScore:
        """Make a VideoScore from the scores of single frames.

        Args:
            video: The video.
            scores: Frame number -> score, of the frames that have one.
            pixels: Gives the pixel maps, as in VideoScore.
            detections: Regions, as in VideoScore.

        Returns:
            The scores; frames without one are marked as not scored.

        Raises:
            DataError: A frame is outside the video.
        """
        frames = np.zeros(video.frame_count, np.float64)
        scored = np.zeros(video.frame_count, np.bool_)
        for frame, score in scores.items():
            if not 0 <= frame < video.frame_count:
                raise DataError(problem(video.key, f"a score for frame {frame}", f"0..{video.frame_count - 1}"))
            frames[frame] = score
            scored[frame] = True
        return VideoScore(video.key, frames, None if scored.all() else scored, pixels, detections)

    def view(self, video: TestVideo, score: VideoScore) -> EvaluatedVideo:
        """Select what counts of a video and its scores.

        Args:
            video: A video with labels.
            score: A method's scores of this video.

        Returns:
            The input of metrics.

        Raises:
            DataError: The video has no labels, or the scores are of another video or of another number of frames.
        """
        if score.key != video.key:
            raise DataError(problem(video.key, f"the score is of {score.key!r}"))
        if score.frame_count != video.frame_count:
            expected = f"{video.frame_count}, one a frame"
            raise DataError(problem(video.key, f"{score.frame_count} frame scores", expected))
        if video.frame_labels is None:
            todo = "a video without labels can be scored but not measured"
            raise DataError(problem(video.key, "no frame labels", todo=todo))
        item = self._view(video, score)
        if video.measured is None:
            return item
        kept, pixels = video.measured[item.frames], video.measured[item.pixel_frames]
        return replace(
            item,
            frames=item.frames[kept],
            labels=item.labels[kept],
            values=item.values[kept],
            pixel_frames=item.pixel_frames[pixels],
        )

    @abstractmethod
    def _view(self, video: TestVideo, score: VideoScore) -> EvaluatedVideo:
        """`view` of a video and scores that fit each other."""


class Official(EvaluationProtocol):
    """Every frame of every test video.

    Args:
        rules: What is special about the benchmark.
        spacing: Distance in frames between the frames of a clip, at least 1. With 4, clips take every 4th frame (a
            model sees as far as with the paper's sampling) and 4 clips interleave, so that every frame is still scored
            exactly once.
        rbdc_frames: Number of frames over which RBDC and TBDC count false positives, at least 1; None = those that are
            scored. UBnormal's release has 92,640 test frames; a remark in its authors' script has 89,908.

    Raises:
        UserError: `spacing` or `rbdc_frames` is below 1.
    """

    name = "official"
    version = VERSION
    complete = True

    def __init__(self, rules: ScoringRules = GENERIC_RULES, spacing: int = 1, rbdc_frames: int | None = None) -> None:
        super().__init__(rules)
        for option, value in (("spacing", spacing), ("rbdc_frames", rbdc_frames)):
            if value is not None and value < 1:
                raise UserError(problem("protocol official", f"{option} {value}", "1 or more"))
        self.spacing = self.interleaved = spacing
        self.rbdc_frames = rbdc_frames

    def _options(self) -> str:
        spacing = "" if self.spacing == 1 else f" spacing={self.spacing}"
        return spacing if self.rbdc_frames is None else f"{spacing} rbdc_frames={self.rbdc_frames}"

    def describe(self) -> str:
        """One sentence with the spacing."""
        row = "frames in a row" if self.spacing == 1 else f"frames {self.spacing} apart, interleaved"
        clips = f"clips of {CLIP_LENGTH} {row}, last clip filled by repeating its last frame"
        return f"every frame of every test video, {clips}"

    def metrics(self) -> tuple[str, ...]:
        """The metrics that the benchmark's paper reports."""
        return self.rules.metrics

    def windows(self, video: TestVideo) -> Iterator[Counts]:
        """ceil(F / T) clips or, with a spacing, the number that covers every frame once."""
        reach = CLIP_LENGTH * self.spacing
        for block in range(0, video.frame_count, reach):
            for offset in range(block, min(block + self.spacing, video.frame_count)):
                clip = np.arange(offset, min(offset + reach, video.frame_count), self.spacing)
                yield np.pad(clip, (0, CLIP_LENGTH - len(clip)), mode="edge")

    def frames_to_score(self, video: TestVideo) -> Counts:
        """All frames."""
        return np.arange(video.frame_count)

    def _view(self, video: TestVideo, score: VideoScore) -> EvaluatedVideo:
        assert video.frame_labels is not None, "checked by view"
        frames = np.arange(video.frame_count) if score.scored is None else np.flatnonzero(score.scored)
        labels, values = video.frame_labels[frames], score.frames[frames]
        seen = np.arange(video.frame_count) if score.boxes_alone else frames
        return EvaluatedVideo(video, score, frames, labels, values, seen, detection_frames=self.rbdc_frames)


class Paper(EvaluationProtocol):
    """As LAVIDA's authors score (arXiv 2602.19248).

    Args:
        rules: What is special about the benchmark.
        every: Sample one frame in every `every` frames, at least 1; None = as the rules of the benchmark demand.

    Raises:
        UserError: `every` is below 1.
    """

    name = "paper"
    version = VERSION
    complete = False

    def __init__(self, rules: ScoringRules = GENERIC_RULES, every: int | None = None) -> None:
        super().__init__(rules)
        self.every = rules.every if every is None else every
        if self.every < 1:
            raise UserError(problem("protocol paper", f"sampling every {self.every} frames", "1 or more"))

    def _options(self) -> str:
        return "" if self.every == self.rules.every else f" every={self.every}"

    def describe(self) -> str:
        """One sentence with the sampling step."""
        parts = [
            f"one frame in every {self.every}" if self.every > 1 else "every frame",
            f"clips of {CLIP_LENGTH}",
            "clips that do not fill dropped",
            "scores repeated up to the next sampled frame",
            "artificial end points",
        ]
        if self.rules.paper_abnormal_only:
            parts.append("abnormal videos only")
        return ", ".join(parts)

    def metrics(self) -> tuple[str, ...]:
        """The metrics that LAVIDA's paper reports, or those of the benchmark if it declares no others."""
        return self.rules.metrics if self.rules.paper_metrics is None else self.rules.paper_metrics

    def select(self, videos: Sequence[TestVideo]) -> list[TestVideo]:
        """All videos, or those with an abnormal frame if the rules demand it."""
        return [video for video in videos if video.abnormal or not self.rules.paper_abnormal_only]

    def windows(self, video: TestVideo) -> Iterator[Counts]:
        """floor(F / (T * every)) full clips."""
        yield from self.frames_to_score(video).reshape(-1, CLIP_LENGTH)

    def frames_to_score(self, video: TestVideo) -> Counts:
        """The sampled frames of the full clips."""
        clips = video.frame_count // (CLIP_LENGTH * self.every)
        return np.arange(clips * CLIP_LENGTH) * self.every

    def _view(self, video: TestVideo, score: VideoScore) -> EvaluatedVideo:
        assert video.frame_labels is not None, "checked by view"
        seen = sampled = self.frames_to_score(video)
        if score.scored is not None:
            sampled = sampled[score.scored[sampled]]
            seen = seen if score.boxes_alone else sampled
        frames = (sampled[:, None] + np.arange(self.every)).reshape(-1)
        values = np.repeat(score.frames[sampled], self.every)
        labels, size = video.frame_labels[frames], self.rules.paper_pixel_size
        return EvaluatedVideo(video, score, frames, labels, values, seen, size, "nearest", endpoints=True)


PROTOCOLS: dict[str, type[Official] | type[Paper]] = {"official": Official, "paper": Paper}
OPTIONS = {"official": ("spacing", "rbdc_frames"), "paper": ("every",)}
"""Protocol -> its options, whole numbers."""


def make(name: str, rules: ScoringRules = GENERIC_RULES) -> EvaluationProtocol:
    """Make a protocol by its name.

    Args:
        name: ``official``, ``paper``, with a version: ``official/2``, or with options: ``official rbdc_frames=89908``.
        rules: What is special about the benchmark: `benchmark.rules`.

    Returns:
        The protocol.

    Raises:
        UserError: The name or an option is unknown, or this code has another version.
    """
    base, *options = name.split() or [name]
    base, _, version = base.partition("/")
    if base not in PROTOCOLS:
        raise UserError(unknown_name("protocol", name, PROTOCOLS))
    if version and version != str(PROTOCOLS[base].version):
        expected = f"{base}/{PROTOCOLS[base].version}, the one that this code has"
        raise UserError(problem(f"protocol {name!r}", f"version {version}", expected))
    values: dict[str, int] = {}
    for option in options:
        key, _, value = option.partition("=")
        if key not in OPTIONS[base] or not value.isdigit():
            raise UserError(problem(f"protocol {name!r}", f"option {option!r}", f"{' or '.join(OPTIONS[base])}=NUMBER"))
        values[key] = int(value)
    return PROTOCOLS[base](rules, **values)


PARTIAL, DEFECTS = " (partial)", "+defects"
"""Marks of an id: less was scored than the benchmark holds; files had defects that the user allowed."""


def result_id(protocol_id: str, partial: bool = False, defects: bool = False) -> str:
    """The id of a protocol as a result names it: ``official/2+defects spacing=4 (partial)``.

    Args:
        protocol_id: `EvaluationProtocol.id`.
        partial: Whether less was scored than the protocol asks for.
        defects: Whether the benchmark's files have defects with which the number is not the official one.

    Returns:
        The id with its marks.
    """
    name, blank, options = protocol_id.partition(" ")
    return f"{name}{DEFECTS if defects else ''}{blank}{options}{PARTIAL if partial else ''}"


def plain_id(text: str) -> str:
    """The id without its marks.

    Args:
        text: What `result_id` made.

    Returns:
        `EvaluationProtocol.id`.
    """
    name, blank, options = text.removesuffix(PARTIAL).partition(" ")
    return f"{name.removesuffix(DEFECTS)}{blank}{options}"


def from_id(text: str, rules: ScoringRules) -> EvaluationProtocol:
    """Make the protocol that a result names.

    Args:
        text: Its id, ``official/2`` or ``paper/2 every=2``; its marks are ignored.
        rules: What is special about the benchmark: `benchmark.rules`.

    Returns:
        The protocol with these options.

    Raises:
        UserError: The name is unknown, or this code has another version.
    """
    return make(plain_id(text), rules)
