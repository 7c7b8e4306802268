"""The index of annotations as large as COCO's: time to make and open it, memory, scenes per second.

    python benchmarks/coco_index.py [--images 118287] [--keep DIR] [--rounds 5 [--before CHECKOUT]]

Writes an instances JSON of the size of train2017 (118,287 images, 860,001 annotations, about 450 MB), always the same
one. Each step is measured in a process of its own: peak memory while indexing, memory of a worker that has opened the
index and made scenes. No images are needed. `--rounds` measures the index alone, in turns with that of another checkout
of this repository, which must be the same to the byte, and with pycocotools, which reads the file and draws every mask.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

import numpy as np

HERE = Path(__file__).resolve().parents[1]
IMAGES, ANNOTATIONS, CROWDS = 118_287, 860_001, 0.0117
CORNERS = 19  # on average, which makes about 450 MB
LIMITS = {"index_s": 180.0, "open_s": 1.0, "worker_mb": 500.0, "scene_ms": 0.3}


def draw(path: Path, images: int) -> None:
    """Write the JSON, image by image; the categories are COCO's things 1 to 80."""
    from lavida_gen.classes.coco_stuff_names import all_labels

    rng = np.random.default_rng(2017)
    counts = rng.multinomial(round(images * ANNOTATIONS / IMAGES), np.full(images, 1 / images))
    with path.open("w") as file:
        file.write('{"info": {}, "licenses": [{"id": 1, "name": "Attribution License", "url": "u"}], "images": [')
        for number in range(images):
            url = f"http://farm5.staticflickr.com/4028/5079131149_{number:010d}_z.jpg"
            row = {"license": 1, "file_name": f"{number:012d}.jpg", "coco_url": url, "height": 480, "width": 640}
            row |= {"date_captured": "2013-11-14 17:02:52", "flickr_url": url, "id": number}
            file.write((", " if number else "") + json.dumps(row))
        file.write('], "annotations": [')
        annotation = 0
        for number, count in enumerate(counts.tolist()):
            for row in things(rng, count):
                row |= {"image_id": number, "id": annotation}
                file.write((", " if annotation else "") + json.dumps(row))
                annotation += 1
        names = {n: all_labels()[n].name for n in range(1, 81)}
        kinds = [{"supercategory": f"group {n % 12}", "id": n, "name": name} for n, name in names.items()]
        file.write(f'], "categories": {json.dumps(kinds)}}}')


def things(rng: np.random.Generator, count: int) -> Iterator[dict[str, object]]:
    """Annotations: stars of one or two polygons, and now and then a crowd of uncompressed run lengths."""
    for _ in range(count):
        crowd = bool(rng.random() < CROWDS)
        shape: object = runs(rng) if crowd else [star(rng) for _ in range(1 + int(rng.random() < 0.1))]
        category = int(rng.integers(1, 81))
        yield {
            "segmentation": shape,
            "area": 702.1057499999998,
            "iscrowd": int(crowd),
            "bbox": [473.07, 395.93, 38.65, 28.67],
            "category_id": category,
        }


def star(rng: np.random.Generator) -> list[float]:
    """A polygon at a random position; coordinates have two decimals, as in COCO."""
    corners = 3 + int(rng.geometric(1 / (CORNERS - 3)))
    angle = np.sort(rng.random(corners)) * 2 * np.pi
    radius = rng.lognormal(3.3, 0.8) * (0.6 + 0.4 * rng.random(corners))
    x = np.clip(rng.random() * 640 + radius * np.cos(angle), 0, 640)
    y = np.clip(rng.random() * 480 + radius * np.sin(angle), 0, 480)
    flat: list[float] = np.stack([x, y], 1).round(2).ravel().tolist()
    return flat


def runs(rng: np.random.Generator) -> dict[str, object]:
    """Uncompressed run lengths of a crowd."""
    cuts = np.sort(rng.choice(480 * 640, 300, replace=False))
    return {"counts": np.diff(cuts, prepend=0, append=480 * 640).tolist(), "size": [480, 640]}


