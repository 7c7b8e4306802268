"""The problems of a recipe's data that can be found without a build, for `lavida-gen check`."""

from __future__ import annotations

from collections.abc import Iterator

from lavida_gen.common.errors import LavidaGenError
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.sampling.planner import SamplePlanner


def check_data(recipe: CorpusRecipe) -> Iterator[str]:
    """Open every data set of a recipe and report all problems.

    Args:
        recipe: The recipe.

    Yields:
        Messages; a source that cannot be opened does not hide the problems of the others.
    """
    opens = True
    for number, entry in enumerate(recipe.sources):
        where = f"sources[{number}] ({entry.name})"
        try:
            source = entry.find_class()(entry.options)
            yield from (f"{where}: {problem}" for problem in source.problems())
        except LavidaGenError as error:
            opens = False
            yield from (f"{where}: {line}" for line in str(error).splitlines())
    if opens:
        try:
            SamplePlanner.open(recipe)
        except LavidaGenError as error:
            yield str(error)
