"""The versions of everything that takes part in making the bytes of a shard, by package."""

from __future__ import annotations

import platform
import zlib
from collections.abc import Iterable
from functools import cache
from importlib import metadata

from lavida_gen import __version__
from lavida_gen.common.errors import UserError, problem
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.corpus.manifest import PluginEntry

Toolchain = dict[str, str]
"""Version by package name."""

_PACKAGES = ("numpy", "pillow", "av", "pycocotools", "pyarrow")


@cache
def _version(package: str) -> str | None:
    """A package's version, None if it is not installed; looked up once in a process."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def current_toolchain(recipe: CorpusRecipe, plugins: list[PluginEntry]) -> Toolchain:
    """The toolchain of this process.

    Args:
        recipe: The recipe; albumentations is part of it only where the recipe augments.
        plugins: The plug-ins of other packages that it uses.

    Returns:
        Versions by package, packages that are not installed left out.
    """
    import cv2

    versions = {"lavida-gen": __version__, "python": platform.python_version(), "opencv": cv2.__version__}
    for package in (*_PACKAGES, *(["albumentations"] if recipe.augmentations else [])):
        version = _version(package)
        if version is not None:
            versions[package] = version
    versions["zlib"] = zlib.ZLIB_RUNTIME_VERSION
    versions.update({plugin.distribution: plugin.version for plugin in plugins})
    return dict(sorted(versions.items()))


def differences(built: Toolchain, here: Toolchain) -> str:
    """How two toolchains differ: ``opencv 4.11.0 -> 4.12.0, zlib 1.3 -> none``.

    Args:
        built: The one that shards were made with.
        here: Another one.

    Returns:
        The packages whose versions differ, "" for equal toolchains.
    """
    packages = sorted(package for package in {*built, *here} if built.get(package) != here.get(package))
    return ", ".join(f"{package} {built.get(package, 'none')} -> {here.get(package, 'none')}" for package in packages)


def refuse_mixture(place: object, toolchains: Iterable[Toolchain], here: Toolchain) -> None:
    """Check that shards were made with one toolchain: pixels that are drawn or encoded anew depend on it.

    Args:
        place: The corpus, for the message.
        toolchains: Those of the shards that exist.
        here: The toolchain that the others would be made with.

    Raises:
        UserError: One differs; the message lists the versions.
    """
    for built in toolchains:
        found = differences(built, here)
        if found:
            got = f"has shards of another toolchain: {found}"
            todo = "install those versions, give another --out, or allow a mixture with --mixed-toolchain"
            raise UserError(problem(place, got, "one toolchain for all shards", todo))
