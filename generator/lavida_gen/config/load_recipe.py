"""A recipe of a corpus by name, path or plain data: what notebooks call."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.recipe_files.reading import apply_setting

RecipeLike = CorpusRecipe | Mapping[str, object] | str | PathLike[str]
"""A recipe; its keys and values; the name of a built-in one; a YAML file; folder or URL of a finished corpus."""
Settings = Mapping[str, object] | Sequence[str]
"""Changes of a recipe: ``{"samples": 500, "sources.0.root": "/data/coco"}``, or ``["samples=500"]``."""


def load_recipe(recipe: RecipeLike, settings: Settings = (), allow_code: bool = False) -> CorpusRecipe:
    """Read and check a recipe of a corpus. No data set is opened.

    Args:
        recipe: Name of a built-in recipe, path of a YAML file, folder or URL of a finished corpus, or the keys and
            values of a recipe. A recipe that was read before is returned as it is.
        settings: Changes on top, e.g. ``{"samples": 500, "sources.0.root": "/data/coco"}``.
        allow_code: Whether the recipe may name sources and exposures as ``package.module:Class``, which imports them
            and lets them run with your rights. Entry points of installed packages need no permission.

    Returns:
        The recipe.

    Raises:
        UserError: Lists every problem with its place.
    """
    lines = setting_lines(settings)
    if isinstance(recipe, CorpusRecipe):
        assert not lines, "settings change a recipe that is still to be read"
        return recipe
    if not isinstance(recipe, Mapping):
        return recipes.load(str(recipe), lines, allow_code)
    raw = copy.deepcopy(dict(recipe))
    problems = [problem for line in lines for problem in apply_setting(raw, line)]
    return recipes.parse(raw, "recipe", problems, allow_code)


def setting_lines(settings: Settings) -> list[str]:
    """Settings as the command line has them.

    Args:
        settings: Changes of a recipe.

    Returns:
        ``key.path=value`` for each, the value in YAML.
    """
    if not isinstance(settings, Mapping):
        return list(settings)
    return [f"{key}={_yaml(value)}" for key, value in settings.items()]


def _yaml(value: object) -> str:
    return json.dumps(str(value) if isinstance(value, Path) else value)
