"""Helpers of the tests of layout traps: open a drawn data set, and inspect its scenes.

Loaded by conftest.py under the name `traps`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lavida_gen.common import plugins
from lavida_gen.config.recipe import SOURCES
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Region, Scene
from lavida_gen.sources._base import Source

Plain = dict[str, Any]
BOX = (8, 30, 20, 10)
"""Left, top, width, height of the drawn box."""


def opened(name: str, plain: Plain) -> Source:
    cls = plugins.find(SOURCES, Source, name)
    return cls(cls.Options.model_validate(plain))


def drawn(name: str, root: Path, **options: Any) -> Source:
    import miniatures

    return opened(name, {**miniatures.draw(name, root), **options})


def named(scene: Scene, name: str) -> list[Region]:
    return [region for region in scene.regions if name in region.names]


def area(region: Region) -> list[int]:
    return [0 if mask is None else masks.area(mask) for mask in region.masks]


def edit(path: Path, change: Any) -> None:
    """Change the content of a JSON file by a function."""
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))
