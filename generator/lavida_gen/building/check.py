"""Every fault that can be found without building: for `lavida-gen check`."""

from __future__ import annotations

from collections.abc import Iterator

from lavida_gen.common.errors import LavidaGenError
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.sampling.planner import SamplePlanner


def check_data(recipe: CorpusRecipe) -> Iterator[str]:
    """Faults of the recipe's data, all of them: a source that does not open does not hide those of the next."""
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
