"""The paper's exposure: one thing of the scene is declared the anomaly.

LAVIDA (arXiv 2602.19248), anomaly exposure sampler: the prompt lists a category or a referring expression of the scene
among names of things that are not in it; its mask is the target.
"""

from __future__ import annotations

from typing import ClassVar

from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.exposures._candidates import Candidate, anomaly_names, choose_candidate, shuffle_names
from lavida_gen.exposures._negatives import draw_negatives, draw_prompt_size
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Scene


class Relabel(Exposure):
    """Something of the scene is the anomaly (the paper's)."""

    outcomes: ClassVar[frozenset[bool]] = frozenset({True})

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """One candidate with its mask; its name among up to `max_names - 1` others."""
        anomaly = choose_candidate(scene, anomaly_names(scene.regions), task.rng, task.limits)
        if not isinstance(anomaly, Candidate):
            return anomaly
        negatives = draw_negatives(task, scene, [anomaly.name], draw_prompt_size(task) - 1, anomalies=1)
        names, labels = shuffle_names(task.rng, [anomaly.name], negatives)
        return Draft(scene.frames, names, labels, anomaly.masks)
