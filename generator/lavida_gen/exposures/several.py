"""Two or three things of the scene are anomalies at once: named and masked together.

As `relabel` (LAVIDA, arXiv 2602.19248), with several targets in one prompt as in gRefCOCO's multi-target expressions
(Liu et al., GRES, CVPR 2023): so that a model does not stop at the first thing it finds. No pixel is changed.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from lavida_gen.exposures._base import Exposure, ExposureOptions, ExposureTask
from lavida_gen.exposures._candidates import Candidate, candidate, candidates, check_limits, shuffled
from lavida_gen.exposures._negatives import negatives
from lavida_gen.names import lexicon
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Scene

FEW = Rejection("fewer than two that could be anomalies")


class Several(Exposure):
    """Two or more things of the scene are anomalies at once."""

    class Options(ExposureOptions):
        """Options of `several`."""

        most: int = Field(default=3, ge=2, le=10, description="most anomalies in one sample")

    outcomes: ClassVar[frozenset[bool]] = frozenset({True})

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """Two to `most` candidates; the union of their masks; their names among others."""
        rng = task.rng
        size = int(rng.integers(min(2, task.max_names), task.max_names + 1))
        most = max(2, min(self.options.most, (size + 1) // 2))  # half of the names, as with one anomaly
        chosen = _choose(scene, task, min(int(rng.integers(2, most + 1)), size))
        if len(chosen) < 2:
            return FEW
        union = tuple(_union(parts) for parts in zip(*(one.masks for one in chosen), strict=True))
        if (why := check_limits(union, task.limits)) is not None:
            return why
        listed = [one.name for one in chosen]
        others = negatives(task, scene, listed, size - len(listed), anomalies=len(listed))
        texts, labels = zip(*shuffled(rng, listed, others), strict=True)
        return Draft(scene.frames, texts, labels, union, parts=tuple(one.masks for one in chosen))


def _choose(scene: Scene, task: ExposureTask, wanted: int) -> list[Candidate]:
    """Up to `wanted` candidates that keep the limits, of different things under different names."""
    names, chosen = candidates(scene), list[Candidate]()
    for at in task.rng.permutation(len(names)).tolist():
        one = candidate(scene, names[at], task.limits)
        if not isinstance(one, Candidate) or any(_overlap(one, other) for other in chosen):
            continue
        chosen.append(one)
        if len(chosen) == wanted:
            break
    return chosen


def _overlap(one: Candidate, two: Candidate) -> bool:
    same = any(region is other for region in one.regions for other in two.regions)
    return same or lexicon.alike(one.name, two.name)


def _union(parts: tuple[RLE | None, ...]) -> RLE | None:
    shown = [part for part in parts if part is not None]
    return masks.union(shown) if shown else None
