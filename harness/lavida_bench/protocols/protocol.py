"""Protocols: which videos and frames are scored, in which clips, and how scores of sampled frames become a number.

Named and versioned: a result says ``official/1`` or ``paper/1``, never just "AUC". Published figures of zero-shot video
anomaly detection rest on protocols that differ from the benchmarks' own; here both are spelled out.

official/1  every frame of every test video; clips of 8 frames; the last clip of a video is filled by repeating its last
            frame, whose extra scores are dropped; nothing artificial; coverage below 100 % is an error.
paper/1     as LAVIDA's authors score (arXiv 2602.19248 and their code): every N-th frame, clips of 8 sampled frames
            that do not overlap, a clip that does not fill is dropped (with it every video shorter than 8 * N frames),
            a sampled frame's score is repeated for the frames up to the next one; of UBnormal the abnormal videos only;
            one artificial normal frame of score 0 and one abnormal of score 1 join the raw logits, in micro and in
            each video of macro; UCSD pixels at 158 x 238; XD-Violence by AUC.

Letters: F frames of a video, T = 8 frames of a clip.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np

from lavida_bench.protocols.rules import GENERIC_RULES, ScoringRules
from lavida_bench.protocols.view import EvaluatedVideo
from lavida_bench.videos.types import Counts, Detections, Maps, TestVideo, VideoScore
from lavida_gen.common.errors import DataError, UserError, did_you_mean, problem

CLIP = 8  # frames of a clip, as LAVIDA is trained


class EvaluationProtocol(ABC):
    """How one benchmark is scored.

    name, version  `id` is name/version; the version rises whenever a number could change
    complete       whether less than full coverage is an error
    interleaved    how many windows in a row lie between each other: who reads them together decodes each frame once
    """

    name: ClassVar[str]
    version: ClassVar[int]
    complete: ClassVar[bool]
    interleaved: int = 1

    def __init__(self, rules: ScoringRules = GENERIC_RULES) -> None:
        self.rules = rules

    @property
    def id(self) -> str:
        """As results name it: ``official/1``, with the options that differ from the protocol's own."""
        return f"{self.name}/{self.version}{self._options()}"

    @abstractmethod
    def _options(self) -> str: ...

    @abstractmethod
    def describe(self) -> str:
        """One sentence for reports, with the parameters that hold for this benchmark."""

    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """The metrics that this protocol quotes for the benchmark, the first one first."""

    def select(self, videos: Sequence[TestVideo]) -> list[TestVideo]:
        """The videos that are scored, in the given order. What it leaves out counts as not covered."""
        return list(videos)

    @abstractmethod
    def windows(self, video: TestVideo) -> Iterator[Counts]:
        """Clips for a model: (T,) int64 frame numbers, ascending but for the repeats that fill a last clip."""

    @abstractmethod
    def needed(self, video: TestVideo) -> Counts:
        """(n,) int64 ascending: the frames whose scores are used, each once. May be empty."""

    def assemble(
        self,
        video: TestVideo,
        scores: Mapping[int, float],
        pixels: Callable[[int, int], Maps] | None = None,
        detections: Detections | None = None,
    ) -> VideoScore:
        """A VideoScore from the scores of single frames (as they came out of `windows`, repeats merged).

        Raises DataError for frames outside the video, UserError never; frames without a score are marked so.
        """
        frames = np.zeros(video.frame_count, np.float64)
        scored = np.zeros(video.frame_count, np.bool_)
        for frame, score in scores.items():
            if not 0 <= frame < video.frame_count:
                raise DataError(problem(video.key, f"a score for frame {frame}", f"0..{video.frame_count - 1}"))
            frames[frame], scored[frame] = score, True
        return VideoScore(video.key, frames.astype(np.float32), None if scored.all() else scored, pixels, detections)

    def view(self, video: TestVideo, score: VideoScore) -> EvaluatedVideo:
        """What counts of a video and its score. Raises DataError if they do not belong together."""
        if score.key != video.key:
            raise DataError(problem(video.key, f"the score is of {score.key!r}"))
        if score.frame_count != video.frame_count:
            raise DataError(
                problem(video.key, f"{score.frame_count} frame scores", f"{video.frame_count}, one a frame")
            )
        if video.frame_labels is None:
            raise DataError(problem(video.key, "no frame labels", todo="a video without labels has scores, no metrics"))
        return self._view(video, score)

    @abstractmethod
    def _view(self, video: TestVideo, score: VideoScore) -> EvaluatedVideo: ...


