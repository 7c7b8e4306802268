"""What a sample of each exposure that edits pixels costs: processor milliseconds, and how many samples of `relabel`.

    python benchmarks/exposures.py [--before CHECKOUT] [--rounds 5] [--coco FOLDER]

Samples are made one after the other: from drawn data sets (benchmarks/drawn_data), images of 640 x 480 with 7 polygons
for `paste` and `swap`, clips of 8 frames with 4 moving things for `motion`; from the source `street`, which draws its
scenes itself; and from photos of COCO in the official layout, left out if the folder does not exist. `codecs` is what no paste of an image can do without: two pictures
decoded, one encoded. Half as many samples are made before the timer starts, so that names are known. With another
checkout of this repository both are measured in turns, each round in a process of its own, and must make the same
bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from drawn_data import FRAMES, SIZE, draw_coco, draw_vos

from lavida_gen.config import recipe as recipes
from lavida_gen.sampling.make_sample import make_sample
from lavida_gen.sampling.planner import SamplePlanner
from lavida_gen.scenes import images

HERE = Path(__file__).resolve().parents[1]
TINYCOCO = HERE.parent / "shared" / "data" / "tinycoco"
CASES = {
    "relabel, images": ("coco", "relabel", 120),
    "paste, images": ("coco", "paste", 60),
    "codecs, images": ("coco", "codecs", 60),
    "swap, images": ("coco", "swap", 50),
    "relabel, photos": ("photos", "relabel", 60),
    "paste, photos": ("photos", "paste", 40),
    "swap, photos": ("photos", "swap", 30),
    "relabel, clips": ("vos", "relabel", 20),
    "motion, clips": ("vos", "motion", 10),
    "relabel, streets": ("street", "relabel", 40),
    "paste, streets": ("street", "paste", 40),
    "relabel, street clips": ("street clips", "relabel", 10),
    "paste, street clips": ("street clips", "paste", 10),
}
"""Data set, exposure, and number of samples."""

Measured = dict[str, tuple[float, str]]
"""Of each case processor milliseconds of a sample, and the digest of all samples' bytes."""


def sampler(home: Path, data: str, exposure: str, samples: int) -> Callable[[int], list[bytes]]:
    """Returns the parts of a sample by its number."""
    source = {
        "coco": {"name": "coco", "root": str(home / "coco"), "split": "val2017"},
        "photos": {"name": "coco", "root": str(home / "photos"), "split": "val2017"},
        "vos": {"name": "youtube_vos", "root": str(home / "vos"), "frames": FRAMES},
        "street": {"name": "street", "kind": "image"},
        "street clips": {"name": "street", "kind": "clip", "frames": FRAMES},
    }[data]
    ratio = 1.0 if exposure == "relabel" else 0.5
    plain = {"name": "bench", "samples": 2 * samples, "val": 0, "anomaly_ratio": ratio, "sources": [source]}
    planner = SamplePlanner.open(recipes.parse({**plain, "exposures": [exposure]}))

    def sample(number: int) -> list[bytes]:
        made = make_sample(planner, number, "digest").sample
        return [*made.frames, *made.masks, repr(made.record).encode()]

    return sample


def codecs(root: Path) -> Callable[[int], list[bytes]]:
    """Decodes two pictures and encodes one."""
    files = sorted((root / "val2017").glob("*.jpg"))

    def sample(number: int) -> list[bytes]:
        one, _ = (images.decode(files[(number + more) % len(files)].read_bytes(), SIZE, "benchmark") for more in (0, 9))
        return [images.encode_jpeg(one)]

    return sample


def measured(home: Path) -> Measured:
    """Measure all cases whose data are there."""
    found = {}
    for case, (data, exposure, samples) in CASES.items():
        if data == "photos" and not (home / data).exists():
            continue
        make = codecs(home / data) if exposure == "codecs" else sampler(home, data, exposure, samples)
        for number in range(samples, samples + samples // 2):
            make(number)
        began = time.process_time()
        made = [make(number) for number in range(samples)]
        spent = (time.process_time() - began) / samples * 1000
        found[case] = spent, hashlib.sha256(b"".join(part for parts in made for part in parts)).hexdigest()
    return found


def in_process(checkout: Path, home: Path) -> Measured:
    """`measured` with the code of a checkout."""
    environment = {**os.environ, "PYTHONPATH": f"{checkout / 'generator'}:{HERE / 'benchmarks'}"}
    command = [sys.executable, __file__, "--home", str(home)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    return {case: (float(spent), str(digest)) for case, (spent, digest) in json.loads(answer).items()}


def spread(values: list[float], digits: int) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def report(rounds: list[dict[str, Measured]]) -> None:
    """Print one row for each case and checkout; ratios are of the same round."""
    print(f"| {len(rounds)} rounds: median (least to most) | ms a sample | samples of relabel | of before |")
    print("|---|---|---|---|")
    first = next(iter(rounds[0]))
    for case in rounds[0][first]:
        unit = f"relabel, {case.split(', ')[1]}"
        for name in rounds[0]:
            own = [row[name][case][0] for row in rounds]
            relabels = [row[name][case][0] / row[name][unit][0] for row in rounds]
            shares = [row[name][case][0] / row[first][case][0] for row in rounds]
            print(f"| {case}, {name} | {spread(own, 1)} | {spread(relabels, 1)} | {spread(shares, 2)} |")


def main() -> None:
    """Draw the data, measure, print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--before", type=Path, help="another checkout of this repository")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--coco", type=Path, default=TINYCOCO, help="COCO 2017 in the official layout")
    arguments.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.home:
        print(json.dumps(measured(options.home)))
        return
    checkouts = {"before": options.before.resolve()} if options.before else {}
    checkouts["now"] = HERE
    with tempfile.TemporaryDirectory() as folder:
        home, rounds = Path(folder), []
        draw_coco(home / "coco")
        draw_vos(home / "vos")
        if options.coco.is_dir():
            (home / "photos").symlink_to(options.coco.resolve())
        for number in range(options.rounds):
            order = list(checkouts)[:: 1 if number % 2 else -1]
            row = {name: in_process(checkouts[name], home) for name in order}
            rounds.append({name: row[name] for name in checkouts})
            for case in row["now"]:
                if len({row[name][case][1] for name in checkouts}) > 1:
                    sys.exit(f"{case}: the checkouts make other bytes")
    report(rounds)


if __name__ == "__main__":
    main()
