"""`--exact`: one option for files, for a model, for a whole run and for the entries of a recipe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from lavida_bench.benchmarks import _base as benchmark
from lavida_bench.cli import main
from lavida_bench.config.recipe import parse
from lavida_bench.protocols import pixel_pool
from lavida_bench.protocols.disk_sort import DiskSort

OPTIONS = {"videos": 2, "frames": 8, "size": [48, 72]}
WORDS = [word for key, value in OPTIONS.items() for word in ("--set", f"{key}={value}")]


@pytest.fixture
def sorted_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of pixels that were sorted on disk."""
    numbers: list[int] = []

    class Watched(DiskSort):
        def add(self, *rows: np.ndarray) -> None:
            numbers.append(sum(map(len, rows)))
            super().add(*rows)

    monkeypatch.setattr(pixel_pool, "DiskSort", Watched)
    return numbers


def invoke(*words: str) -> None:
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code == 0, done.output


def test_scores_from_files_are_sorted_on_disk(tmp_path: Path, sorted_rows: list[int]) -> None:
    for video in benchmark.make("street", None, OPTIONS).videos():
        maps = np.random.default_rng(len(video.key)).random((8, 48, 72), np.float32)
        np.save(tmp_path / f"{video.key}.npy", maps.max(axis=(1, 2)))
        np.save(tmp_path / f"{video.key}.maps.npy", maps)
    words = ["score-files", "-b", "street", *WORDS, "-s", str(tmp_path), "--resamples", "0", "--baseline", "none"]
    words += ["--metric", "pixel_ap", "--allow-partial"]
    invoke(*words)
    assert not sorted_rows
    invoke(*words, "--exact")
    assert sum(sorted_rows) >= 2 * 8 * 48 * 72


def test_a_run_and_a_score_are_sorted_on_disk(tmp_path: Path, sorted_rows: list[int]) -> None:
    entry = {"benchmark": "street", "options": OPTIONS, "allow_partial": True}
    recipe = tmp_path / "r.yaml"
    recipe.write_text(yaml.safe_dump({"name": "small", "model": {"preset": "tiny"}, "score": [entry]}))
    invoke("run", "-r", str(recipe), "-o", str(tmp_path / "run"), "--exact")
    assert sum(sorted_rows) >= 2 * 8 * 48 * 72
    assert "exact: true" in (tmp_path / "run" / "recipe.yaml").read_text("utf-8")
    sorted_rows.clear()
    words = ["score", "street", *WORDS, "--allow-partial", "--model", "tiny", "-o", str(tmp_path / "score")]
    invoke(*words, "--exact")
    assert sum(sorted_rows) >= 2 * 8 * 48 * 72


def test_one_entry_of_a_recipe_may_be_exact() -> None:
    plain = {"name": "small", "model": {"preset": "tiny"}, "score": [{"benchmark": "street", "exact": True}]}
    plain["score"] += [{"benchmark": "folder"}]
    recipe = parse(plain)
    assert [entry.exact for entry in recipe.score] == [True, False]
    assert all(entry.exact for entry in recipe.with_exact_pixels().score)
