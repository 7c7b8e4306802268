"""Samples are made, and a corpus' samples are read, without the libraries for tables, which take longer to import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from miniatures import draw

RECIPE = """
import sys
recipe = {
    "name": "x", "samples": 3, "val": 0, "anomaly_ratio": 1, "exposures": ["relabel"],
    "limits": {"min_pixels": 1, "min_area": 0},
    "sources": [{"name": "coco", "root": sys.argv[1], "split": "train2017"}],
}
"""
SAMPLE = """
from lavida_gen import Sampler
assert len(Sampler(recipe)[0].frames)
"""
BUILD = """
from lavida_gen import build
build(recipe, sys.argv[2])
"""
SHOW = """
from lavida_gen.cli import main
main(["show", sys.argv[2], "0", "--out", sys.argv[2] + ".png"], standalone_mode=False)
"""


def imported(code: str, folder: Path) -> str:
    """Which libraries an interpreter has imported that ran the code."""
    end = 'print({"pandas", "datasets", "scipy", "torch", "pyarrow"} & {*sys.modules})'
    command = [sys.executable, "-c", f"{RECIPE}{code}{end}", str(folder / "data"), str(folder / "corpus")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout.splitlines()[-1]


def test_no_library_for_tables(tmp_path: Path) -> None:
    draw("coco", tmp_path / "data")
    assert imported(SAMPLE, tmp_path) == "set()"
    assert imported(BUILD, tmp_path) == "{'pyarrow'}", "which writes stats.parquet"
    assert imported(SHOW, tmp_path) == "set()"
    assert (tmp_path / "corpus.png").is_file()
