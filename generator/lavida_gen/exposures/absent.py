"""Nothing is anomalous: the prompt lists only names of things that are not in the scene, the mask is empty.

The other half of LAVIDA's sampler (arXiv 2602.19248). Theirs draws the names from the whole data set and may list what
IS there; ours lists a name only if nothing annotated conflicts with it, by category and by every expression.
"""

from __future__ import annotations

from typing import ClassVar

from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.exposures._candidates import shuffled
from lavida_gen.exposures._negatives import negatives, prompt_size
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Scene


class Absent(Exposure):
    """Nothing is anomalous: only names of things that are not there."""

    outcomes: ClassVar[frozenset[bool]] = frozenset({False})

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """1 to `names` absent names; no mask."""
        others = negatives(task, scene, [], prompt_size(task))
        if not others:
            return Rejection("no name that is absent")
        texts, labels = zip(*shuffled(task.rng, [], others), strict=True)
        return Draft(scene.frames, texts, labels, (None,) * len(scene.frames))
