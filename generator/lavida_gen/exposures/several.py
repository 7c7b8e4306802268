"""Two or three things of the scene are anomalies at once: named and masked together.

As `relabel` (LAVIDA, arXiv 2602.19248), with several targets in one prompt as in gRefCOCO's multi-target expressions
(Liu et al., GRES, CVPR 2023), so that a model does not stop at the first thing it finds. No pixel is changed.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from lavida_gen.exposures._base import Exposure, ExposureOptions, ExposureTask
from lavida_gen.exposures._candidates import (
    Candidate,
    anomaly_names,
    check_limits,
    find_candidate,
    shuffle_names,
    union_masks,
)
from lavida_gen.exposures._negatives import draw_negatives
from lavida_gen.names import lexicon
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Scene

FEW = Rejection("fewer than two that could be anomalies")


class SeveralOptions(ExposureOptions):
    """Options of `several`."""

    most: int = Field(default=3, ge=2, le=10, description="most anomalies in one sample")


class Several(Exposure[SeveralOptions]):
    """Two or more things of the scene are anomalies at once."""

    Options = SeveralOptions
    outcomes: ClassVar[frozenset[bool]] = frozenset({True})

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """Two to `most` candidates; the union of their masks; their names among others."""
        rng = task.rng
        size = int(rng.integers(min(2, task.max_names), task.max_names + 1))
        most = max(2, min(self.options.most, (size + 1) // 2))  # half of the names, as with one anomaly
        anomalies = _choose(scene, task, min(int(rng.integers(2, most + 1)), size))
        if len(anomalies) < 2:
            return FEW
        union = union_masks([anomaly.masks for anomaly in anomalies])
        broken_limit = check_limits(union, task.limits)
        if broken_limit is not None:
            return broken_limit
        own = [anomaly.name for anomaly in anomalies]
        negatives = draw_negatives(task, scene, own, size - len(own), anomalies=len(own))
        names, labels = shuffle_names(rng, own, negatives)
        return Draft(scene.frames, names, labels, union, parts=tuple(anomaly.masks for anomaly in anomalies))


def _choose(scene: Scene, task: ExposureTask, wanted: int) -> list[Candidate]:
    """Up to `wanted` candidates that keep the limits, of different things under different names."""
    names, chosen = anomaly_names(scene.regions), list[Candidate]()
    for number in task.rng.permutation(len(names)).tolist():
        candidate = find_candidate(scene, names[number], task.limits)
        if not isinstance(candidate, Candidate) or any(_overlap(candidate, other) for other in chosen):
            continue
        chosen.append(candidate)
        if len(chosen) == wanted:
            break
    return chosen


def _overlap(one: Candidate, two: Candidate) -> bool:
    same_thing = any(region is other for region in one.regions for other in two.regions)
    return same_thing or lexicon.same_wording(one.name, two.name)
