"""The paper's exposure: one thing of the scene is declared the anomaly.

LAVIDA (arXiv 2602.19248), anomaly exposure sampler: a category or a referring expression of the scene is named in the
prompt among names of things that are not there; its mask is the target.
"""

from __future__ import annotations

from typing import ClassVar

from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.exposures._candidates import Candidate, choose, shuffled
from lavida_gen.exposures._negatives import negatives, prompt_size
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Scene


class Relabel(Exposure):
    """Something of the scene is the anomaly (the paper's)."""

    outcomes: ClassVar[frozenset[bool]] = frozenset({True})

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """One candidate's mask; its name among up to names-1 others."""
        chosen = choose(scene, task.rng, task.limits)
        if not isinstance(chosen, Candidate):
            return chosen
        others = negatives(task, scene, [chosen.name], prompt_size(task) - 1, anomalies=1)
        texts, labels = zip(*shuffled(task.rng, [chosen.name], others), strict=True)
        return Draft(scene.frames, texts, labels, chosen.masks)
