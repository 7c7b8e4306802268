"""Nothing is anomalous, but the names listed are as close as possible to what IS there.

So that a model must read the prompt, instead of finding whatever sticks out: hard negatives as in gRefCOCO's no-target
expressions (Liu et al., GRES, CVPR 2023) and in caption contrast sets (FOIL-COCO, Shekhar et al., ACL 2017). Close are:

- expressions that the data set itself marks as having no target in this scene;
- expressions of the scene with one word changed (colour, clothes, action; never a place, since there may well be a
  right man beside the left one), if of all things of that kind it is told, and of none of them the new word;
- categories of the same group (supercategory) as something that is there.

They make half of the prompt. What is left is filled with other absent names, so that the number of names tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.exposures._candidates import shuffled
from lavida_gen.exposures._negatives import negatives, prompt_size
from lavida_gen.names import lexicon
from lavida_gen.names.vocabulary import Vocabulary, pick_absent, present, safe
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Name, Region, Scene


class NearMiss(Exposure):
    """Nothing is anomalous, and the names are as close as possible to what is there."""

    outcomes: ClassVar[frozenset[bool]] = frozenset({False})

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """Close names first, then other absent ones; no mask."""
        rng, there = task.rng, present(scene)
        size = prompt_size(task)
        wanted = (size + 1) // 2
        close = safe(rng, scene, [], (wanted + 1) // 2)
        changed = [
            *dict.fromkeys(text for region in scene.regions for text in _one_word_off(region, scene, task.vocabulary))
        ]
        for at in rng.permutation(len(changed)).tolist():
            if len(close) < wanted and not any(lexicon.alike(changed[at], text) for text in close):
                close.append(changed[at])
        siblings = _siblings(scene, task.vocabulary)
        order = (siblings[at] for at in rng.permutation(len(siblings)).tolist())
        close += pick_absent(order, there, close, wanted - len(close))
        if not close:
            return Rejection("no name that is close")
        others = close + negatives(task, scene, close, size - len(close))
        texts, labels = zip(*shuffled(rng, [], others), strict=True)
        return Draft(scene.frames, texts, labels, (None,) * len(scene.frames))


def _one_word_off(region: Region, scene: Scene, vocabulary: Vocabulary) -> Iterator[str]:
    """Changed expressions of a region that are true of nothing annotated.

    A colour may be exchanged only if the colour of every other thing of that kind is told: it might be the new one. And
    only for a word that names of the data set have: one that is never true would give away that nothing is anomalous.
    """
    kin = [one for one in scene.regions if lexicon.same_kind(one.category or "?", region.category or "?")]
    told = [{word for text in one.names for word in lexicon.words(text)} for one in kin if one is not region]
    said = {word for text in region.names for word in lexicon.words(text)}.union(*told)
    every = [text for one in scene.regions for text in one.names]
    for text in region.names:
        if text == region.category:
            continue
        for changed, new, family in lexicon.swaps(text):
            known = all(words & family for words in told)
            if (
                known
                and new in vocabulary.words
                and new not in said
                and not any(lexicon.alike(changed, one) for one in every)
            ):
                yield changed


def _siblings(scene: Scene, vocabulary: Vocabulary) -> list[Name]:
    """Names of the groups that the scene's things belong to; absent or not is not asked here."""
    groups = dict.fromkeys(vocabulary.group_of.get(region.category, "") for region in scene.regions)
    return [name for group in groups if group for name in vocabulary.groups.get(group, ())]
