"""Builds the corpora that two environments are compared by: `python corpora.py DATA OUT [NAME ...]`, run inside each.

Every source of `paper-plus` over data sets that the tests draw, `street` with every exposure, sizes, and each augmentation
alone. The data sets are drawn once, by whichever environment comes first: both read the same files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from lavida_gen.building import build as builder
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.config.transforms import TABLE

ROOT = Path(__file__).resolve().parents[2]
EXPOSURES = ["relabel", "absent", "near_miss", "paste", "swap", "several", "context", "motion"]


def _draw_data(home: Path) -> None:
    if not home.exists():
        sys.path.insert(0, str(ROOT / "tests" / "gen"))
        from miniatures import world

        world.draw(home)


def drawn_files(home: Path, samples: int) -> CorpusRecipe:
    """`paper-plus` over files, without augmentations: most pictures are passed through."""
    sources = recipes.load("paper-plus").sources
    roots = [f"sources.{number}.root={home / entry.name}" for number, entry in enumerate(sources)]
    return recipes.load("paper-plus", [*roots, f"samples={samples}", "augmentations=[]"])


def street(samples: int, exposures: list[str], **more: object) -> CorpusRecipe:
    """Drawn scenes, stills and clips."""
    still = {"name": "street", "size": [96, 128]}
    sources = [still, {**still, "kind": "clip", "frames": 3}]
    plain = {"name": "street", "samples": samples, "seed": 3, "sources": sources, "exposures": exposures, **more}
    return recipes.parse(plain)


def all_recipes(home: Path) -> dict[str, Callable[[], CorpusRecipe]]:
    """Name -> what makes the recipe."""
    found: dict[str, Callable[[], CorpusRecipe]] = {
        "files": lambda: drawn_files(home, 300),
        "drawn": lambda: street(150, EXPOSURES),
        "smaller": lambda: street(40, EXPOSURES, image={"size": {"longest": 100}}),
        "larger": lambda: street(40, EXPOSURES, image={"size": {"exact": [150, 200]}}),
    }
    for name in TABLE:
        augmentation = [{"name": name, "p": 1.0}]
        found[name] = lambda augmentation=augmentation: street(24, ["relabel", "absent"], augmentations=augmentation)
    return found


def main(data: Path, out: Path, names: list[str]) -> None:
    """Build all corpora, or those that are named."""
    _draw_data(data)
    for name, recipe in all_recipes(data).items():
        if not names or name in names:
            builder.build(recipe(), out / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
