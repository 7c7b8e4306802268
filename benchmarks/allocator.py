"""What does a forward pass on the CPU gain by the memory that our commands keep, and how much memory is that?

    python benchmarks/allocator.py [--rounds 5]

`tiny` scores clips of 8 frames of 240 x 360, one and four a forward pass, and makes steps of a fit (forward and backward of
four clips), once as glibc is (`LAVIDA_ALLOCATOR=system`) and once as `lavida-bench` sets it. Each turn is a process of its own
with one thread; the two take turns, the other one first in each round. A ratio compares the two turns of one round.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

from lavida_bench.common.allocator import SWITCH, SYSTEM, keep_freed_memory

WHAT = {"score 1": "scoring, 1 clip a pass", "score 4": "scoring, 4 clips a pass", "fit 4": "fitting, 4 clips a step"}
FRAMES = 128  # of one turn
MINE = "lavida-bench"


def turn(what: str) -> dict[str, float]:
    """Run in a process of its own: milliseconds of the processor and pages from the kernel per frame, peak memory in MiB."""
    keep_freed_memory()
    import numpy as np
    import torch

    from lavida.batch import Sample
    from lavida_bench.scoring.lavida_scorer import load_scorer

    torch.set_num_threads(1)
    scorer = load_scorer("tiny", device="cpu")
    verb, count = what.split()[0], int(what.split()[1])
    noise = np.random.default_rng(0)
    clips = [noise.integers(0, 255, (8, 240, 360, 3), np.uint8) for _ in range(count)]
    mask = np.zeros((8, 240, 360), np.bool_)
    mask[:, 40:120, 60:160] = True
    names = ("fight", "fire")
    samples = [Sample(clip, names, masks=mask, labels=(True, False), key=str(n)) for n, clip in enumerate(clips)]
    prepared = scorer.prepare(clips, names) if verb == "score" else scorer.processor(samples)
    scorer.model.requires_grad_(verb == "fit")

    def step() -> None:
        if verb == "score":
            scorer.score(prepared)()
        else:
            scorer.model.zero_grad()
            scorer.model(prepared).loss.backward()

    step()
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
    for _ in range(FRAMES // 8 // count):
        step()
    seconds, after = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF)
    pages = (after.ru_minflt - before.ru_minflt) / FRAMES
    kernel = 1000 * (after.ru_stime - before.ru_stime) / FRAMES
    return {"ms": 1000 * seconds / FRAMES, "kernel": kernel, "pages": pages, "peak": after.ru_maxrss / 1024}


def run(what: str, setting: str) -> dict[str, float]:
    """Start a turn and read what it found."""
    environment = os.environ | {SWITCH: SYSTEM if setting == SYSTEM else ""}
    words = [sys.executable, __file__, "--turn", what]
    found: dict[str, float] = json.loads(
        subprocess.run(words, env=environment, check=True, stdout=-1, text=True).stdout
    )
    return found


def main() -> None:
    """Let both settings take turns, print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turn", choices=WHAT, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.turn:
        print(json.dumps(turn(options.turn)))
        return
    print(
        "| what | allocator | processor ms a frame | of it in the kernel | pages from the kernel a frame | peak MiB | times as fast |"
    )
    print("|---|---|---|---|---|---|---|")
    for what, name in WHAT.items():
        found: dict[str, list[dict[str, float]]] = {SYSTEM: [], MINE: []}
        for number in range(options.rounds):
            for setting in (SYSTEM, MINE)[:: 1 if number % 2 else -1]:
                found[setting].append(run(what, setting))
        for setting, turns in found.items():
            gains = [old["ms"] / new["ms"] for old, new in zip(found[SYSTEM], turns, strict=True)]
            values = [[one[key] for one in turns] for key in ("ms", "kernel", "pages", "peak")]
            cells = [spread(part, digits) for part, digits in zip([*values, gains], (1, 1, 0, 0, 2), strict=True)]
            print(f"| {name} | {setting} | {' | '.join(cells)} |", flush=True)


def spread(values: list[float], digits: int) -> str:
    """Median and range."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    main()
