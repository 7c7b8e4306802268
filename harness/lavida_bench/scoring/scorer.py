"""What scores clips: the border between the harness and a model. No torch here; `lavida_scorer` is the real one.

`prepare` runs in reader threads, ahead of the model; `score` starts the model's work and may return before it is done,
so that a device computes one batch while the host writes the batch before.

Letters: T frames of a clip, N frames of all clips of a batch, K names, h w of a map.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from lavida_bench.videos.types import Floats, Maps, Pixels

Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True, slots=True, eq=False)
class ClipScores:
    """What a model says of a batch of clips.

    frames  (N,) float32 logits, clip after clip, higher = more anomalous
    maps    (N, h, w) float16 logits of each pixel, h, w the model's own; None if it makes none
    names   (N, K) float32 logits of each name; None if it makes none
    """

    frames: Floats
    maps: Maps | None = None
    names: Floats | None = None


PendingScores = Callable[[], ClipScores]
"""Waits for a batch and gives its scores."""


class Scorer(Protocol):
    """A model that scores clips.

    name      for reports
    identity  plain JSON that tells these scores from those of any other model: weights, precision, template
    """

    name: str
    identity: Mapping[str, Any]

    def prepare(self, clips: Sequence[Pixels], names: tuple[str, ...]) -> Any:
        """Inputs for (T, H, W, 3) uint8 clips and the names of their prompt. Called from several threads."""

    def score(self, prepared: Any) -> PendingScores:
        """Starts the model on what `prepare` gave."""
