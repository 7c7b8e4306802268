"""The samples of a recipe as arrays, without building its corpus.

sampler = Sampler("street", settings={"samples": 100})
sample = sampler[17]            # equal to sample 17 of the built corpus
sample.frames, sample.masks, sample.names, sample.labels, sample.question, sample.answer, sample.origin
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import overload

from lavida_gen.common.errors import index_in
from lavida_gen.config.load_recipe import RecipeLike, Settings, load_recipe
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.corpus.decoded import DecodedSample, decode_sample
from lavida_gen.sampling.make_sample import make_sample
from lavida_gen.sampling.planner import SamplePlanner


class Sampler(Sequence[DecodedSample]):
    """A sequence of all samples of a recipe, each made when it is asked for.

    It can be pickled: worker processes open the data sets anew.

    Attributes:
        recipe: The recipe.
    """

    def __init__(self, recipe: RecipeLike, settings: Settings = (), allow_code: bool = False) -> None:
        """Open the data sets of a recipe.

        Args:
            recipe: Name of a built-in recipe, path of a YAML file, folder or URL of a finished corpus, keys and values
                of a recipe, or a recipe that was read before.
            settings: Changes on top, e.g. ``{"samples": 500, "sources.0.root": "/data/coco"}``.
            allow_code: Whether the recipe may name sources and exposures as ``package.module:Class``.

        Raises:
            UserError: The recipe is invalid; the message lists every problem.
            DataError: The data of a source are missing or broken.
        """
        self.recipe: CorpusRecipe = load_recipe(recipe, settings, allow_code)
        self._planner = SamplePlanner.open(self.recipe)
        self._digest = self.recipe.digest()
        self._indices = range(self.recipe.samples)

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> DecodedSample: ...
    @overload
    def __getitem__(self, index: slice) -> Sampler: ...
    def __getitem__(self, index: int | slice) -> DecodedSample | Sampler:
        """Sample number `index`, made now; of a slice, the samples in it, made when they are asked for.

        Raises:
            IndexError: There is no such sample.
            DataError: A file is broken, or no scene serves.
        """
        if isinstance(index, slice):
            return self._selected(self._indices[index])
        made = make_sample(self._planner, index_in(self._indices, index, repr(self)), self._digest)
        return decode_sample(made.sample)

    def __iter__(self) -> Iterator[DecodedSample]:
        return (self[index] for index in range(len(self)))

    def __reduce__(self) -> tuple[Callable[[CorpusRecipe, range], Sampler], tuple[CorpusRecipe, range]]:
        return _reopened, (self.recipe, self._indices)

    def __repr__(self) -> str:
        return f"Sampler({self.recipe.name!r}, {len(self)} samples)"

    def _selected(self, indices: range) -> Sampler:
        """The samples of these numbers, of the same open data sets."""
        part = Sampler.__new__(Sampler)
        part.recipe, part._planner, part._digest, part._indices = self.recipe, self._planner, self._digest, indices
        return part


def _reopened(recipe: CorpusRecipe, indices: range) -> Sampler:
    return Sampler(recipe)._selected(indices)
