"""Nothing is anomalous, but the prompt lists names that are as close as possible to what IS in the scene.

So that a model must read the prompt, instead of finding whatever is salient: hard negatives as in gRefCOCO's no-target
expressions (Liu et al., GRES, CVPR 2023) and in caption contrast sets (FOIL-COCO, Shekhar et al., ACL 2017). Close are:

- expressions that the data set itself annotates as having no target in this scene;
- expressions of the scene with one word replaced (colour, clothes, action; never a position, since there may well be a
  right man beside the left one), if the annotations give that property for all things of that kind, and to none of them
  the new word;
- categories of the same group (supercategory) as something in the scene.

They make half of the prompt. The rest is filled with other absent names, so that the number of names carries no
information.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.exposures._candidates import shuffle_names
from lavida_gen.exposures._negatives import draw_negatives, draw_prompt_size
from lavida_gen.names import lexicon
from lavida_gen.names.variants import one_word_variants
from lavida_gen.names.vocabulary import Vocabulary, pick_absent, present_names, verified_absent
from lavida_gen.names.wording import tokens
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Name, Region, Scene


class NearMiss(Exposure):
    """Nothing is anomalous, and the names are as close as possible to what is in the scene."""

    outcomes: ClassVar[frozenset[bool]] = frozenset({False})

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        """Close names first, then other absent ones; no mask."""
        size = draw_prompt_size(task)
        close = _close_names(scene, task, (size + 1) // 2)
        if not close:
            return Rejection("no name that is close")
        negatives = close + draw_negatives(task, scene, close, size - len(close))
        names, labels = shuffle_names(task.rng, [], negatives)
        return Draft(scene.frames, names, labels, (None,) * len(scene.frames))


def _close_names(scene: Scene, task: ExposureTask, wanted: int) -> list[str]:
    """Up to `wanted` names that are close to what is in the scene, and true of nothing annotated."""
    rng = task.rng
    close = verified_absent(rng, scene, [], (wanted + 1) // 2)
    variants = list(dict.fromkeys(text for region in scene.regions for text in _untrue_variants(region, scene, task)))
    for number in rng.permutation(len(variants)).tolist():
        if len(close) < wanted and not any(lexicon.same_wording(variants[number], text) for text in close):
            close.append(variants[number])
    siblings = _siblings(scene, task.vocabulary)
    order = [siblings[number] for number in rng.permutation(len(siblings)).tolist()]
    return close + pick_absent(order, present_names(scene), close, wanted - len(close))


def _untrue_variants(region: Region, scene: Scene, task: ExposureTask) -> Iterator[str]:
    """Expressions of a region with one word replaced that are true of nothing annotated.

    A colour is replaced only if the colour of every other thing of that kind is annotated: it might be the new one. The
    new word must occur in names of the data set: a word that is never true would show that nothing is anomalous.
    """
    expressions = [text for text in region.names if text != region.category]
    if not expressions:
        return
    related = [other for other in scene.regions if lexicon.same_kind(other.category or "?", region.category or "?")]
    words_of_others = [_words(other) for other in related if other is not region]
    known_words = _words(region).union(*words_of_others)
    scene_names = [text for other in scene.regions for text in other.names]
    for text in expressions:
        for variant, new_word, family in one_word_variants(text):
            is_annotated = all(words & family for words in words_of_others)
            if (
                is_annotated
                and task.accepts(Name(variant))  # without its category: that kind of thing is there
                and new_word in task.vocabulary.words
                and new_word not in known_words
                and not any(lexicon.same_wording(variant, name) for name in scene_names)
            ):
                yield variant


def _words(region: Region) -> set[str]:
    return {word for text in region.names for word in tokens(text)}


def _siblings(scene: Scene, vocabulary: Vocabulary) -> list[Name]:
    """Names of the groups (supercategories) that the things of the scene belong to, present or absent."""
    groups = dict.fromkeys(vocabulary.group_of.get(region.category, "") for region in scene.regions)
    return [name for group in groups if group for name in vocabulary.groups.get(group, ())]
