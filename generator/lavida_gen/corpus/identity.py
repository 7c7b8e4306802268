"""The identity of a corpus: a digest of everything that determines its bytes, but for the toolchain."""

from __future__ import annotations

from collections.abc import Iterable

from lavida_gen.common.digests import sha256
from lavida_gen.corpus.manifest import PluginEntry


def identity(
    corpus_format: int, generator: str, recipe: str, fingerprints: Iterable[str], plugins: Iterable[PluginEntry]
) -> str:
    """Digest of the corpus format, the recipe, the annotations, and the versions of the generator and of plug-ins.

    Args:
        corpus_format: Version of the corpus format.
        generator: Version of lavida-gen.
        recipe: Digest of the recipe.
        fingerprints: Digests of the annotations, in the order of the recipe's sources.
        plugins: Plug-ins of other packages that the recipe uses.

    Returns:
        64 hexadecimal digits.
    """
    first = [] if corpus_format == 1 else [f"format {corpus_format}"]
    return sha256("\n".join([*first, generator, recipe, *fingerprints, *map(str, plugins)]))
