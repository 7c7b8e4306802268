"""How long do `--help` and the first sample of a COCO source take, and which heavy libraries are imported for them?

python benchmarks/startup.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from drawn_data import draw_coco

ROUNDS, GOAL = 7, 0.5
HEAVY = ("torch", "pandas", "pyarrow", "datasets", "scipy", "cv2")
HELP = "import sys; sys.argv = ['x', '--help']; from {}.cli import main; main(standalone_mode=False)"
SAMPLE = """
import sys
from lavida_gen import Sampler
source = {{"name": "coco", "root": {!r}, "split": "val2017"}}
Sampler({{"name": "x", "samples": 3, "val": 0, "anomaly_ratio": 1, "sources": [source], "exposures": ["relabel"]}})[0]
"""


def run(code: str) -> tuple[float, list[str]]:
    """Wall time of a fresh interpreter that runs `code`, and what it imported of `HEAVY`."""
    report = (
        f"import atexit, sys; atexit.register(lambda: print(*({{*sys.modules}} & {{*{HEAVY}}}), file=sys.stderr))\n"
    )
    began = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", report + code], check=True, capture_output=True, text=True)
    return time.perf_counter() - began, sorted(ended.stderr.split())


def main() -> None:
    """Print the median of each, and of an interpreter that does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LAVIDA_GEN_CACHE"] = str(Path(folder) / "cache")
        draw_coco(Path(folder) / "coco")
        codes = {"nothing": "", **{f"{name} --help": HELP.format(name) for name in ("lavida_gen", "lavida_bench")}}
        codes["first sample"] = SAMPLE.format(str(Path(folder) / "coco"))
        run(codes["first sample"])  # makes the index
        for name, code in codes.items():
            rounds = [run(code) for _ in range(ROUNDS)]
            goal = f"(goal {GOAL})" if "help" in name else ""
            seconds = statistics.median(spent for spent, _ in rounds)
            print(f"{name:20}{seconds:.3f} s  {goal:10}  imported: {', '.join(rounds[0][1]) or 'nothing heavy'}")


if __name__ == "__main__":
    main()
