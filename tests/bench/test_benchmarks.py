"""The contract of every benchmark, on a miniature in its official layout: benchmark_miniatures/NAME.py draws it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import benchmark_miniatures
import drawing
import numpy as np
import pytest
from numpy.typing import NDArray

from lavida_bench.benchmarks import _base as benchmark
from lavida_bench.benchmarks._base import Benchmark, SplitSize
from lavida_bench.benchmarks._check import check, split_size
from lavida_bench.metrics import _base as metric
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.rules import ScoringRules
from lavida_bench.testing.benchmarks import BENCHMARK_CHECKS, OpenBenchmark
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, LavidaGenError, UserError
from lavida_gen.testing.expect import check_options

NAMES = benchmark.known()
every_benchmark = pytest.mark.parametrize("name", NAMES)


def unread(start: int, stop: int, step: int) -> NDArray[np.uint8]:
    raise AssertionError("no protocol reads frames")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, ModuleType]]:
    """Name -> (folder, miniature); each is drawn once."""
    found = {}
    for name in NAMES:
        miniature = importlib.import_module(f"benchmark_miniatures.{name}")
        root = tmp_path_factory.mktemp("benchmarks") / name
        if name != "street":
            root.mkdir()
        miniature.draw(root, drawing)
        found[name] = (root, miniature)
    return found


def opened(drawn: dict[str, tuple[Path, ModuleType]], name: str, **settings: Any) -> Benchmark:
    root, miniature = drawn[name]
    return benchmark.make(name, root, {**getattr(miniature, "SETTINGS", {}), **settings})


Drawn = dict[str, tuple[Path, ModuleType]]


def test_every_benchmark_has_a_miniature() -> None:
    assert {module.name for module in pkgutil.iter_modules(benchmark_miniatures.__path__)} == set(NAMES)


FRAMES, REGIONS, PIXELS_40 = ("frame_auc",), ("frame_auc", "rbdc", "tbdc"), ("frame_auc", "pixel_auc_40")
EXPECTED_RULES = {
    "avenue": ScoringRules("avenue", PIXELS_40, FRAMES),
    "corpus": ScoringRules("corpus", ("frame_auc", "pixel_auc")),
    "folder": ScoringRules("folder", FRAMES),
    "hr_avenue": ScoringRules("hr_avenue", FRAMES),
    "hr_shanghaitech": ScoringRules("hr_shanghaitech", FRAMES, every=2),
    "iitb_corridor": ScoringRules("iitb_corridor", FRAMES),
    "msad": ScoringRules("msad", ("frame_auc", "frame_ap")),
    "msad_weak": ScoringRules("msad_weak", ("frame_auc", "frame_ap")),
    "nwpu_campus": ScoringRules("nwpu_campus", FRAMES),
    "shanghaitech": ScoringRules("shanghaitech", REGIONS, FRAMES, 2),
    "street": ScoringRules("street", ("frame_auc", "pixel_auc", "rbdc", "tbdc")),
    "street_scene": ScoringRules("street_scene", ("rbdc", "tbdc", "frame_auc")),
    "ubnormal": ScoringRules("ubnormal", REGIONS, FRAMES, 4, paper_abnormal_only=True),
    "ucf_crime": ScoringRules("ucf_crime", FRAMES, every=128),
    "ucsd_ped1": ScoringRules("ucsd_ped1", PIXELS_40, ("pixel_auc", "frame_auc"), paper_pixel_size=(158, 238)),
    "ucsd_ped2": ScoringRules("ucsd_ped2", PIXELS_40, ("pixel_auc", "frame_auc"), paper_pixel_size=(158, 238)),
    "xd_violence": ScoringRules("xd_violence", ("frame_ap",), FRAMES, 128),
}
"""As the benchmarks' papers and LAVIDA's authors score, written down a second time, so that a slip is noticed."""

WITHOUT_MASKS = (
    "iitb_corridor",
    "msad",
    "msad_weak",
    "nwpu_campus",
    "street_scene",
    "ucf_crime",
    "ucsd_ped1",
    "xd_violence",
)


@every_benchmark
def test_scoring_rules_are_those_of_the_papers(name: str) -> None:
    rules, wanted = benchmark.make(name).rules, EXPECTED_RULES[name]
    assert rules == wanted
    official, paper = protocols.make("official", rules), protocols.make("paper", rules)
    assert official.metrics() == wanted.metrics
    assert paper.metrics() == (wanted.paper_metrics or wanted.metrics)
    assert {*official.metrics(), *paper.metrics()} <= set(metric.known())
    video = TestVideo("v", 16 * wanted.every, (2, 2), unread, frame_labels=np.ones(16 * wanted.every, bool))
    assert paper.frames_to_score(video).tolist() == list(range(0, 16 * wanted.every, wanted.every))


@every_benchmark
def test_counts(name: str, drawn: Drawn) -> None:
    opened_ = opened(drawn, name)
    wanted = drawn[name][1].TOTALS
    found = split_size(opened_.videos())
    assert found == (SplitSize(*wanted) if wanted else opened_.expected)
    assert found.videos > 0
    assert 0 < (found.abnormal_frames or 0) < (found.frames or 0)


@every_benchmark
@pytest.mark.parametrize("claim", BENCHMARK_CHECKS, ids=lambda claim: claim.__name__)
def test_contract(name: str, claim: Callable[[OpenBenchmark], None], drawn: Drawn) -> None:
    claim(lambda **options: opened(drawn, name, **options))


@every_benchmark
def test_options_are_described(name: str) -> None:
    check_options(benchmark.find_class(name).Options)


@every_benchmark
def test_benchmarks_with_masks_have_them(name: str, drawn: Drawn) -> None:
    masks = [video.read_masks(0, video.frame_count) for video in opened(drawn, name).videos()]
    seen = any(mask is not None and mask.any() for mask in masks)
    assert seen == (name not in WITHOUT_MASKS)


@every_benchmark
def test_a_miniature_is_not_the_official_test_split(name: str, drawn: Drawn) -> None:
    assert check(opened(drawn, name), decode=False).official == (name in ("folder", "street", "corpus"))


@every_benchmark
def test_usual_names_are_replaced(name: str, drawn: Drawn) -> None:
    assert opened(drawn, name).videos()[0].names != ("a", "b")


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("street", "corpus")])
def test_the_error_for_a_missing_folder_gives_a_remedy(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"no such folder.*lavida-bench benchmarks {name}"):
        benchmark.make(name, tmp_path / "nowhere").videos()


@pytest.mark.parametrize("name", [n for n in NAMES if n != "street"])
def test_an_empty_folder_is_no_benchmark(name: str, tmp_path: Path) -> None:
    with pytest.raises(LavidaGenError, match=str(tmp_path)):
        benchmark.make(name, tmp_path).videos()


def test_unknown_names_and_options_are_refused() -> None:
    with pytest.raises(UserError, match="unknown benchmark 'ucf-crime'; did you mean 'ucf_crime'"):
        benchmark.make("ucf-crime")
    with pytest.raises(UserError, match="avenue: unknown option 'lables'; did you mean 'labels'"):
        benchmark.make("avenue", settings={"lables": "pixels"})
    with pytest.raises(UserError, match=r"option labels: .*'pixels' or 'intervals'; got 'x'"):
        benchmark.make("avenue", settings={"labels": "x"})


def test_the_default_root_is_below_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAVIDA_BENCH_DATA", raising=False)
    assert benchmark.make("avenue").root == Path("data/avenue")
    monkeypatch.setenv("LAVIDA_BENCH_DATA", "/big/disk")
    assert benchmark.make("avenue").root == Path("/big/disk/avenue")
