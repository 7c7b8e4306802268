"""The prompt states a rule of the place in words: whether something is an anomaly follows from the words.

Contextual anomalies: the same thing is normal or not by where it is (Chandola et al., Anomaly Detection: A Survey, ACM
CSUR 2009; Street Scene, Ramachandra and Jones, WACV 2020). The same scene comes with a rule that forbids a thing in it
(an anomaly), or with one that forbids something absent (no anomaly); every other rule also allows something else that
is listed. So every prompt has a rule, and its words alone do not give the label away. Names are phrased as breaches
("bicycle against the rules"): a thing in the scene breaks nothing unless a rule forbids it. No pixel is changed. The
sentences are in data/rules.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import ClassVar

import numpy as np

from lavida_gen.common.resources import own_yaml, resource
from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.exposures._candidates import Candidate, choose_candidate, shuffle_names
from lavida_gen.exposures._negatives import NO_ABSENT_NAME, draw_negatives
from lavida_gen.names import lexicon
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Name, Scene

RULES = resource("rules.yaml")


@cache
def _sentences() -> dict[str, list[str]]:
    return {str(kind): list(rows) for kind, rows in own_yaml(RULES).items()}


def _phrase(rng: np.random.Generator, kind: str, thing: str) -> str:
    """A random sentence of the kind "forbid", "allow" or "breach" about a thing."""
    sentences = _sentences()[kind]
    return sentences[int(rng.integers(len(sentences)))].replace("{thing}", thing)


class Context(Exposure):
    """A rule of the place in the prompt decides what is an anomaly."""

    outcomes: ClassVar[frozenset[bool]] = frozenset({True, False})

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """A thing of the scene, forbidden or not, among things of the scene that break no rule, and absent ones."""
        rng = task.rng
        chosen = choose_candidate(scene, _category_names(scene), rng, task.limits)
        if not isinstance(chosen, Candidate):
            return chosen
        present = _other_categories(scene, chosen.name, rng)
        absent = draw_negatives(task, scene, [], task.max_names, phrasing=_category)
        if not task.exposed and not absent:
            return NO_ABSENT_NAME
        if task.exposed:
            forbidden, required = chosen.name, (present + absent)[:1]
        else:
            forbidden, required = absent[0], [chosen.name]
        pool = [(present + absent)[number] for number in rng.permutation(len(present) + len(absent)).tolist()]
        size = int(rng.integers(min(2, task.max_names), task.max_names + 1))
        others = _distinct([*required, *pool], forbidden, size - 1)
        rule = _rule(rng, forbidden, others[0] if others else "")
        things = {_phrase(rng, "breach", thing): thing for thing in (forbidden, *others)}
        first, *rest = things
        if task.exposed:
            names, labels = shuffle_names(rng, [first], rest)
            subjects = tuple(things[name] for name in names)
            return Draft(scene.frames, names, labels, chosen.masks, rule=rule, subjects=subjects)
        names, labels = shuffle_names(rng, [], [first, *rest])
        no_masks, subjects = (None,) * len(scene.frames), tuple(things[name] for name in names)
        return Draft(scene.frames, names, labels, no_masks, rule=rule, subjects=subjects)


def _category(name: Name) -> str:
    return name.category


def _category_names(scene: Scene) -> list[str]:
    """Categories of the scene that may be the anomaly: rules speak of kinds of things, not of single ones."""
    allowed: dict[str, bool] = {}
    for region in scene.regions:
        if region.category in region.names:
            allowed[region.category] = allowed.get(region.category, True) and region.candidate
    return [category for category, is_allowed in allowed.items() if is_allowed]


def _other_categories(scene: Scene, chosen: str, rng: np.random.Generator) -> list[str]:
    """Categories of the scene that are not related to the chosen one, shuffled."""
    categories = dict.fromkeys(region.category for region in scene.regions if region.candidate and region.category)
    others = [category for category in categories if not lexicon.same_kind(category, chosen)]
    return [others[number] for number in rng.permutation(len(others)).tolist()]


def _rule(rng: np.random.Generator, forbidden: str, allowed: str) -> str:
    """Forbids one thing and, every other time, allows the other, before or after."""
    sentences = [_phrase(rng, "forbid", forbidden)]
    if allowed and rng.random() < 0.5:
        sentences.insert(int(rng.integers(2)), _phrase(rng, "allow", allowed))
    return " ".join(sentences)


def _distinct(names: Sequence[str], forbidden: str, count: int) -> list[str]:
    """The first `count` names that repeat neither one another nor the forbidden one."""
    found: list[str] = []
    for name in names:
        if len(found) == count:
            break
        if not any(lexicon.same_wording(name, listed) for listed in (forbidden, *found)):
            found.append(name)
    return found
