"""What a sample of each exposure that edits pixels costs: processor milliseconds, and how many samples of `relabel`.

    python benchmarks/exposures.py [--before CHECKOUT] [--rounds 5] [--coco FOLDER]

Samples are made one after the other in one process: from drawn data sets (benchmarks/drawn_data), images of 640 x 480
with 7 polygons for `paste` and `swap`, clips of 8 frames with 4 moving things for `motion`; and from photos of COCO in
the official layout, left out if the folder does not exist. With another checkout of this repository both are measured
in turns, and must make the same bytes. Each measurement is a process of its own.
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
from pathlib import Path

from drawn_data import FRAMES, draw_coco, draw_vos

from lavida_gen.config import recipe as recipes
from lavida_gen.sampling.make_sample import make_sample
from lavida_gen.sampling.planner import SamplePlanner

HERE = Path(__file__).resolve().parents[1]
CASES = {
    "relabel, images": ("coco", "relabel", 200),
    "paste": ("coco", "paste", 100),
    "swap": ("coco", "swap", 60),
    "relabel, photos": ("photos", "relabel", 100),
    "paste, photos": ("photos", "paste", 60),
    "swap, photos": ("photos", "swap", 40),
    "relabel, clips": ("vos", "relabel", 40),
    "motion": ("vos", "motion", 15),
}
"""Data set, exposure, and number of samples."""
UNIT = {"coco": "relabel, images", "photos": "relabel, photos", "vos": "relabel, clips"}
TINYCOCO = HERE.parent / "shared" / "data" / "tinycoco"


def measured(home: Path, case: str) -> tuple[float, str]:
    """Processor milliseconds of a sample, and the digest of all samples' bytes."""
    data, exposure, samples = CASES[case]
    source = {
        "coco": {"name": "coco", "root": str(home / "coco"), "split": "val2017"},
        "photos": {"name": "coco", "root": str(home / "photos"), "split": "val2017"},
        "vos": {"name": "youtube_vos", "root": str(home / "vos"), "frames": FRAMES},
    }[data]
    ratio = 1.0 if exposure == "relabel" else 0.5
    plain = {"name": "bench", "samples": samples, "val": 0, "anomaly_ratio": ratio}
    planner = SamplePlanner.open(recipes.parse({**plain, "sources": [source], "exposures": [exposure]}))
    make_sample(planner, 0, "digest")  # imports everything
    digest = hashlib.sha256()
    began = time.process_time()
    made = [make_sample(planner, number, "digest").sample for number in range(samples)]
    spent = (time.process_time() - began) / samples * 1000
    for sample in made:
        digest.update(b"".join([*sample.frames, *sample.masks, repr(sample.record).encode()]))
    return spent, digest.hexdigest()


def in_process(checkout: Path, home: Path, case: str) -> tuple[float, str]:
    """`measured` with the code of a checkout."""
    environment = {**os.environ, "PYTHONPATH": f"{checkout / 'generator'}:{HERE / 'benchmarks'}"}
    command = [sys.executable, __file__, "--home", str(home), "--case", case]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    spent, digest = json.loads(answer)
    return float(spent), str(digest)


def spread(values: list[float], digits: int = 1) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def report(home: Path, checkouts: dict[str, Path], rounds: int) -> None:
    """Measure all in turns, and print one row for each exposure and checkout."""
    cases = [case for case, (data, _, _) in CASES.items() if (home / data).exists()]
    spent: dict[tuple[str, str], list[float]] = {(case, name): [] for case in cases for name in checkouts}
    for round_ in range(rounds):
        order = list(checkouts)[:: 1 if round_ % 2 else -1]
        for case in cases:
            digests = set()
            for name in order:
                milliseconds, digest = in_process(checkouts[name], home, case)
                spent[case, name].append(milliseconds)
                digests.add(digest)
            if len(digests) > 1:
                sys.exit(f"{case}: the checkouts make other bytes")
    print(f"| {rounds} rounds: median (least to most) | ms a sample | samples of relabel | of before |")
    print("|---|---|---|---|")
    for case in cases:
        for name in checkouts:
            own = spent[case, name]
            unit = spent[UNIT[CASES[case][0]], name]
            relabels = spread([one / other for one, other in zip(own, unit, strict=True)])
            shares = [one / other for one, other in zip(own, spent[case, next(iter(checkouts))], strict=True)]
            print(f"| {case}, {name} | {spread(own)} | {relabels} | {spread(shares, 2)} |")


def main() -> None:
    """Draw the data, measure, print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--before", type=Path, help="another checkout of this repository")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--coco", type=Path, default=TINYCOCO, help="COCO 2017 in the official layout")
    arguments.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("--case", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.case:
        print(json.dumps(measured(options.home, options.case)))
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        draw_coco(home / "coco")
        draw_vos(home / "vos")
        if options.coco.is_dir():
            (home / "photos").symlink_to(options.coco.resolve())
        before = {"before": options.before.resolve()} if options.before else {}
        report(home, {**before, "now": HERE}, options.rounds)


if __name__ == "__main__":
    main()
