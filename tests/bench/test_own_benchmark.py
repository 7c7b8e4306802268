"""A benchmark that somebody keeps outside the repository: one file, whose own headline metric and sampling step hold."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from lavida_bench.cli import main
from lavida_bench.config.recipe import ScoreEntry
from lavida_bench.reporting.table import result_table
from lavida_bench.results import results_json
from lavida_bench.runs.score_stage import run_entry
from lavida_bench.scoring.score import ScoringSettings
from lavida_bench.scoring.scorer import ClipScores, PendingScores
from lavida_bench.videos.types import Pixels
from lavida_gen.recipe_files.plugin_names import permission

MODULE = '''
"""Two lamps: 48 frames each, brightness = frame number; the second flickers."""

import numpy as np

from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo
from lavida_bench.metrics._base import Metric
from lavida_bench.videos.types import TestVideo


class HighestScore(Metric):
    """The highest score of each video; their mean."""

    name = "lamps:HighestScore"
    about = "mean of the videos' highest scores"
    needs = "frames"
    variants = ("mean",)

    def _add_video(self, item):
        self.per_video[item.key] = float(item.values.max())
        return True

    def value(self, weights=None):
        highest = np.array([self.per_video[key] for key in self.keys])
        weights = np.ones((1, len(highest))) if weights is None else weights
        return {"mean": weights @ highest / weights.sum(axis=1)}


def read(start, stop, step):
    numbers = np.arange(start, stop, step, dtype=np.uint8)
    return np.broadcast_to(numbers[:, None, None, None], (len(numbers), 8, 8, 3)).copy()


class Lamps(Benchmark):
    """Two lamps."""

    about = BenchmarkInfo(
        title="Two lamps", page="", licence="CC0-1.0", use="free", get="", layout="", names=("flicker",),
        metrics=("lamps:HighestScore", "frame_ap"), paper_metrics=("frame_pr_auc",), every=3,
    )

    def load(self, log):
        labels = np.arange(48) >= 24
        return [
            TestVideo("steady", 48, (8, 8), read, 10.0, self.anomaly_names, np.zeros(48, bool)),
            TestVideo("flickering", 48, (8, 8), read, 10.0, self.anomaly_names, labels),
        ]
'''


class Brightness:
    """Scores a frame by its brightness, which is its number, and notes the numbers."""

    name = "brightness"

    def __init__(self) -> None:
        self.identity = {"brightness": 1}
        self.frames: set[int] = set()

    def prepare(self, clips: Sequence[Pixels], names: tuple[str, ...]) -> Any:
        return np.concatenate(clips)[:, 0, 0, 0]

    def score(self, prepared: Any) -> PendingScores:
        self.frames |= set(prepared.tolist())
        return lambda: ClipScores(prepared.astype(np.float32))


@pytest.fixture
def lamps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folder of the data; the module `lamps` can be imported."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "lamps.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path / "own")
    (tmp_path / "data").mkdir()
    yield tmp_path / "data"
    sys.modules.pop("lamps", None)


@pytest.mark.parametrize(
    ("protocol", "headline", "frames"),
    [("official", "lamps:HighestScore", range(48)), ("paper", "frame_pr_auc", range(0, 48, 3))],
)
def test_own_headline_metric_and_sampling_step_hold(
    protocol: str, headline: str, frames: range, lamps: Path, tmp_path: Path
) -> None:
    words = {"benchmark": "lamps:Lamps", "root": str(lamps), "protocol": protocol}
    entry, scorer = ScoreEntry.model_validate(words, context=permission(allow_code=True)), Brightness()
    run_entry(
        scorer, entry, tmp_path / "run", ScoringSettings(readers=1), False, lambda *_: nullcontext(lambda n: None)
    )
    assert scorer.frames == set(frames)
    found = results_json.read(tmp_path / "run").entries[0]
    assert found.result.benchmark == "lamps:Lamps"
    assert next(iter(found.result.metrics)) == next(iter(found.baselines[0].metrics)) == headline
    assert result_table(found).columns[0].metric == headline


def test_own_benchmark_scores_files(lamps: Path, tmp_path: Path) -> None:
    for key in ("steady", "flickering"):
        np.save(tmp_path / f"{key}.npy", np.arange(48, dtype=np.float32))
    words = ["score-files", "-b", "lamps:Lamps", "--root", str(lamps), "-s", str(tmp_path), "--json"]
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 2
    assert "--allow-code" in refused.output
    done = CliRunner().invoke(main, [*words, "--allow-code", "--resamples", "10"])
    assert done.exit_code == 0, done.output
    metrics = json.loads(done.output)["entries"][0]["result"]["metrics"]
    assert next(iter(metrics)) == "lamps:HighestScore"
    assert metrics["lamps:HighestScore"]["variants"]["mean"]["value"] == 47
