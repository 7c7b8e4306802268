"""Building a corpus from Python in one call: what notebooks call."""

from __future__ import annotations

from os import PathLike

from lavida_gen.building import build as builder
from lavida_gen.config.load_recipe import RecipeLike, Settings, load_recipe
from lavida_gen.corpus.reader import Corpus, open_corpus


def build(
    recipe: RecipeLike,
    out: str | PathLike[str],
    *,
    settings: Settings = (),
    workers: int = 1,
    engine: str = "local",
    address: str | None = None,
    progress: builder.ProgressCallback = lambda done, dropped: None,
    allow_code: bool = False,
    mixed_toolchain: bool = False,
) -> Corpus:
    """Build the corpus of a recipe, or continue an interrupted build.

    The same recipe and data give the same bytes with any number of workers. A finished corpus is checked and left
    unchanged. With several workers call it below ``if __name__ == "__main__":``, because they import the script.

    Args:
        recipe: Name of a built-in recipe, path of a YAML file, folder or URL of a finished corpus, keys and values of a
            recipe, or a recipe that was read before.
        out: Folder or URL of the corpus.
        settings: Changes of the recipe, e.g. ``{"samples": 500, "sources.0.root": "/data/coco"}``.
        workers: Number of processes.
        engine: Where shards are made: ``local``, ``ray``, or a plug-in.
        address: Address of a cluster, for engines that have one.
        progress: Called with the numbers of samples made and failed attempts since the last call.
        allow_code: Whether sources, exposures and the engine may be ``package.module:Class``, which imports them and
            lets them run with your rights.
        mixed_toolchain: Whether shards of an earlier run may have been made with other versions of the packages.

    Returns:
        The corpus, open.

    Raises:
        UserError: The recipe is invalid, or `out` holds something else.
        DataError: The data or the place fails; finished shards are kept.
    """
    loaded = load_recipe(recipe, settings, allow_code)
    builder.build(loaded, str(out), workers, engine, progress, address, allow_code, mixed_toolchain)
    return open_corpus(str(out))
