"""What does `lavida-gen verify` cost, compared with the build of the same corpus?

    python benchmarks/verify.py [--samples 3000] [--clips 200] [--rounds 5] [--before CHECKOUT]

A corpus of untouched drawn JPEGs (benchmarks/drawn_data), and one of untouched clips. In turns, in an order that
rotates: build it, `verify` it, `verify --quick` it, and the floor of any check: SHA-256 of the shards alone. Each runs in a
process of its own, with one worker; what is compared are processor seconds of the work without the start of Python.
`--before` adds `verify` of another checkout. The build reads and writes pictures without decoding them; `verify` decodes
each picture once, and 300 pictures come back in many samples here. So "no picture twice" is `verify` that remembers none, as
if every sample had a picture of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from drawn_data import FRAMES, clip_recipe, coco_recipe, draw_coco, draw_vos

ROOT = Path(__file__).resolve().parents[1]
WORK = ("build", "verify", "no picture twice", "quick", "floor")


def seconds(work: str, corpus: Path, data: Path, samples: int) -> float:
    """Processor seconds of one piece of work in this process, everything that it imports imported before."""
    from lavida_gen.building import build as builder
    from lavida_gen.corpus.reader import open_corpus
    from lavida_gen.inspection.verify import verify_corpus

    warm = corpus.parent / f"{data.name}-warm"
    make = coco_recipe if data.name == "coco" else clip_recipe
    if work == "build":
        builder.build(make(data, 20), corpus.parent / f"again-{os.getpid()}")
    else:
        verify_corpus(open_corpus(warm))
    if work in ("verify", "no picture twice") and (checked := sys.modules.get("lavida_gen.inspection.verify_pictures")):
        vars(checked)["_DECODED"].clear()
        vars(checked)["_MOST_DECODED"] *= work == "verify"
    began = time.process_time()
    if work == "build":
        builder.build(make(data, samples), corpus.parent / f"built-{os.getpid()}")
    elif work == "floor":
        for shard in sorted(corpus.rglob("*.tar")):
            with shard.open("rb") as file:
                hashlib.file_digest(file, "sha256")
    else:
        report = verify_corpus(open_corpus(corpus), **({"quick": True} if work == "quick" else {}))
        assert not report.problems, report.problems
    return time.process_time() - began


def in_process(checkout: Path, work: str, corpus: Path, data: Path, samples: int) -> float:
    """The same in a process of its own, with the code of a checkout."""
    code = os.pathsep.join(str(folder) for folder in (checkout / "generator", ROOT / "benchmarks"))
    environment = {**os.environ, "PYTHONPATH": code, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--one", work, str(corpus), str(data), str(samples)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def measure(home: Path, data: Path, samples: int, rounds: int, before: Path | None) -> None:
    """Build a corpus of a data set, measure all work in turns, and print one table."""
    from lavida_gen.building import build as builder

    make, corpus = coco_recipe if data.name == "coco" else clip_recipe, home / f"{data.name}-corpus"
    builder.build(make(data, 20), home / f"{data.name}-warm")
    builder.build(make(data, samples), corpus)
    runs = [(name, ROOT, name) for name in WORK]
    if before is not None:
        runs.append(("verify before", before, "verify"))
    found: dict[str, list[float]] = {name: [] for name, _, _ in runs}
    for round_ in range(rounds):
        for name, checkout, work in runs[round_ % len(runs) :] + runs[: round_ % len(runs)]:
            found[name].append(1000 * in_process(checkout, work, corpus, data, samples) / samples)
    what = "untouched pictures" if data.name == "coco" else f"untouched clips of {FRAMES} frames"
    print(f"{samples} {what}, {rounds} rounds: processor ms a sample, least to most; ratio to the build of its round")
    for name, times in found.items():
        ratios = sorted(a / b for a, b in zip(times, found["build"], strict=True))
        spread = f"{statistics.median(times):7.3f} ({min(times):.3f} to {max(times):.3f})"
        print(f"  {name:17} {spread:28} {statistics.median(ratios):5.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def main() -> None:
    """Measure corpora of pictures and of clips; or do one piece of work and print its seconds."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--samples", type=int, default=3000)
    arguments.add_argument("--clips", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--before", type=Path, help="another checkout, whose verify is measured, too")
    arguments.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.one:
        work, corpus, data, samples = options.one
        print(seconds(work, Path(corpus), Path(data), int(samples)))
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        measure(home, draw_coco(home / "coco"), options.samples, options.rounds, options.before)
        measure(home, draw_vos(home / "vos"), options.clips, options.rounds, options.before)


if __name__ == "__main__":
    main()
