"""The interface between the harness and a model that scores clips. No torch here; `lavida_scorer` implements it.

`prepare` runs in reader threads, ahead of the model; `score` starts the model and may return before it is done, so that
a device computes one batch while the CPU writes the batch before.

Letters: T frames of a clip, N frames of all clips of a batch, K names, h w of a map.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from lavida.parts.fitted_on import FittedOn
from lavida_bench.videos.types import Floats, Maps, Pixels

PreparedT = TypeVar("PreparedT")
"""What a scorer's `prepare` returns and its `score` takes."""
Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True, slots=True, eq=False)
class FrameRegions:
    """The boxes that a detector has found in a frame.

    Attributes:
        boxes: (D, 4) float32 left, top, right, bottom as shares 0..1 of the frame's width and height.
        scores: (D,) float32, higher = more anomalous.
    """

    boxes: Floats
    scores: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ClipScores:
    """Scores of a batch of clips.

    Attributes:
        frames: (N,) float32 logits, clip after clip, higher = more anomalous.
        maps: (N, h, w) float16 or float32 logits of each pixel, h, w the model's own; None if it has none.
        names: (N, K) float32 logits of each name; None if it has none.
        regions: N; None = the regions of the maps above 0 (`videos/regions.py`), if there are maps.
    """

    frames: Floats
    maps: Maps | None = None
    names: Floats | None = None
    regions: Sequence[FrameRegions] | None = None


PendingScores = Callable[[], ClipScores]
"""Waits for a batch and returns its scores."""


class ScorerOf(Protocol[PreparedT]):
    """A model that scores clips.

    Attributes:
        name: Name in reports.
        identity: Plain JSON that is different for any model with other scores: weights, precision, template.
    """

    name: str
    identity: Mapping[str, object]

    def prepare(self, clips: Sequence[Pixels], names: tuple[str, ...]) -> PreparedT:
        """Make the model's inputs. Called from several threads.

        Args:
            clips: (T, H, W, 3) uint8 RGB each.
            names: Names in their prompt.
        """

    def score(self, prepared: PreparedT) -> PendingScores:
        """Start the model.

        Args:
            prepared: Result of `prepare`.
        """


Scorer = ScorerOf[Any]
"""A scorer whose prepared inputs only itself knows."""
ClipTimes = Sequence[float] | None
"""The time of each frame of a clip in seconds, since any moment; None if unknown."""


@runtime_checkable
class TimedScorer(ScorerOf[PreparedT], Protocol[PreparedT]):
    """A scorer whose model reads the times of frames."""

    def prepare_timed(self, clips: Sequence[Pixels], names: tuple[str, ...], seconds: Sequence[ClipTimes]) -> PreparedT:
        """Make the model's inputs; called instead of `prepare`.

        Args:
            clips: (T, H, W, 3) uint8 RGB each.
            names: Names in their prompt.
            seconds: Times of each clip.
        """


def prepare_clips(
    scorer: Scorer, clips: Sequence[Pixels], names: tuple[str, ...], seconds: Sequence[ClipTimes]
) -> object:
    """Make a model's inputs, with the times of the frames if it reads them.

    Args:
        scorer: The model.
        clips: (T, H, W, 3) uint8 RGB each.
        names: Names in their prompt.
        seconds: Times of each clip.

    Returns:
        What the scorer's `score` takes.
    """
    if isinstance(scorer, TimedScorer):
        return scorer.prepare_timed(clips, names, seconds)
    return scorer.prepare(clips, names)


@runtime_checkable
class RecordsFits(Protocol):
    """A scorer that knows what its model was fitted on; reports and overlays then show what users must know of it.

    Attributes:
        fitted_on: What its model was fitted on.
    """

    fitted_on: FittedOn


def fitted_on(scorer: Scorer) -> FittedOn | None:
    """What a scorer's model was fitted on; None for a scorer that has no record of it.

    Args:
        scorer: Any scorer.
    """
    return scorer.fitted_on if isinstance(scorer, RecordsFits) else None


@runtime_checkable
class Marked(Protocol):
    """A scorer whose numbers must not be taken for those of a trained model.

    Attributes:
        mark: What follows its name in every row of a table, e.g. "random weights"; "" = nothing.
        notice: The sentence for the top of reports; "" = none.
    """

    mark: str
    notice: str


def notice(scorer: Scorer) -> str:
    """The sentence about what a scorer's model has seen; "" if there is none.

    Args:
        scorer: Any scorer.
    """
    if isinstance(scorer, Marked):
        return scorer.notice
    record = fitted_on(scorer)
    return record.notice if record else ""


def method_name(scorer: Scorer, given: str | None = None) -> str:
    """What reports call a scorer, with its mark.

    Args:
        scorer: Any scorer.
        given: The user's name for it.
    """
    mark = scorer.mark if isinstance(scorer, Marked) else ""
    name = given or scorer.name
    return f"{name} ({mark})" if mark and mark not in name else name
