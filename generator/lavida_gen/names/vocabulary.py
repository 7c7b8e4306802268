"""All names of a data set, and how to draw names from them that are absent from a scene."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import zip_longest

import numpy as np

from lavida_gen.names import lexicon
from lavida_gen.scenes.scene import Name, Scene

SMALL = 2048
"""Up to so many names a draw walks through all of them in a random order; of more it tries some."""


class Vocabulary:
    """The names of a source. Random access; nothing is copied."""

    def __init__(self, names: Sequence[Name]) -> None:
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Name]:
        return iter(self.names)

    @cached_property
    def groups(self) -> dict[str, list[Name]]:
        """Names by their group (supercategory); those without one are left out."""
        found: dict[str, list[Name]] = {}
        for name in self.names:
            if name.group:
                found.setdefault(name.group, []).append(name)
        return found

    @cached_property
    def group_of(self) -> dict[str, str]:
        """Group of each category."""
        return {name.category: name.group for name in self.names if name.group}

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word that occurs in a name."""
        return frozenset(word for name in self.names for word in lexicon.words(name.text))

    def shuffled(self, rng: np.random.Generator, wanted: int) -> Iterator[Name]:
        """Names in random order: all of a small vocabulary, `wanted` times eight tries (at least 64) of a large one."""
        total = len(self.names)
        if total <= SMALL:
            order = rng.permutation(total)
        else:
            order = rng.integers(total, size=max(64, 8 * wanted))
        for at in order.tolist():
            yield self.names[at]


def present(scene: Scene) -> list[Name]:
    """Every name of everything annotated in a scene, each once."""
    return list(dict.fromkeys(Name(text, region.category) for region in scene.regions for text in region.names))


@lru_cache(maxsize=4096)
def _verdicts(text: str, category: str) -> dict[str, bool]:
    """What conflicts with a name that is there: filled by category, for there are few of those."""
    return {}


def pick_absent(names: Iterator[Name], there: Sequence[Name], listed: Sequence[str], wanted: int) -> list[str]:
    """The first `wanted` of `names` that conflict with nothing that is `there` and do not repeat one another.

    `listed` are wordings that the prompt has already. Fewer come back where there are no more.
    """
    found: list[str] = []
    if wanted < 1:
        return found
    known = [(one, _verdicts(one.text, one.category)) for one in there]
    for name in names:
        # plain loops: this runs for every name that is looked at, of every sample
        bare = name.text == name.category
        for one, verdicts in known:
            verdict = verdicts.get(name.text) if bare else lexicon.conflict(name, one)
            if verdict is None:
                verdict = verdicts[name.text] = lexicon.conflict(name, one)
            if verdict:
                break
        else:
            for text in (*listed, *found):
                if lexicon.alike(name.text, text):
                    break
            else:
                found.append(name.text)
                if len(found) == wanted:
                    break
    return found


def safe(rng: np.random.Generator, scene: Scene, listed: Sequence[str], wanted: int) -> list[str]:
    """Up to `wanted` names that the data set itself says are NOT in the scene (gRefCOCO's no-target expressions).

    Names that differ in colours alone take turns with the others as if they were one: a scene has ten colours that
    nobody wears for each thing that nobody does.
    """
    known = [name for name in dict.fromkeys(scene.absent()) if not any(lexicon.alike(name, text) for text in listed)]
    turns: dict[str, list[str]] = {}
    for at in rng.permutation(len(known)).tolist():
        turns.setdefault(lexicon.colourless(known[at]), []).append(known[at])
    rounds = zip_longest(*turns.values())
    return [name for names in rounds for name in names if name is not None][:wanted]
