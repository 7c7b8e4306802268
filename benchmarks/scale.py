"""A large corpus of small pictures: built in pieces that are killed and stopped, then verified, counted, published.

    python benchmarks/scale.py --samples 1000000 --shards 9902 --minutes 90 --out DIR     # again: it continues
    python benchmarks/scale.py --out DIR --beside SMALL --beside SMALLER                  # and the formula for 100 M

Pictures have 64 x 64 pixels and pass through, so that a sample costs what the generator itself costs. The processor is
counted, because the machine may be busy. DIR holds the log, from which every number that is printed comes.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import tempfile
import time
from pathlib import Path

from at_scale import pieces, report, steps
from at_scale.log import Facts, Log
from drawn_data.folder import draw_folder, folder_recipe

PICTURES = 20_000
LONGEST = 600
"""Seconds of a piece of the build after its first new shard, at most."""


def main() -> None:
    """Build, run the steps, print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--samples", type=int, default=20_000)
    arguments.add_argument("--shards", type=int, default=200)
    arguments.add_argument("--minutes", type=float, default=90)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--out", type=Path, help="where to continue; a temporary folder if it is not given")
    arguments.add_argument("--beside", type=Path, action="append", default=[], help="finished runs of other sizes")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        out = options.out or Path(temporary)
        run(out, options.samples, options.shards, options.workers, time.monotonic() + 60 * options.minutes)
        found = [facts(folder) for folder in (out, *options.beside)]
        print(json.dumps(found, indent=1) if options.json else report.text(found))


def run(out: Path, samples: int, shards: int, workers: int, until: float) -> None:
    """Do what is left to do. The corpus of a finished run is not looked at again.

    Args:
        out: The folder of the benchmark.
        samples: Samples of the corpus.
        shards: Its shards, about.
        workers: Processes.
        until: When to stop, by `time.monotonic`.
    """
    out.mkdir(parents=True, exist_ok=True)
    corpus, recipe, log = out / "corpus", out / "recipe.yaml", Log(out / "log.jsonl")
    commands = steps.commands(corpus, recipe, workers)
    build, about = commands["build again"], {"workers": workers, "code": code()}
    if log.done(pieces.STEP) is None or not recipe.exists():
        recipe.write_text(json.dumps(folder_recipe(draw_folder(out / "data", PICTURES), samples, shards)))
    piece = max(10, min(LONGEST, samples / 1000))
    while log.done(pieces.STEP) is None and time.monotonic() < until:
        code_of_piece = pieces.run_piece(build, out, log, min(piece, until - time.monotonic()), **about)
        if code_of_piece > 0 and code_of_piece != 143:  # stopped by SIGTERM
            raise SystemExit(f"the build failed: {log.lines(pieces.STEP)[-1]['end']}")
    for step, command in commands.items():
        if log.done(pieces.STEP) and log.done(step) is None and time.monotonic() < until:
            print(f"{step} ...", flush=True)
            steps.run_step(step, command, out, log, **about)


def facts(out: Path) -> Facts:
    """Everything that is known of a run."""
    log = Log(out / "log.jsonl")
    lines = log.lines(pieces.STEP)
    made: Facts = {"folder": str(out), "finished": log.done(pieces.STEP) is not None, "machine": machine()}
    if made["finished"]:
        made |= steps.corpus_facts(out / "corpus")
        made["build"] = pieces.summary(lines, made["samples"])
    names = steps.commands(out / "corpus", out / "recipe.yaml", 1)
    made["steps"] = {step: log.lines(step)[-1] for step in names if log.lines(step)}
    made["lines"] = lines
    return made


def code() -> str:
    """The commit that is measured, with + if files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True, cwd=Path(__file__).parent
    )
    return done.stdout.strip() or "unknown"


def machine() -> str:
    """Processor, cores, Python."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{model[0]}, {len(model)} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
