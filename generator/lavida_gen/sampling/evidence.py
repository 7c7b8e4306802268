"""How the label of each listed name of a sample is known: computed once per sample, from what the source declares."""

from __future__ import annotations

from collections.abc import Sequence

from lavida_gen.exposures._base import Exposure
from lavida_gen.sampling.absence import AbsenceRules
from lavida_gen.scenes.evidence import Use, strictest
from lavida_gen.scenes.sample import Draft
from lavida_gen.scenes.scene import Scene, no_names


def sample_evidence(draft: Draft, scene: Scene, exposure: Exposure, rules: AbsenceRules) -> list[str]:
    """The class of evidence of each listed name.

    A phrase of an exposure ("car in the wrong place") has the evidence of the name in it.

    Args:
        draft: The sample.
        scene: Its scene.
        exposure: What made it.
        rules: Those of the scene's source.

    Returns:
        K classes in the order of `draft.names`.
    """
    present = "made" if exposure.makes_anomalies else "annotated"
    there = {region.category or region.names[0] for region in scene.regions}
    stated_absent = frozenset() if scene.absent is no_names or all(draft.labels) else frozenset(scene.absent())
    of_category, classes = rules.evidence_of_category, list[str]()
    for subject, label in zip(draft.subjects or draft.names, draft.labels, strict=True):
        known = None if subject in there else of_category.get(subject)
        if label:
            classes.append(present)
        elif subject in stated_absent:
            classes.append("verified")
        else:
            classes.append(known or rules.evidence(subject, there))
    return classes


def sample_use(draft: Draft, use: Use, uses_of_recipe: Sequence[Use]) -> Use:
    """The strictest use of the pictures in a sample.

    Args:
        draft: The sample.
        use: What may be done with the scene's picture.
        uses_of_recipe: Of all sources, any of which may be the source of a paste that does not state its own.
    """
    if not draft.credit:
        return use
    pasted = draft.credit[2] if len(draft.credit) == 3 else None
    return strictest([use, pasted] if pasted is not None else [use, *uses_of_recipe])


def sample_seconds(scene: Scene) -> list[float]:
    """The time of each frame of a scene after the first, in seconds; all 0.0 where unknown.

    Args:
        scene: The scene.

    Returns:
        T times.
    """
    if scene.seconds is not None:
        return [round(time, 6) for time in scene.seconds]
    fps = scene.fps or 0.0
    return [round(time / fps, 6) if fps else 0.0 for time in range(len(scene.frames))]
