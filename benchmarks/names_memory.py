"""How much memory does a build worker need whose names WordNet judges?

    python benchmarks/names_memory.py [--samples 3000]

A drawn COCO gets the names of LVIS' 1,203 categories (the table beside the checkout), and a corpus of it is built in
processes of their own: by two workers, by one process that also finishes it, and by one whose WordNet knows no word. Goal:
below 300 MB for a worker.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
from drawn_data import draw_coco
from names import TABLES

from lavida_gen.building import build as builder
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.names import wordnet

NOTHING = wordnet.Reading((), is_compound=True)


def rename(root: Path) -> None:
    """Replace the drawn categories by those of LVIS."""
    path = root / "annotations" / "instances_val2017.json"
    plain = json.loads(path.read_text())
    with (TABLES / "lvis_names.tsv").open(encoding="utf-8") as file:
        names = list(dict.fromkeys(row["name"] for row in csv.DictReader(file, delimiter="\t")))
    plain["categories"] = [{"id": k, "name": name, "supercategory": "thing"} for k, name in enumerate(names)]
    rng = np.random.default_rng(0)
    for annotation in plain["annotations"]:
        annotation["category_id"] = int(rng.integers(len(names)))
    path.write_text(json.dumps(plain))


def recipe_of(root: Path, samples: int) -> CorpusRecipe:
    """The recipe over COCO, for a JSON of one's own names."""
    source = {"name": "coco_json", "root": str(root), "split": "val2017", "complete": True}
    exposures = ["relabel", {"name": "absent", "weight": 2}, "near_miss"]
    plain = {"name": "bench", "samples": samples, "val": 0.05, "sources": [source], "exposures": exposures}
    return recipes.parse({**plain, "shard": {"samples": 200}})


def work(root: Path, out: Path, samples: int, what: str) -> None:
    """Build, then print the peak of the larger worker, or of this process if it is the only one, in MB (Linux)."""
    recipe = recipe_of(root, samples)
    if what == "two workers":
        builder.build(recipe, out, workers=2)
    elif what == "one process":
        builder.build(recipe, out)
    else:
        with (
            mock.patch.object(wordnet, "read", return_value=NOTHING),
            mock.patch.object(wordnet, "synset", return_value=NOTHING),
        ):
            builder.build(recipe, out)
    who = resource.RUSAGE_CHILDREN if what == "two workers" else resource.RUSAGE_SELF
    print(f"{resource.getrusage(who).ru_maxrss / 1024:.0f}")


def main() -> None:
    """Print all peaks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=3000)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        root, out, what = options.worker
        work(Path(root), Path(out), options.samples, what)
        return
    if not TABLES.is_dir():
        print(f"skipped: no folder {TABLES.name} of LVIS names beside the checkout")
        return
    with tempfile.TemporaryDirectory() as folder:
        root = draw_coco(Path(folder) / "coco")
        rename(root)
        builder.build(recipe_of(root, 50), Path(folder) / "warm")  # the index is made once, beforehand
        for number, what in enumerate(("two workers", "one process", "one process without WordNet")):
            worker = ["--worker", str(root), f"{folder}/{number}", what]
            command = [sys.executable, __file__, "--samples", str(options.samples), *worker]
            answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(f"{what:28} {answer.strip():>4} MB at the peak")


if __name__ == "__main__":
    main()
