"""The prompt states a rule of the place in words, and what is there breaks it or does not: the label follows the words.

Contextual anomalies: the same thing is normal or not by where it is (Chandola et al., Anomaly Detection: A Survey, ACM
CSUR 2009; Street Scene, Ramachandra and Jones, WACV 2020). The same scene comes with a rule that forbids a thing it
shows (an anomaly), or with one that forbids what is not there (no anomaly); every other rule also allows something
else that is listed. So there is a rule in every prompt, and the words alone do not tell. Names are worded as breaches
("bicycle against the rules"): a thing that is there breaks nothing unless a rule says so. No pixel is changed. The
sentences are in data/rules.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import ClassVar

import numpy as np
import yaml

from lavida_gen.common.resources import resource
from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.exposures._candidates import NOTHING, Candidate, candidate, shuffled
from lavida_gen.exposures._negatives import negatives
from lavida_gen.names import lexicon
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Name, Scene

NO_NAME = Rejection("no name that is absent")
RULES = resource("rules.yaml")


@cache
def _sentences() -> dict[str, list[str]]:
    return {str(kind): list(rows) for kind, rows in yaml.safe_load(RULES.read_text(encoding="utf-8")).items()}


def _say(rng: np.random.Generator, kind: str, thing: str) -> str:
    rows = _sentences()[kind]
    return rows[int(rng.integers(len(rows)))].replace("{thing}", thing)


class Context(Exposure):
    """A rule of the place in the prompt decides what is an anomaly."""

    outcomes: ClassVar[frozenset[bool]] = frozenset({True, False})

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """A thing of the scene, forbidden or not, among things that are there and break no rule, and absent ones."""
        rng = task.rng
        chosen = _choose(scene, task)
        if not isinstance(chosen, Candidate):
            return chosen
        around = dict.fromkeys(region.category for region in scene.regions if region.candidate and region.category)
        kept = [one for one in around if not lexicon.same_kind(one, chosen.name)]
        there = [kept[at] for at in rng.permutation(len(kept)).tolist()]
        absent = negatives(task, scene, [], task.max_names, worded=_kind)
        if not task.exposed and not absent:
            return NO_NAME
        forbidden, beside = (chosen.name, (there + absent)[:1]) if task.exposed else (absent[0], [chosen.name])
        pool = [(there + absent)[at] for at in rng.permutation(len(there) + len(absent)).tolist()]
        size = int(rng.integers(min(2, task.max_names), task.max_names + 1))
        others = _distinct([*beside, *pool], [forbidden], size - 1)
        rule = _rule(rng, forbidden, others[0] if others else "")
        first, *rest = (_say(rng, "breach", thing) for thing in (forbidden, *others))
        names = shuffled(rng, [first], rest) if task.exposed else shuffled(rng, [], [first, *rest])
        texts, labels = zip(*names, strict=True)
        shown = chosen.masks if task.exposed else (None,) * len(scene.frames)
        return Draft(scene.frames, texts, labels, shown, rule=rule)


def _kind(name: Name) -> str:
    return name.category


def _choose(scene: Scene, task: ExposureTask) -> Candidate | Rejection:
    """A category of the scene that keeps the limits: rules speak of kinds of things, not of single ones."""
    allowed: dict[str, bool] = {}
    for region in scene.regions:
        if region.category in region.names:
            allowed[region.category] = allowed.get(region.category, True) and region.candidate
    kinds = [kind for kind, may in allowed.items() if may]
    why = NOTHING
    for at in task.rng.permutation(len(kinds)).tolist():
        one = candidate(scene, kinds[at], task.limits)
        if isinstance(one, Candidate):
            return one
        why = one
    return why


def _rule(rng: np.random.Generator, forbidden: str, allowed: str) -> str:
    """Forbids the one and, every other time, allows the other, before or after."""
    said = [_say(rng, "forbid", forbidden)]
    if allowed and rng.random() < 0.5:
        said.insert(int(rng.integers(2)), _say(rng, "allow", allowed))
    return " ".join(said)


def _distinct(names: Sequence[str], listed: Sequence[str], count: int) -> list[str]:
    """The first `count` that repeat neither one another nor what is `listed`."""
    found: list[str] = []
    for name in names:
        if len(found) == count:
            break
        if not any(lexicon.alike(name, one) for one in (*listed, *found)):
            found.append(name)
    return found
