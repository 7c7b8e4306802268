"""A benchmark that somebody keeps outside the repository: one file, whose own headline metric and sampling step hold."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lavida_bench.benchmarks._base import Benchmark
from lavida_bench.evaluation.measure import MeasureSettings, measure
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.prompt_names import parse_prompt_names
from lavida_bench.reporting import run_folder
from lavida_bench.reporting.table import result_table
from lavida_bench.results import results_json
from lavida_bench.results.provenance import current_provenance
from lavida_bench.results.score_store import ScoreStore
from lavida_bench.scoring.score import ScoringSettings, score
from lavida_bench.scoring.scorer import ClipScores, PendingScores
from lavida_bench.videos.types import Pixels

MODULE = '''
"""Two lamps: 48 frames each, brightness = frame number; the second flickers."""

import numpy as np

from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo
from lavida_bench.videos.types import TestVideo


def read(start, stop, step):
    numbers = np.arange(start, stop, step, dtype=np.uint8)
    return np.broadcast_to(numbers[:, None, None, None], (len(numbers), 8, 8, 3)).copy()


class Lamps(Benchmark):
    """Two lamps."""

    about = BenchmarkInfo(
        title="Two lamps", page="", licence="CC0-1.0", use="free", get="", layout="", names=("flicker",),
        metrics=("false_alarms_per_hour", "frame_ap"), paper_metrics=("frame_pr_auc",), every=3,
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
def lamps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "lamps.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path / "own")
    cls: type[Benchmark] = importlib.import_module("lamps").Lamps
    (tmp_path / "data").mkdir()
    return cls(cls.Options(root=tmp_path / "data"))


@pytest.mark.parametrize(
    ("protocol", "headline", "frames"),
    [("official", "false_alarms_per_hour", range(48)), ("paper", "frame_pr_auc", range(0, 48, 3))],
)
def test_own_headline_metric_and_sampling_step_hold(
    protocol: str, headline: str, frames: range, lamps: Benchmark, tmp_path: Path
) -> None:
    chosen, scorer, run = protocols.make(protocol, lamps.rules), Brightness(), tmp_path / "run"
    store = ScoreStore.create(run / "scores" / "lamps", {"model": "brightness"})
    done = score(scorer, lamps.videos(), chosen, parse_prompt_names("benchmark"), store, ScoringSettings(readers=1))
    assert done.failed == {}
    assert scorer.frames == set(frames)

    pairs = ((video, store.read(video)) for video in lamps.videos())
    how = MeasureSettings(bootstrap=Bootstrap(10), baselines=("random",))
    run_folder.add(run, measure(lamps, chosen, pairs, "brightness", current_provenance({}, "by hand"), how=how))
    entry = results_json.read(run).entries[0]
    assert entry.result.benchmark == "lamps"
    assert next(iter(entry.result.metrics)) == next(iter(entry.baselines[0].metrics)) == headline
    assert result_table(entry).columns[0].metric == headline
