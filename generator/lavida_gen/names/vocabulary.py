"""All names of a data set, and how to draw names from them that are absent from a scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import zip_longest

import numpy as np

from lavida_gen.names import lexicon
from lavida_gen.names.listed_names import ListedNames
from lavida_gen.names.wording import tokens
from lavida_gen.scenes.scene import Name, Scene

SMALL = 2048
"""Largest vocabulary that a draw walks through completely, in random order; of a larger one it tries some names."""


def accept_every_name(name: Name) -> bool:
    """The default of what a name must fulfil to be listed as absent: nothing."""
    return True


class Vocabulary:
    """The names of a source, with random access; nothing is copied.

    Attributes:
        names: The names, distinct, in a stable order.
        accepts: Whether a name may be listed as absent; no other is drawn.
    """

    def __init__(self, names: Sequence[Name], accepts: Callable[[Name], bool] = accept_every_name) -> None:
        self.names, self.accepts = names, accepts

    def __iter__(self) -> Iterator[Name]:
        return filter(self.accepts, self.names)

    @cached_property
    def groups(self) -> dict[str, list[Name]]:
        """Names by their group (supercategory); those without one are left out."""
        found: dict[str, list[Name]] = {}
        for name in self:
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
        return frozenset(word for name in self.names for word in tokens(name.text))

    def shuffled(self, rng: np.random.Generator, wanted: int) -> Iterator[Name]:
        """Draw names in random order.

        Args:
            rng: The source of randomness.
            wanted: How many names the caller needs.

        Returns:
            All names of a small vocabulary; of a large one max(64, 8 * wanted) names, repeats possible.
        """
        total = len(self.names)
        if total <= SMALL:
            order = rng.permutation(total)
        else:
            order = rng.integers(total, size=max(64, 8 * wanted))
        yield from filter(self.accepts, map(self.names.__getitem__, order.tolist()))


_name = lru_cache(maxsize=1 << 14)(lambda text, category, synset: Name(text, category, synset=synset))


def present_names(scene: Scene) -> list[Name]:
    """List the names of everything that is known to be in a scene, or that may be.

    Args:
        scene: The scene.

    Returns:
        Names of its regions, what else these may be called, and their parts; each once.
    """
    found: dict[Name, None] = {}
    for region in scene.regions:
        for text in region.names:
            found[_name(text, region.category, region.synset)] = None
        for text in region.may_be:
            found[Name(text, text)] = None
    for text in scene.present:
        found[Name(text, text)] = None
    return list(found)


class _CategoryConflicts(dict[str | tuple[str, str], bool]):
    """Which categories conflict with a present name; each is computed when it is first looked up.

    Keys are categories, or (category, synset) where the data set states one.
    """

    def __init__(self, present: Name) -> None:
        super().__init__()
        self._present = present

    def __missing__(self, key: str | tuple[str, str]) -> bool:
        category, synset = (key, "") if isinstance(key, str) else key
        one, two = Name(category, category, synset=synset), self._present
        if category > two.text:  # symmetric: the lexicon has compared half of the pairs already, the other way round
            one, two = two, one
        self[key] = found = lexicon.conflict(one, two)
        return found


@lru_cache(maxsize=1 << 14)
def _key(category: str, synset: str) -> tuple[str, str]:
    return category, synset  # the same object each time: it is a key of as many tables as there are present names


@lru_cache(maxsize=512)
def _category_conflicts(text: str, category: str, synset: str) -> _CategoryConflicts:
    return _CategoryConflicts(Name(text, category, synset=synset))


def pick_absent(names: Iterable[Name], present: Sequence[Name], prompt_names: Sequence[str], wanted: int) -> list[str]:
    """Pick names that conflict with nothing in the scene and do not repeat one another.

    Args:
        names: Candidates, in the order of preference.
        present: Names of what is annotated in the scene (`present_names`).
        prompt_names: Names that the prompt lists already.
        wanted: How many names to pick.

    Returns:
        The first `wanted` such names, fewer if there are not so many.
    """
    found: list[str] = []
    if wanted < 1:
        return found
    listed = ListedNames(prompt_names)
    # plain loops: this runs for every candidate of every sample
    known = [(name, _category_conflicts(name.text, name.category, name.synset)) for name in present]
    for candidate in names:
        text = candidate.text
        is_category = text == candidate.category
        key = _key(text, candidate.synset) if candidate.synset else text
        for name, conflicts in known:
            if conflicts[key] if is_category else lexicon.conflict(candidate, name):
                break
        else:
            if listed.has_wording_of(text):
                continue
            found.append(text)
            if len(found) == wanted:
                break
            listed.add(text)
    return found


def verified_absent(rng: np.random.Generator, scene: Scene, prompt_names: Sequence[str], wanted: int) -> list[str]:
    """Draw names that the data set itself annotates as NOT in the scene (gRefCOCO's no-target expressions).

    Names that differ in colours alone take turns with the others as if they were one: a scene has ten colours that
    nobody wears for each thing that nobody does.

    Args:
        rng: The source of randomness.
        scene: The scene.
        prompt_names: Names that the prompt lists already; none with the same wording is drawn.
        wanted: How many names to draw.

    Returns:
        Up to `wanted` names.
    """
    known = [
        name
        for name in dict.fromkeys(scene.absent())
        if not any(lexicon.same_wording(name, listed) for listed in prompt_names)
    ]
    families: dict[str, list[str]] = {}
    for number in rng.permutation(len(known)).tolist():
        families.setdefault(lexicon.without_colours(known[number]), []).append(known[number])
    rounds = zip_longest(*families.values())
    return [name for names in rounds for name in names if name is not None][:wanted]
