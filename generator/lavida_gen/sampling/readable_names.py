"""A source's names as samples use them: in words, without what names nothing, with what else a thing may be called.

A source gives names as its data set has them. Every scene passes through here on its way to an exposure, so that the
rules hold for each source, those of other packages as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from lavida_gen.config.recipe import CorpusRecipe, SourceConfig
from lavida_gen.names import lexicon
from lavida_gen.names.cleaning import Wordings, is_no_name
from lavida_gen.names.name_rows import JoinedNames
from lavida_gen.names.relations import Relations
from lavida_gen.scenes.scene import Name, Region, Scene, no_names
from lavida_gen.sources._base import Source


class ReadableNames:
    """The names of one source of a recipe.

    Attributes:
        rows: Its vocabulary with readable names, entries that name nothing among them; as lazy as the source made it.
        categories: Its categories that name something, by their readable wording.
        left_out: Categories that name nothing ("background"), as the data set has them.
        originals: The data set's own wording of each name that was made readable.
    """

    def __init__(self, source: Source, entry: SourceConfig, recipe: CorpusRecipe) -> None:
        """Read the vocabulary.

        Args:
            source: The source.
            entry: Its entry in the recipe.
            recipe: The recipe, for relations that it states.
        """
        self._kept = frozenset(entry.keep_names)
        vocabulary = source.vocabulary()
        named = {name.category: name for name in vocabulary if name.text == name.category}
        every = named | {name.category: name for name in vocabulary if name.category and name.category not in named}
        self.left_out = [category for category in every if self.is_nothing(category)]
        own = {category: name for category, name in every.items() if not self.is_nothing(category)}
        self._wordings = Wordings(own)
        self.categories = {self._wordings[category]: name for category, name in own.items()}
        self._readable = {name.category: text for text, name in self.categories.items()}
        self._synsets = {text: name.synset for text, name in self.categories.items() if name.synset}
        stated = {text: name.original for text, name in self.categories.items() if name.original}
        self.originals = {**self._wordings.originals(), **stated}
        self.rows = JoinedNames([vocabulary], self.name)
        self._relations = self._relate(source, recipe)
        self._unchanged: set[tuple[tuple[str, ...], str]] = set()  # of regions that are named by their category

    def _relate(self, source: Source, recipe: CorpusRecipe) -> Relations:
        related = source.related()
        return Relations(
            [Name(text, text, name.group) for text, name in self.categories.items()],
            {self._wordings[category]: [self._wordings[other] for other in related[category]] for category in related},
            recipe.synonyms,
            recipe.kinds,
            recipe.parts,
        )

    def related(self, category: str) -> dict[str, Literal["kind", "part"]]:
        """Categories that conflict with one by what the data set or the recipe states, beside the lexicon.

        Args:
            category: A category, readable.

        Returns:
            Their wordings, and how they are related.
        """
        found: dict[str, Literal["kind", "part"]] = dict.fromkeys(self._relations.parts(category), "part")
        found.update(dict.fromkeys(self._relations.may_be(category), "kind"))
        return found

    def is_nothing(self, text: str) -> bool:
        """Whether a name names nothing and the recipe does not keep it.

        Args:
            text: The name, readable or as the data set has it.
        """
        return is_no_name(text) and text not in self._kept

    def name(self, raw: Name) -> Name:
        """A name with its category in readable words.

        Args:
            raw: The name as the source gives it.
        """
        category = self._wordings[raw.category] if raw.category else ""
        text = category if raw.text == raw.category else raw.text
        return raw if (text, category) == (raw.text, raw.category) else replace(raw, text=text, category=category)

    def regions(self, regions: Sequence[Region]) -> tuple[Region, ...]:
        """Regions with readable names; those without any are left out.

        Args:
            regions: Regions as the source gives them.
        """
        found = []
        for region in regions:
            if (region.names, region.category) not in self._unchanged:
                readable = self._region(region)
                if readable is None:
                    continue
                if readable is region and region.names == (region.category,) and not region.may_be:
                    self._unchanged.add((region.names, region.category))
                region = readable
            found.append(region)
        return tuple(found)

    def _region(self, region: Region) -> Region | None:
        named = tuple(text for text in region.names if not self.is_nothing(text))
        if not named:
            return None
        category = "" if self.is_nothing(region.category) else region.category
        readable = self._wordings[category] if category else ""
        names = tuple(readable if text == category else text for text in named)
        synset = region.synset or self._synsets.get(readable, "")
        may_be = region.may_be
        if self._relations and readable:
            may_be = tuple(dict.fromkeys((*may_be, *self._relations.may_be(readable))))
        if (names, readable, synset, may_be) == (region.names, region.category, region.synset, region.may_be):
            return region
        return replace(region, names=names, category=readable, synset=synset, may_be=may_be)

    def _is_readable(self, regions: Sequence[Region]) -> bool:
        """Whether all regions are known to stay as they are: the common case, once per scene."""
        return all((region.names, region.category) in self._unchanged for region in regions)

    def scene(self, scene: Scene) -> Scene:
        """A scene with readable names, and with everything that is present where its regions are.

        Args:
            scene: The scene as the source gives it.
        """
        if scene.absent is no_names and not self._relations and self._is_readable(scene.regions):
            return scene
        regions = self.regions(scene.regions)
        present = scene.present
        if self._relations:
            parts = (part for region in regions for part in self._relations.parts(region.category))
            present = tuple(dict.fromkeys((*present, *parts)))
        return replace(scene, regions=regions, present=present, absent=partial(self._absent, scene, regions))

    def _absent(self, scene: Scene, regions: Sequence[Region]) -> Iterator[str]:
        """Names that the data set states as absent, readable; no category that contradicts what it annotates.

        A negative "bird" beside an annotated crow: annotators were asked for birds and meant others.
        """
        for raw in scene.absent():
            text = self._readable.get(raw, raw)
            if self.is_nothing(raw) or (text in self.categories and self._is_there(text, regions)):
                continue
            yield text

    def _is_there(self, category: str, regions: Sequence[Region]) -> bool:
        own = Name(category, category, synset=self._synsets.get(category, ""))
        there = dict.fromkeys(Name(r.category, r.category, synset=r.synset) for r in regions if r.category)
        return any(category in region.may_be for region in regions) or any(
            lexicon.conflict(own, other) for other in there
        )
