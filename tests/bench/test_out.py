"""Every command reports a folder that cannot be written to before any work and before a model is loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lavida_bench.cli import main

NOWHERE = (
    "error: /proc/x: cannot be made (No such file or directory); expected a folder to write to; give another --out"
)
RECIPE = "name: r\nmodel: {preset: tiny}\ndata: [{corpus: none}]\nfit: {steps: 1}\n"


@pytest.fixture
def words(tmp_path: Path, small_folder: Path) -> dict[str, list[str]]:
    """Words of each verb that are right but for --out."""
    (tmp_path / "r.yaml").write_text(RECIPE)
    (tmp_path / "v.mp4").touch()
    (tmp_path / "scores").mkdir()
    for key, frames in (("gate", 12), ("yard", 10), ("quiet", 8)):
        np.save(tmp_path / "scores" / f"{key}.npy", np.zeros(frames))
    root, scores, recipe = str(small_folder), str(tmp_path / "scores"), str(tmp_path / "r.yaml")
    files = ["score-files", "-b", "folder", "--root", root, "-s", scores, "--resamples", "0", "--baseline", "none"]
    for run in ("one", "two"):
        made = CliRunner().invoke(main, [*files, "--out", str(tmp_path / run)])
        assert made.exit_code == 0, made.output
    return {
        "predict": ["predict", str(tmp_path / "v.mp4"), "--names", "cart", "--model", "tiny"],
        "fit": ["fit", "--recipe", recipe],
        "run": ["run", "--recipe", recipe],
        "score": ["score", "folder", "--root", root, "--model", "tiny"],
        "score-files": files,
        "ablate": ["ablate", "--recipe", "exposures", "--set", "run.score.0.options.videos=1"],
        "compare": ["compare", str(tmp_path / "one"), str(tmp_path / "two")],
    }


@pytest.mark.parametrize("verb", ["predict", "fit", "run", "score", "score-files", "ablate", "compare"])
def test_a_folder_that_cannot_be_made(words: dict[str, list[str]], verb: str) -> None:
    done = CliRunner().invoke(main, [*words[verb], "--out", "/proc/x"])
    assert (done.exit_code, done.output.strip()) == (2, NOWHERE)
