"""What a number was made of stands beside it: changed scores or labels are refused, other prompts are named."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.cli import main
from lavida_bench.results import results_json
from lavida_bench.results.fingerprints import PROMPT, ScoreFingerprint
from lavida_bench.results.results_json import RunResults
from lavida_bench.videos.types import Detections, VideoScore


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def runs(small_folder: Path, tmp_path: Path) -> Path:
    """A folder with a copy of the benchmark, scores/a and scores/b, and the runs a and b."""
    root = Path(shutil.copytree(small_folder, tmp_path / "data"))
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "scores" / name).mkdir(parents=True)
        for video in benchmarks.make("folder", root).videos():
            np.save(tmp_path / "scores" / name / f"{video.key}.npy", rng.normal(size=video.frame_count))
        words = ["score-files", "-b", "folder", "--root", root, "-s", tmp_path / "scores" / name]
        done = run(*words, "--out", tmp_path / name, "--resamples", 0, "--baseline", "none")
        assert done.exit_code == 0, done.output
    return tmp_path


def compare(folder: Path) -> Result:
    return run("compare", folder / "a", folder / "b", "--resamples", 0)


def test_unchanged_runs_are_compared(runs: Path) -> None:
    done = compare(runs)
    assert done.exit_code == 0, done.output
    assert "prompts differ" not in done.output


def test_changed_scores_are_refused(runs: Path) -> None:
    path = runs / "scores" / "b" / "gate.npy"
    np.save(path, np.load(path) + 1e-9)
    done = compare(runs)
    assert done.exit_code == 1
    assert "b: the scores of b on folder have changed since they were measured; measure it again" in done.output


def test_changed_labels_are_refused(runs: Path) -> None:
    labels = runs / "data" / "labels.csv"
    labels.write_text(labels.read_text().replace("gate,7,9", "gate,7,10"))
    done = compare(runs)
    assert done.exit_code == 1
    assert "a: the labels of a on folder have changed since they were measured" in done.output


def rewrite(run_folder: Path, **changes: object) -> None:
    (entry,) = results_json.read(run_folder).entries
    results_json.write(run_folder, RunResults((replace(entry, **changes),)))


def test_other_prompts_are_named(runs: Path) -> None:
    for name, prompt in (("a", ("dog", "cart")), ("b", ("dog",))):
        (entry,) = results_json.read(runs / name).entries
        rewrite(runs / name, names=prompt, fingerprints={**entry.fingerprints, PROMPT: "-".join(prompt)})
    done = compare(runs)
    assert done.exit_code == 0, done.output
    assert "warning: the prompts differ: dog, cart against dog" in done.output


def test_results_of_older_versions_have_none_and_are_compared(runs: Path) -> None:
    rewrite(runs / "a", fingerprints={})
    assert compare(runs).exit_code == 0


def test_regions_are_part_of_the_fingerprint() -> None:
    def digest(score: VideoScore) -> str:
        found = ScoreFingerprint()
        found.update(score)
        return found.value()

    frames, box = np.zeros(3), np.array([[0.0, 0, 2, 2]])
    plain = VideoScore("a", frames)
    with_box = replace(plain, detections=Detections(np.array([1]), box, np.array([0.5])))
    moved = replace(plain, detections=Detections(np.array([1]), box + 1, np.array([0.5])))
    partly = replace(plain, scored=np.array([True, False, True]))
    assert len({digest(score) for score in (plain, with_box, moved, partly, replace(plain, key="b"))}) == 5
