"""Contract tests of benchmarks, metrics, baselines and scorers, for packages of your own.

    from lavida_bench.testing import check_baseline, check_benchmark, check_metric

    def test_quay(tmp_path):
        draw_two_videos(tmp_path)               # a few short videos in the layout that the benchmark reads
        check_benchmark(Quay, tmp_path)

    def test_numbers():
        check_metric(PeakError)
        check_baseline(Brightness)

Each check raises AssertionError with a sentence that names what does not hold. The tests of this repository call the
same functions for every benchmark, metric and baseline in it.
"""

from lavida_bench.testing.baselines import check_baseline
from lavida_bench.testing.benchmarks import check_benchmark
from lavida_bench.testing.metrics import check_metric
from lavida_bench.testing.scorer_kinds import check_scorer_kind
from lavida_bench.testing.scorers import check_scorer

__all__ = ["check_baseline", "check_benchmark", "check_metric", "check_scorer", "check_scorer_kind"]
