"""`lavida-gen check` on a data set as large as COCO: every name counted, 100 trial samples, the page with pictures.

    python benchmarks/check.py [--images 118287] [--keep DIR]

Writes the instances JSON of benchmarks/coco_index.py and as many photos (links to a few files), then runs the command
twice: the first time it makes the index of the annotations, the second time it has it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import coco_index
import numpy as np

from lavida_gen.scenes import images

LINKS = 30_000
"""Links to one file; file systems allow some ten thousand."""
LIMITS = {"again_s": 60.0, "page_mb": 10.0}


def draw(root: Path, count: int) -> None:
    """Write the annotations and photos of `count` images below a folder."""
    (root / "annotations").mkdir(parents=True)
    coco_index.draw(root / "annotations" / "instances_train2017.json", count)
    photos = root / "train2017"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        if number % LINKS == 0:
            source = photos / f"{number:012d}.jpg"
            noise = rng.integers(0, 255, (30, 40, 3), np.uint8)
            source.write_bytes(images.encode_jpeg(noise.repeat(16, 0).repeat(16, 1)))
        else:
            os.link(source, photos / f"{number:012d}.jpg")


def check(root: Path, page: Path) -> float:
    """Seconds of one run of the command."""
    command = [sys.executable, "-m", "lavida_gen", "check", "--recipe", "coco", "--report", str(page)]
    start = time.perf_counter()
    subprocess.run([*command, "--set", f"sources.0.root={root}"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=coco_index.IMAGES, help="number of images; fewer for a trial")
    parser.add_argument("--keep", type=Path, help="folder to write the data set to and keep it in")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root, page = (options.keep or Path(scratch)) / f"coco_{options.images}", Path(scratch) / "names.html"
        if not root.exists():
            draw(root, options.images)
        os.environ["LAVIDA_GEN_CACHE"] = str(Path(scratch) / "cache")
        results = {"first_s": check(root, page), "again_s": check(root, page)}
        results["page_mb"] = page.stat().st_size / 2**20
    print(json.dumps({name: round(value, 2) for name, value in results.items()}))
    missed = {name: results[name] for name, limit in LIMITS.items() if results[name] > limit}
    sys.exit(f"over the limits {LIMITS}: {missed}" if missed else 0)


if __name__ == "__main__":
    main()