class Official(EvaluationProtocol):
    """Every frame of every test video.

    spacing  frames between those of a clip. With 4, clips take every 4th frame (a model sees as far as in the paper's
             sampling) and 4 clips interleave, so that every frame is still scored exactly once. 1 = frames in a row.
    """

    name = "official"
    version = 1
    complete = True

    def __init__(self, rules: ScoringRules = GENERIC_RULES, spacing: int = 1) -> None:
        super().__init__(rules)
        if spacing < 1:
            raise UserError(problem("protocol official", f"spacing {spacing}", "1 or more"))
        self.spacing = self.interleaved = spacing

    def _options(self) -> str:
        return "" if self.spacing == 1 else f" spacing={self.spacing}"

    def describe(self) -> str:
        """See Protocol."""
        row = "frames in a row" if self.spacing == 1 else f"frames {self.spacing} apart, interleaved"
        return f"every frame of every test video, clips of {CLIP} {row}, last clip filled by repeating its last frame"

    def metrics(self) -> tuple[str, ...]:
        """See Protocol."""
        return self.rules.metrics

    def windows(self, video: TestVideo) -> Iterator[Counts]:
        """ceil(F / T) clips or, with a spacing, as many as cover every frame once."""
        for block in range(0, video.frame_count, CLIP * self.spacing):
            for offset in range(block, min(block + self.spacing, video.frame_count)):
                clip = np.arange(offset, min(offset + CLIP * self.spacing, video.frame_count), self.spacing)
                yield np.pad(clip, (0, CLIP - len(clip)), mode="edge")

    def needed(self, video: TestVideo) -> Counts:
        """All frames."""
        return np.arange(video.frame_count)

    def _view(self, video: TestVideo, score: VideoScore) -> EvaluatedVideo:
        frames = np.arange(video.frame_count) if score.scored is None else np.flatnonzero(score.scored)
        assert video.frame_labels is not None, "checked by view"
        return EvaluatedVideo(
            video, score, frames, video.frame_labels[frames], score.frames[frames], pixel_frames=frames
        )


class Paper(EvaluationProtocol):
    """As LAVIDA's authors score. `every`: their sampling of the benchmark, or another one for one they do not have."""

    name = "paper"
    version = 1
    complete = False

    def __init__(self, rules: ScoringRules = GENERIC_RULES, every: int | None = None) -> None:
        super().__init__(rules)
        self.every = rules.every if every is None else every
        if self.every < 1:
            raise UserError(problem("protocol paper", f"sampling every {self.every} frames", "1 or more"))

    def _options(self) -> str:
        return "" if self.every == self.rules.every else f" every={self.every}"

    def describe(self) -> str:
        """See Protocol."""
        text = f"every {self.every}th frame" if self.every > 1 else "every frame"
        text += f", clips of {CLIP}, clips that do not fill dropped, scores repeated up to the next sampled frame, "
        text += "artificial end points"
        return text + (", abnormal videos only" if self.rules.paper_abnormal_only else "")

    def metrics(self) -> tuple[str, ...]:
        """See Protocol."""
        own = self.rules.paper_metrics
        return self.rules.metrics if own is None else own

    def select(self, videos: Sequence[TestVideo]) -> list[TestVideo]:
        """All videos; of UBnormal the abnormal ones."""
        return [video for video in videos if video.abnormal or not self.rules.paper_abnormal_only]

    def windows(self, video: TestVideo) -> Iterator[Counts]:
        """floor(F / (T * every)) full clips."""
        sampled = self.needed(video)
        yield from sampled.reshape(-1, CLIP)

    def needed(self, video: TestVideo) -> Counts:
        """The sampled frames of the full clips."""
        clips = video.frame_count // (CLIP * self.every)
        return np.arange(clips * CLIP) * self.every

    def _view(self, video: TestVideo, score: VideoScore) -> EvaluatedVideo:
        assert video.frame_labels is not None, "checked by view"
        sampled = self.needed(video)
        if score.scored is not None:
            sampled = sampled[score.scored[sampled]]
        frames = (sampled[:, None] + np.arange(self.every)).reshape(-1)
        values = np.repeat(score.frames[sampled], self.every)
        labels, size = video.frame_labels[frames], self.rules.paper_pixel_size
        return EvaluatedVideo(video, score, frames, labels, values, sampled, size, endpoints=True)


PROTOCOLS: dict[str, type[Official] | type[Paper]] = {"official": Official, "paper": Paper}


def make(name: str, rules: ScoringRules = GENERIC_RULES) -> EvaluationProtocol:
    """``official``, ``paper`` or with a version, ``official/1``. Raises UserError for an unknown name or version."""
    word, _, version = name.partition("/")
    if word not in PROTOCOLS:
        hint = did_you_mean(word, tuple(PROTOCOLS)) or f"known: {', '.join(PROTOCOLS)}"
        raise UserError(f"unknown protocol {name!r}; {hint}")
    protocol = PROTOCOLS[word](rules)
    if version and version != str(protocol.version):
        raise UserError(
            problem(f"protocol {name!r}", f"version {version}", f"{protocol.id}, the one that this code has")
        )
    return protocol


def from_id(text: str, rules: ScoringRules) -> EvaluationProtocol:
    """The protocol that a result names: ``official/1``, ``paper/1 every=2``. Raises UserError."""
    word, *options = text.removesuffix(" (partial)").split()
    protocol = make(word, rules)
    values = {key: int(value) for key, _, value in (option.partition("=") for option in options)}
    return type(protocol)(rules, **values) if values else protocol
