"""Nothing is anomalous: the prompt lists only names of things that are not in the scene, the mask is empty.

The other half of LAVIDA's sampler (arXiv 2602.19248). The paper draws the names from the whole data set and may list
something that IS in the scene; here a name is listed only if it conflicts with nothing annotated, neither by category
nor by any expression.
"""

from __future__ import annotations

from typing import ClassVar

from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.exposures._candidates import shuffle_names
from lavida_gen.exposures._negatives import NO_ABSENT_NAME, draw_negatives, draw_prompt_size
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Scene


class Absent(Exposure):
    """Nothing is anomalous: only names of things that are not in the scene."""

    outcomes: ClassVar[frozenset[bool]] = frozenset({False})

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """1 to `max_names` absent names; no mask."""
        negatives = draw_negatives(task, scene, [], draw_prompt_size(task))
        if not negatives:
            return NO_ABSENT_NAME
        names, labels = shuffle_names(task.rng, [], negatives)
        return Draft(scene.frames, names, labels, (None,) * len(scene.frames))
