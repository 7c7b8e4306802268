"""Baselines: their scores, and their numbers on the benchmarks' real annotations."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lavida_bench.baselines import _base as baseline
from lavida_bench.metrics import _base as metric
from lavida_bench.protocols import protocol as protocols
from lavida_bench.testing import check_baseline
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, UserError

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
real = pytest.mark.skipif(not DATA.is_dir(), reason=f"no benchmark annotations in {DATA}")


def unread(start: int, stop: int, step: int) -> NDArray[np.uint8]:
    raise AssertionError("this baseline reads no frames")


def blank(key: str, frames: int, labels: NDArray[np.bool_] | None = None) -> TestVideo:
    return TestVideo(key, frames, (2, 3), unread, 30.0, frame_labels=labels)


def counts(name: str) -> dict[str, int]:
    with (DATA / "frame_counts" / name).open(encoding="utf-8") as file:
        return {row["video"].removesuffix(".mp4"): int(row["frames"]) for row in csv.DictReader(file)}


def lines(path: str) -> list[list[str]]:
    return [line.split() for line in (DATA / path).read_text("utf-8").splitlines() if line.strip()]


def ucf_crime() -> list[TestVideo]:
    videos = []
    frames = counts("ucf_crime_test.csv")
    for name, _, *ends in lines("ucf_crime/Temporal_Anomaly_Annotation_for_Testing_Videos.txt"):
        labels = np.zeros(frames[name], bool)
        for start, end in zip(ends[::2], ends[1::2], strict=True):
            if int(start) >= 0:
                labels[int(start) : int(end) + 1] = True
        videos.append(blank(name, len(labels), labels))
    return videos


def xd_violence() -> list[TestVideo]:
    annotated = {
        name.removesuffix(".mp4"): [int(x) for x in ends] for name, *ends in lines("xd_violence/annotations.txt")
    }
    videos = []
    for name, frames in counts("xd_violence_test.csv").items():
        labels = np.zeros((frames - 1) // 16 * 16, bool)
        ends = annotated.get(name, [])
        for start, end in zip(ends[::2], ends[1::2], strict=True):
            labels[start:end] = True
        videos.append(blank(name, len(labels), labels))
    return videos


def auc(name: str, videos: list[TestVideo]) -> float:
    made, method = metric.make("frame_auc"), baseline.make(name)
    for video in videos:
        made.update(protocols.make("official").view(video, method.score(video, baseline.rng_for(0, video.key))))
    return made.exact()["micro"]


@real
def test_ucf_crime() -> None:
    videos = ucf_crime()
    frames = sum(v.frame_count for v in videos)
    abnormal = sum(int(v.frame_labels.sum()) for v in videos if v.frame_labels is not None)
    assert (len(videos), frames) == (290, 1_111_808)
    # This annotation file has 156 events, 7.59 % of the frames. Others count 162 and 7.94 %: then the oracle has 81.7.
    assert abnormal == 84_331
    assert auc("centre_prior", videos) == pytest.approx(0.6188, abs=5e-5)
    assert auc("video_oracle", videos) == pytest.approx(0.8158, abs=5e-5)
    assert auc("random", videos) == pytest.approx(0.5, abs=0.01)


@real
def test_xd_violence() -> None:
    videos = xd_violence()
    assert sum(v.frame_count for v in videos) == 2_330_384
    assert sum(int(v.frame_labels.sum()) for v in videos if v.frame_labels is not None) == 537_805
    assert auc("video_oracle", videos) == pytest.approx(0.8493, abs=5e-5)


@real
def test_ubnormal_oracle_from_the_counts() -> None:
    # Frame labels are not at hand: 69,047 frames of abnormal videos, 49,650 of them abnormal; AUC needs no more.
    frames = counts("ubnormal_test.csv")
    of_abnormal = sum(number for name, number in frames.items() if name.startswith("abnormal"))
    assert (sum(frames.values()), of_abnormal) == (92_640, 69_047)
    labels = np.zeros(of_abnormal, bool)
    labels[:49_650] = True
    normal = sum(frames.values()) - of_abnormal
    videos = [blank("abnormal", of_abnormal, labels), blank("normal", normal, np.zeros(normal, bool))]
    assert auc("video_oracle", videos) == pytest.approx(0.774, abs=5e-4)


@pytest.mark.parametrize("name", baseline.known())
def test_contract(name: str) -> None:
    check_baseline(type(baseline.make(name)))


def test_random_depends_on_seed_and_key_only() -> None:
    method = baseline.make("random")
    one = method.score(blank("a", 50), baseline.rng_for(1, "a")).frames
    assert (one == method.score(blank("a", 50), baseline.rng_for(1, "a")).frames).all()
    assert (one != method.score(blank("b", 50), baseline.rng_for(1, "b")).frames).any()
    assert (one != method.score(blank("a", 50), baseline.rng_for(2, "a")).frames).any()
    assert one.min() >= 0
    assert one.max() < 1


@pytest.mark.parametrize("frames", [1, 2, 7, 10_000])
def test_centre_prior_is_highest_in_the_middle_and_symmetric(frames: int) -> None:
    scores = baseline.make("centre_prior").score(blank("v", frames), baseline.rng_for(0, "v")).frames
    assert scores == pytest.approx(scores[::-1], abs=1e-6)
    assert (np.diff(scores[: (frames + 1) // 2]) > 0).all()
    assert scores.max() <= 1


@pytest.mark.parametrize("name", ["centre_prior", "random"])
def test_baselines_that_read_no_pixel_give_each_pixel_the_score_of_its_frame(name: str) -> None:
    score = baseline.make(name).score(blank("v", 9), baseline.rng_for(0, "v"))
    assert score.read_pixels(2, 7).shape == (5, 1, 1)
    assert score.read_pixels(2, 7)[:, 0, 0] == pytest.approx(score.frames[2:7], abs=1e-3)


def test_video_oracle_needs_labels() -> None:
    oracle, rng = baseline.make("video_oracle"), baseline.rng_for(0, "v")
    assert oracle.score(blank("v", 3, np.array([False, True, False])), rng).frames.tolist() == [1, 1, 1]
    assert oracle.score(blank("v", 2, np.zeros(2, bool)), rng).frames.tolist() == [0, 0]
    with pytest.raises(DataError, match=r"^v: no frame labels; expected labels, which this baseline reads"):
        oracle.score(blank("v", 3), rng)


def filmed(frames: NDArray[np.uint8]) -> TestVideo:
    return TestVideo("v", len(frames), frames.shape[1:3], lambda start, stop, step: frames[start:stop:step])


@pytest.mark.parametrize("number", [1, 2, 63, 64, 65, 130])
def test_frame_difference_reads_pixels(number: int) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (number, 4, 5, 3), dtype=np.uint8)
    score = baseline.make("frame_difference").score(filmed(frames), baseline.rng_for(0, "v"))
    grey = frames.astype(np.float64).mean(axis=3)
    changes = [np.abs(grey[max(i, 1)] - grey[max(i, 1) - 1]) if number > 1 else 0 * grey[0] for i in range(number)]
    assert score.frames == pytest.approx(np.array([change.mean() for change in changes]), rel=1e-5)
    for start, stop in ((0, 1), (number // 2, number), (0, number)):
        assert score.read_pixels(start, stop) == pytest.approx(np.array(changes[start:stop]), rel=1e-3, abs=1e-3)


def test_baselines_are_found_by_name() -> None:
    assert set(baseline.known()) >= {"random", "centre_prior", "video_oracle", "frame_difference"}
    for name in baseline.known():
        method = baseline.make(name)
        assert (method.name, bool(method.about)) == (name, True)
    with pytest.raises(UserError, match=r"unknown baseline 'centre'"):
        baseline.make("centre")
