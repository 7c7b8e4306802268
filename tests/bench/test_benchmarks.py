"""The contract of every benchmark, on a miniature in its official layout: benchmark_miniatures/NAME.py draws it."""

from __future__ import annotations

import importlib
import json
import pickle
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

import benchmark_miniatures
import drawing
import numpy as np
import pytest
from numpy.typing import NDArray

from lavida_bench.baselines import _base as baseline
from lavida_bench.benchmarks import _base as benchmark
from lavida_bench.benchmarks._base import Benchmark, SplitSize
from lavida_bench.benchmarks._check import check, split_size
from lavida_bench.evaluation.evaluate import evaluate
from lavida_bench.metrics import _base as metric
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.rules import ScoringRules
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, LavidaGenError, UserError

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


@every_benchmark
def test_about(name: str) -> None:
    about = benchmark.find_class(name).about
    assert all([about.title, about.licence, about.get, about.layout])
    assert about.page.startswith(("https://", "http://")) or about.use == "yours"
    assert len(set(about.names)) == len(about.names)


FRAMES, REGIONS, PIXELS_40 = ("frame_auc",), ("frame_auc", "rbdc", "tbdc"), ("frame_auc", "pixel_auc_40")
EXPECTED_RULES = {
    "avenue": ScoringRules("avenue", PIXELS_40, FRAMES),
    "corpus": ScoringRules("corpus", ("frame_auc", "pixel_auc")),
    "folder": ScoringRules("folder", FRAMES),
    "shanghaitech": ScoringRules("shanghaitech", REGIONS, FRAMES, 2),
    "street": ScoringRules("street", ("frame_auc", "pixel_auc", "rbdc", "tbdc")),
    "ubnormal": ScoringRules("ubnormal", REGIONS, FRAMES, 4, paper_abnormal_only=True),
    "ucf_crime": ScoringRules("ucf_crime", FRAMES, every=128),
    "ucsd_ped1": ScoringRules("ucsd_ped1", PIXELS_40, ("pixel_auc", "frame_auc"), paper_pixel_size=(158, 238)),
    "ucsd_ped2": ScoringRules("ucsd_ped2", PIXELS_40, ("pixel_auc", "frame_auc"), paper_pixel_size=(158, 238)),
    "xd_violence": ScoringRules("xd_violence", ("frame_ap",), FRAMES, 128),
}
"""As the benchmarks' papers and LAVIDA's authors score, written down a second time, so that a slip is noticed."""


@every_benchmark
def test_rules(name: str) -> None:
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
def test_order_and_keys_are_stable(name: str, drawn: Drawn) -> None:
    one, other = (opened(drawn, name).videos() for _ in range(2))
    keys = [video.key for video in one]
    assert keys == [video.key for video in other]
    assert len(set(keys)) == len(keys)
    assert all((a.frame_labels == b.frame_labels).all() for a, b in zip(one, other, strict=True))


@every_benchmark
def test_any_frames_are_those_of_the_whole(name: str, drawn: Drawn) -> None:
    rng = np.random.default_rng(0)
    for video in opened(drawn, name).videos()[:6]:
        whole = video.read(0, video.frame_count)
        for _ in range(4):
            start = int(rng.integers(video.frame_count))
            stop, step = int(rng.integers(start, video.frame_count)) + 1, int(rng.integers(1, 5))
            assert (video.read(start, stop, step) == whole[start:stop:step]).all()


@every_benchmark
def test_a_video_survives_pickling(name: str, drawn: Drawn) -> None:
    video = opened(drawn, name).videos()[0]
    end = min(2, video.frame_count)
    first = video.read(0, end)  # open, as in the middle of scoring
    copy: TestVideo = pickle.loads(pickle.dumps(video))
    assert (copy.read(0, end) == first).all()
    assert (video.read(0, end) == first).all()
    if video.has_pixels:
        one, other = video.read_masks(0, end), copy.read_masks(0, end)
        assert one is not None
        assert other is not None
        assert (one == other).all()


@every_benchmark
def test_masks_and_tracks_lie_in_abnormal_frames(name: str, drawn: Drawn) -> None:
    seen = 0
    for video in opened(drawn, name).videos():
        assert video.frame_labels is not None
        masks = video.read_masks(0, video.frame_count)
        if masks is not None:
            seen += int(masks.sum())
            assert (masks.any(axis=(1, 2)) == video.frame_labels).all()
        for track in video.tracks or ():
            assert video.frame_labels[track.frames].all()
    assert seen > 0 or name in ("ucf_crime", "xd_violence", "ucsd_ped1")  # those without masks


@every_benchmark
def test_check_counts_and_decodes(name: str, drawn: Drawn) -> None:
    advanced: list[int] = []
    opened_ = opened(drawn, name)
    report = check(opened_, advance=advanced.append)
    assert report.found == split_size(opened_.videos())
    assert sum(advanced) == report.found.frames
    assert report.official == (name in ("folder", "street", "corpus"))  # the others are far too small
    assert json.loads(json.dumps(report.plain()))["official"] == report.official
    if not report.official:
        assert any("videos are missing" in defect.what and defect.fatal for defect in report.defects)
    assert check(opened(drawn, name), decode=False).found == report.found


@every_benchmark
def test_a_baseline_is_scored_under_the_official_protocol(name: str, drawn: Drawn) -> None:
    opened_, method = opened(drawn, name), baseline.make("random")
    videos = opened_.videos()
    pairs = [(video, method.score(video, baseline.rng_for(0, video.key))) for video in videos]
    result = evaluate(
        pairs, protocols.make("official", opened_.rules), ["frame_auc"], bootstrap=Bootstrap(resamples=20)
    )
    assert result.coverage.complete
    assert 0 <= result.metrics["frame_auc"].headline.value <= 1


@every_benchmark
def test_names_can_be_given(name: str, drawn: Drawn) -> None:
    assert all(video.names == ("a", "b") for video in opened(drawn, name, names=["a", "b"]).videos())
    usual = opened(drawn, name).videos()[0].names
    assert usual
    assert usual != ("a", "b")


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("street", "corpus")])
def test_a_missing_folder_says_what_to_do(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"no such folder.*lavida-bench benchmarks {name}"):
        benchmark.make(name, tmp_path / "nowhere").videos()


@pytest.mark.parametrize("name", [n for n in NAMES if n != "street"])
def test_an_empty_folder_is_no_benchmark(name: str, tmp_path: Path) -> None:
    with pytest.raises(LavidaGenError, match=str(tmp_path)):
        benchmark.make(name, tmp_path).videos()


def test_unknown_words() -> None:
    with pytest.raises(UserError, match="unknown benchmark 'ucf-crime'; did you mean 'ucf_crime'"):
        benchmark.make("ucf-crime")
    with pytest.raises(UserError, match="avenue: unknown option 'lables'; did you mean 'labels'"):
        benchmark.make("avenue", settings={"lables": "pixels"})
    with pytest.raises(UserError, match=r"option labels: .*'pixels' or 'intervals'; got 'x'"):
        benchmark.make("avenue", settings={"labels": "x"})


def test_the_default_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAVIDA_BENCH_DATA", raising=False)
    assert benchmark.make("avenue").root == Path("data/avenue")
    monkeypatch.setenv("LAVIDA_BENCH_DATA", "/big/disk")
    assert benchmark.make("avenue").root == Path("/big/disk/avenue")
