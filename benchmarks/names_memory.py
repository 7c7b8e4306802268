"""How much memory does a build worker need whose names WordNet judges?

    python benchmarks/names_memory.py [--samples 3000]

A drawn COCO gets the 1,203 names of LVIS with their synsets (the table beside the checkout), a worker in a process of its
own builds a corpus of it, once as it is and once with a WordNet that knows no word. Goal: below 300 MB.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
from drawn_data import coco_recipe, draw_coco
from names import TABLES

from lavida_gen.building import build as builder
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


def work(root: Path, out: Path, samples: int, knows_words: bool) -> None:
    """Build, then print the peak of this process in MB and the seconds."""
    began = time.perf_counter()
    recipe = coco_recipe(root, samples)
    if knows_words:
        builder.build(recipe, out)
    else:
        with (
            mock.patch.object(wordnet, "read", return_value=NOTHING),
            mock.patch.object(wordnet, "synset", return_value=NOTHING),
        ):
            builder.build(recipe, out)
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    print(f"{peak / 1024:.0f} MB at the peak, {time.perf_counter() - began:.1f} s")


def main() -> None:
    """Print both peaks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=3000)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        root, out, knows_words = options.worker
        work(Path(root), Path(out), options.samples, knows_words == "True")
        return
    if not TABLES.is_dir():
        print(f"skipped: no folder {TABLES.name} of LVIS names beside the checkout")
        return
    with tempfile.TemporaryDirectory() as folder:
        root = draw_coco(Path(folder) / "coco")
        rename(root)
        builder.build(coco_recipe(root, 50), Path(folder) / "warm")  # the index is made once, beforehand
        for knows_words in (False, True):
            worker = ["--worker", str(root), f"{folder}/{knows_words}", str(knows_words)]
            command = [sys.executable, __file__, "--samples", str(options.samples), *worker]
            answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(f"{'with' if knows_words else 'without'} WordNet: {answer.strip()}")


if __name__ == "__main__":
    main()