def resident_mb() -> float:
    """Resident memory of this process in MB (2**20 bytes), with the mapped files that it touched."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def index(path: Path) -> dict[str, float]:
    """The cost of the first `lavida-gen check`: digest and index."""
    from lavida_gen.coco.coco_index import open_index

    began = time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    open_index(path)
    spent = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"index_s": spent, "index_cpu_s": time.process_time() - began, "before_mb": before, "peak_mb": peak}


def peer(path: Path) -> dict[str, float]:
    """The cost of the same masks with pycocotools alone: its own class reads the file and draws them one by one."""
    from pycocotools.coco import COCO

    began = time.process_time()
    with redirect_stdout(sys.stderr):
        coco = COCO(path)
    for number in coco.getAnnIds():
        coco.annToRLE(coco.anns[number])
    spent = time.process_time() - began
    return {"index_cpu_s": spent, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def work(path: Path) -> dict[str, float]:
    """The cost of a worker: open the index, then make scenes of the whole file in random order."""
    from lavida_gen.sources.coco import CocoSource

    start = time.perf_counter()
    source = CocoSource(CocoSource.Options(root=path.parent, split="drawn", annotations=path, images=path.parent))
    opened = time.perf_counter() - start
    after_open = resident_mb()
    order = np.random.default_rng(1).permutation(len(source)).tolist()
    start = time.perf_counter()
    for number in order:
        source.scene(number)
    spent = time.perf_counter() - start
    counts = np.diff(source.index.first)
    sevens = np.flatnonzero(counts == 7)[:2000].tolist()
    start = time.perf_counter()
    for number in sevens:
        source.scene(number)
    seven_ms = (time.perf_counter() - start) / len(sevens) * 1000
    return {
        "open_s": opened,
        "opened_mb": after_open,
        "worker_mb": resident_mb(),
        "scenes_per_s": len(order) / spent,
        "scene_ms": seven_ms,
    }


def measure(step: str, path: Path, checkout: Path = HERE, cache: Path | None = None) -> dict[str, float]:
    """Run one step in a fresh process, with the code of a checkout."""
    command = [sys.executable, __file__, "--step", step, "--json", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(checkout / "generator")}
    if cache:
        environment["LAVIDA_GEN_CACHE"] = str(cache)
    ended = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    results: dict[str, float] = json.loads(ended.stdout)
    return results


def cached(cache: Path) -> str:
    """Digest of the arrays of an index."""
    files = sorted(cache.glob("coco-*/*.npy"))
    return sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()


def compare(path: Path, before: Path | None, rounds: int, scratch: Path) -> None:
    """Print processor seconds and peak memory of the index here, in another checkout, and of pycocotools."""
    kinds = {"now": HERE, **({"before": before.resolve()} if before else {}), "pycocotools": HERE}
    rows: list[dict[str, dict[str, float]]] = []
    for number in range(rounds):
        order = list(kinds)[number % len(kinds) :] + list(kinds)[: number % len(kinds)]
        row, digests = {}, set()
        for name in order:
            cache = scratch / f"{name}-{number}"
            row[name] = measure("peer" if name == "pycocotools" else "index", path, kinds[name], cache)
            if name != "pycocotools":
                digests.add(cached(cache))
                rmtree(cache)
        if len(digests) > 1:
            sys.exit("the checkouts make other indices")
        rows.append(row)
    print(f"| {rounds} rounds: median (least to most) | processor s | times now | peak MB |\n|---|---|---|---|")
    for name in kinds:
        seconds, peaks = ([row[name][key] for row in rows] for key in ("index_cpu_s", "peak_mb"))
        times = [row[name]["index_cpu_s"] / row["now"]["index_cpu_s"] for row in rows]
        print(f"| {name} | {spread(seconds, 2)} | {spread(times, 2)} | {spread(peaks, 0)} |")


def spread(values: list[float], digits: int) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=IMAGES, help="number of images; fewer for a quick trial")
    parser.add_argument("--keep", type=Path, help="folder to write the JSON to and keep it in")
    parser.add_argument("--rounds", type=int, default=0, help="only compare the index, this many times")
    parser.add_argument("--before", type=Path, help="another checkout of this repository to compare with")
    parser.add_argument("--step", choices=["index", "work", "peer"], help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps({"index": index, "work": work, "peer": peer}[options.step](options.json)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = (options.keep or Path(scratch)) / f"instances_{options.images}.json"
        if not path.exists():
            draw(path, options.images)
        if options.rounds:
            compare(path, options.before, options.rounds, Path(scratch))
            return
        os.environ["LAVIDA_GEN_CACHE"] = str(Path(scratch) / "cache")
        results = {"file_mb": path.stat().st_size / 2**20} | measure("index", path) | measure("work", path)
        cached = sum(file.stat().st_size for file in (Path(scratch) / "cache").rglob("*.npy"))
        results["cache_mb"] = cached / 2**20
    for name, value in results.items():
        limit = f"   limit {LIMITS[name]:g}{'' if value <= LIMITS[name] else '   MISSED'}" if name in LIMITS else ""
        print(f"{name:<14}{value:>12,.3f}{limit}")
    sys.exit(any(results[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    main()
