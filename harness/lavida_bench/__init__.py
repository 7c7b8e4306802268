"""LAVIDA-BENCH: fit LAVIDA on pseudo-anomaly corpora and score any method on video anomaly benchmarks.

    from lavida_bench import compare, evaluate, fit, predict, score

    model = fit("demo", "fits/demo", settings={"data.0.corpus": "corpora/street"})
    entry = score("street", model, "runs/demo")
    entry = evaluate("ucf_crime", {"Arson009_x264": scores, ...}, root="/data/ucf_crime")
    entry.result.metrics["frame_auc"].headline.value

The other names are what a training loop or a plug-in of your own needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lavida_bench.api import compare, evaluate, fit, load_run_recipe, open_benchmark, predict, score
    from lavida_bench.baselines._base import Baseline
    from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo, BenchmarkOptions
    from lavida_bench.fitting.corpus_dataset import CorpusDataset
    from lavida_bench.metrics._base import Metric
    from lavida_bench.scoring.scorer import ClipScores, Scorer
    from lavida_bench.videos.types import Detections, TestVideo, Track, VideoScore

_MODULES = {
    "Baseline": "baselines._base",
    "Benchmark": "benchmarks._base",
    "BenchmarkInfo": "benchmarks._base",
    "BenchmarkOptions": "benchmarks._base",
    "ClipScores": "scoring.scorer",
    "CorpusDataset": "fitting.corpus_dataset",
    "Detections": "videos.types",
    "Metric": "metrics._base",
    "Scorer": "scoring.scorer",
    "TestVideo": "videos.types",
    "Track": "videos.types",
    "VideoScore": "videos.types",
    "compare": "api",
    "evaluate": "api",
    "fit": "api",
    "load_run_recipe": "api",
    "open_benchmark": "api",
    "predict": "api",
    "score": "api",
}
"""Public name -> module, imported when the name is asked for."""

__all__ = [
    "Baseline",
    "Benchmark",
    "BenchmarkInfo",
    "BenchmarkOptions",
    "ClipScores",
    "CorpusDataset",
    "Detections",
    "Metric",
    "Scorer",
    "TestVideo",
    "Track",
    "VideoScore",
    "compare",
    "evaluate",
    "fit",
    "load_run_recipe",
    "open_benchmark",
    "predict",
    "score",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module 'lavida_bench' has no attribute {name!r}")
        return getattr(import_module(f"lavida_bench.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
