"""Do corpora keep their bytes? Prints one digest of 400 samples of each of several recipes: run before and after a change.

    python benchmarks/digests.py [--samples 400] [--coco FOLDER]

`demo` needs no data; `paper-plus` is built over data sets that the tests draw; `coco` over real files in the official
layout (left out if the folder does not exist). A digest covers the names and bytes of all shards, not the manifest,
which contains versions.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import sys
import tempfile
from pathlib import Path

from lavida_gen.building import build as builder
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe

ROOT = Path(__file__).resolve().parents[1]
TINYCOCO = ROOT.parent / "shared" / "data" / "tinycoco"


def shard_digest(recipe: CorpusRecipe, out: Path) -> str:
    """SHA-256 over names and digests of all shards."""
    shards = builder.build(recipe, out, workers=2).shards
    text = "\n".join(f"{shard.file} {shard.sha256}" for shard in sorted(shards, key=lambda shard: shard.file))
    return hashlib.sha256(text.encode()).hexdigest()


def recipe_over_drawn_data(samples: int, home: Path) -> CorpusRecipe:
    """`paper-plus` over the small data sets that the tests draw."""
    folder = ROOT / "tests" / "gen" / "miniatures"
    spec = importlib.util.spec_from_file_location("miniatures", folder / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["miniatures"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    importlib.import_module("miniatures.world").draw(home)
    sources = recipes.load("paper-plus").sources
    roots = [f"sources.{number}.root={home / entry.name}" for number, entry in enumerate(sources)]
    return recipes.load("paper-plus", [*roots, f"samples={samples}"])


def recipe_over_coco(samples: int, root: Path) -> CorpusRecipe:
    """All image exposures over real COCO files."""
    exposures = ["relabel", "absent", "near_miss", "paste", "swap", "several", "context"]
    source = {"name": "coco", "root": str(root), "split": "val2017"}
    return recipes.parse({"name": "coco", "samples": samples, "sources": [source], "exposures": exposures})


def main() -> None:
    """Print one line per recipe."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--samples", type=int, default=400)
    arguments.add_argument("--coco", type=Path, default=TINYCOCO, help="COCO 2017 in the official layout")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        chosen = {
            "demo": recipes.load("demo", [f"samples={options.samples}"]),
            "paper-plus": recipe_over_drawn_data(options.samples, home / "drawn"),
        }
        if options.coco.is_dir():
            chosen["coco"] = recipe_over_coco(options.samples, options.coco)
        for name, recipe in chosen.items():
            print(f"{name:12} {shard_digest(recipe, home / name)}", flush=True)


if __name__ == "__main__":
    main()
