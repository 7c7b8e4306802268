"""The prompt states a rule of the place in words, and what is there breaks it or does not: the label follows the words.

Contextual anomalies: the same thing is normal or not by where it is (Chandola et al., Anomaly Detection: A Survey, ACM
CSUR 2009; Street Scene, Ramachandra and Jones, WACV 2020). The same scene comes with a rule that forbids a thing it
shows (an anomaly), with one that allows it, with one that forbids something else, or with none at all (no anomaly).
Names are worded as breaches ("bicycle against the rules"): a thing that is there breaks nothing unless a rule says so.
No pixel is changed. The sentences are in data/rules.yaml.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import yaml

import lavida_gen
from lavida_gen import lexicon
from lavida_gen.candidates import NOTHING, Candidate, candidate, shuffled
from lavida_gen.exposure import Exposure, Task
from lavida_gen.sample import Draft, Dropped
from lavida_gen.scene import Name, Scene
from lavida_gen.vocabulary import pick_absent, present

RULES = Path(lavida_gen.__file__).parent / "data" / "rules.yaml"


@cache
def _sentences() -> dict[str, list[str]]:
    return {str(kind): list(rows) for kind, rows in yaml.safe_load(RULES.read_text(encoding="utf-8")).items()}


def _say(rng: np.random.Generator, kind: str, thing: str) -> str:
    rows = _sentences()[kind]
    return rows[int(rng.integers(len(rows)))].replace("{thing}", thing)


class Context(Exposure):
    """A rule of the place in the prompt decides what is an anomaly."""

    outcomes: ClassVar[frozenset[bool]] = frozenset({True, False})

    def expose(self, scene: Scene, task: Task) -> Draft | Dropped:
        """A thing of the scene, forbidden or not, among things that are there and break no rule, and absent ones."""
        rng = task.rng
        chosen = _choose(scene, task)
        if not isinstance(chosen, Candidate):
            return chosen
        categories = (Name(name.category, name.category) for name in task.vocabulary.shuffled(rng, 4 * task.names))
        absent = pick_absent((one for one in categories if one.text), present(scene), [], task.names)
        rule = _rule(rng, chosen.name, absent, task.exposed)
        around = dict.fromkeys(region.category for region in scene.regions if region.candidate and region.category)
        there = [one for one in around if not lexicon.same_kind(one, chosen.name)]
        count = int(rng.integers(0, task.names))
        pool = [(there + absent)[at] for at in rng.permutation(len(there) + len(absent)).tolist()]
        others = [_say(rng, "breach", thing) for thing in _distinct(pool, count)]
        named = _say(rng, "breach", chosen.name)
        if task.exposed:
            texts, labels = zip(*shuffled(rng, [named], others), strict=True)
            return Draft(scene.frames, texts, labels, chosen.masks, rule=rule)
        texts, labels = zip(*shuffled(rng, [], [named, *others]), strict=True)
        return Draft(scene.frames, texts, labels, (None,) * len(scene.frames), rule=rule)


def _choose(scene: Scene, task: Task) -> Candidate | Dropped:
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


def _rule(rng: np.random.Generator, thing: str, absent: list[str], exposed: bool) -> str:
    """Forbids the thing; or allows it, forbids what is not there, or says nothing, each as likely."""
    if exposed:
        return _say(rng, "forbid", thing)
    kind = int(rng.integers(3))
    if kind == 0 and absent:
        return _say(rng, "forbid", absent[int(rng.integers(len(absent)))])
    return _say(rng, "allow", thing) if kind == 1 else ""


def _distinct(names: list[str], count: int) -> list[str]:
    found: list[str] = []
    for name in names:
        if len(found) == count:
            break
        if not any(lexicon.alike(name, one) for one in found):
            found.append(name)
    return found
