"""RBDC and TBDC against the field's script, from its files: an oracle written from a description of what the script does.

The oracle walks the list of detections one by one, on boxes with inclusive ends, and integrates the curve by trapezoids.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.bench.test_metrics_detection import unread

from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._tracks import read_tracks
from lavida_bench.metrics import _base as metric
from lavida_bench.metrics.rbdc import RBDC
from lavida_bench.metrics.tbdc import TBDC
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.protocol import EvaluationProtocol
from lavida_bench.results.expansion import Expansion
from lavida_bench.results.video_scores import VideoScoreFiles, read_video_score
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import UserError

Numbers = list[float]
Case = dict[str, tuple[list[Numbers], list[Numbers]]]
"""Video -> rows of tracks (track, frame, left, top, right, bottom) and of detections (frame, ..., score)."""

PLAIN = Expansion("frames")


def inclusive_iou(one: Numbers, other: Numbers) -> float:
    def extent(box: Numbers) -> float:
        return (box[2] - box[0] + 1) * (box[3] - box[1] + 1)

    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]) + 1)
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]) + 1)
    either = extent(one) + extent(other) - width * height
    return width * height / either if either else 0.0


def oracle(case: Case, frames: int) -> tuple[float, float]:
    """(RBDC, TBDC): videos by name, rows in the order of their file, a stable sort by score, each row a step."""
    regions: dict[tuple[str, float, float], Numbers] = {}
    detections: list[tuple[float, str, Numbers]] = []
    for key in sorted(case):
        for row in case[key][0]:
            regions[key, row[0], row[1]] = row[2:]
        detections += [(row[5], key, row) for row in case[key][1]]
    detections.sort(key=lambda detection: -detection[0])
    length: dict[tuple[str, float], int] = {}
    for key, number, _ in regions:
        length[key, number] = length.get((key, number), 0) + 1
    found: set[tuple[str, float, float]] = set()
    false, points = 0, [(0.0, 0.0, 0.0)]
    for _, key, row in detections:
        met = [
            name for name, box in regions.items()
            if name[0] == key and name[2] == row[0] and inclusive_iou(row[1:5], box) >= 0.1
        ]  # fmt: skip
        false += not met
        found.update(met)
        shares = [sum(name[:2] == track for name in found) / size for track, size in length.items()]
        points.append((false / frames, len(found) / len(regions), sum(s >= 0.1 for s in shares) / len(length)))
    kept = [point for point in points if point[0] <= 1]
    if kept[-1][0] != 1:
        kept.append((1.0, *kept[-1][1:]))
    x, *rates = np.array(kept).T
    rbdc, tbdc = (float(np.trapezoid(rate, x)) for rate in rates)
    return rbdc, tbdc


def drawn_case(rng: np.random.Generator, ties: int) -> Case:
    """A few videos of 6 frames; `ties` different scores, 0 = all scores differ."""

    def box() -> Numbers:
        left, top, width, height = rng.integers(0, 12, 4)
        fraction = 0.25 * rng.integers(0, 4, 4) * (rng.random() < 0.3)
        extent = rng.choice([0, -1, 1], 2, p=[0.2, 0.1, 0.7])  # one pixel, none at all, or several
        right, bottom = (
            start - 1 if kind < 0 else start + size * kind
            for start, size, kind in zip((left, top), (width, height), extent, strict=True)
        )
        plain = np.array([left, top, right, bottom], float)
        return [float(side) for side in (plain if (extent < 0).any() else plain + fraction)]

    case: Case = {}
    for name in rng.permutation(["b", "a", "c10", "c9"])[: rng.integers(1, 5)]:
        tracks: list[Numbers] = []
        for number in range(rng.integers(0, 4)):
            when = rng.choice(6, rng.integers(1, 7), replace=False)
            tracks += [[float(number), float(frame), *box()] for frame in sorted(when)]
        rows = [[float(rng.integers(0, 6)), *box(), float(rng.random())] for _ in range(rng.choice([0, 1, 3, 20]))]
        if ties:
            rows = [[*row[:5], float(rng.integers(0, ties))] for row in rows]
        case[str(name)] = (tracks, rows)
    case["z"] = ([[0.0, 2.0, 1.0, 1.0, 8.0, 8.0]], [])  # at least one region; a video without detections
    return case


def measured(case: Case, folder: Path, protocol: EvaluationProtocol | None = None) -> dict[str, dict[str, float]]:
    """Both metrics, from the files."""
    made = [metric.make(name) for name in ("rbdc", "tbdc")]
    for key, (tracks, rows) in case.items():
        for name, lines in ((f"{key}.txt", tracks), (f"{key}.boxes.csv", rows)):
            (folder / name).write_text(
                "".join(",".join(str(float(cell)) for cell in line) + "\n" for line in lines), "utf-8"
            )
        np.save(folder / f"{key}.npy", np.zeros(6))
        truth = read_tracks(folder / f"{key}.txt", 6, DefectLog())
        video = TestVideo(key, 6, (40, 40), unread, frame_labels=np.ones(6, np.bool_), tracks=truth)
        score = read_video_score(
            VideoScoreFiles(folder / f"{key}.npy", boxes=folder / f"{key}.boxes.csv"), video, PLAIN
        )
        for one in made:
            one.update((protocol or protocols.make("official")).view(video, score))
    return {one.name: one.exact() for one in made}


@pytest.mark.parametrize("seed", range(15))
def test_without_ties_all_variants_equal_the_script(seed: int, tmp_path: Path) -> None:
    case = drawn_case(np.random.default_rng(seed), ties=0)
    wanted = dict(zip(("rbdc", "tbdc"), oracle(case, 6 * len(case)), strict=True))
    for name, values in measured(case, tmp_path).items():
        assert values == pytest.approx(dict.fromkeys(values, wanted[name]), abs=1e-9)


@pytest.mark.parametrize("seed", range(40, 60))
def test_with_ties_the_script_is_followed_and_bounds_hold(seed: int, tmp_path: Path) -> None:
    case = drawn_case(np.random.default_rng(seed), ties=3)
    wanted = dict(zip(("rbdc", "tbdc"), oracle(case, 6 * len(case)), strict=True))
    for name, values in measured(case, tmp_path).items():
        assert values["script_order"] == pytest.approx(wanted[name], abs=1e-9)
        for between in ("script_order", "micro"):
            assert values["ties_worst"] - 1e-12 <= values[between] <= values["ties_best"] + 1e-12


def test_bounds_are_reached_and_noted(tmp_path: Path) -> None:
    case: Case = {"v": ([[0, 0, 0, 0, 9, 9]], [[0, 0, 0, 9, 9, 0.5], [1, 30, 30, 39, 39, 0.5]])}
    values = measured(case, tmp_path)["rbdc"]
    assert values == pytest.approx({"micro": 11 / 12, "script_order": 1.0, "ties_worst": 5 / 6, "ties_best": 1.0})
    case["v"][1].reverse()
    assert measured(case, tmp_path)["rbdc"]["script_order"] == pytest.approx(5 / 6)
    made = RBDC()
    truth = read_tracks(tmp_path / "v.txt", 6, DefectLog())
    video = TestVideo("v", 6, (40, 40), unread, frame_labels=np.ones(6, np.bool_), tracks=truth)
    score = read_video_score(VideoScoreFiles(tmp_path / "v.npy", boxes=tmp_path / "v.boxes.csv"), video, PLAIN)
    made.update(protocols.make("official").view(video, score))
    assert made.notes()[1] == "detections share scores: by their order the number is between 0.833333 and 1.000000"


def test_a_box_of_one_pixel_is_valid_in_files_with_inclusive_ends(tmp_path: Path) -> None:
    case: Case = {"v": ([[0, 0, 5, 5, 5, 5], [0, 1, 20, 20, 20, 50]], [[0, 5, 5, 5, 5, 0.9], [1, 20, 20, 20, 50, 0.8]])}
    assert measured(case, tmp_path)["rbdc"]["micro"] == 1.0


def test_the_number_of_frames_is_an_option_of_the_protocol_and_in_the_result(tmp_path: Path) -> None:
    case: Case = {"v": ([[0, 0, 0, 0, 9, 9]], [[1, 30, 30, 39, 39, 0.9], [0, 0, 0, 9, 9, 0.5]])}
    protocol = protocols.make("official rbdc_frames=4")
    assert measured(case, tmp_path)["rbdc"]["micro"] == pytest.approx(5 / 6)
    assert measured(case, tmp_path, protocol)["rbdc"]["micro"] == pytest.approx(3 / 4)
    assert protocol.id == "official/2 rbdc_frames=4"
    assert protocols.from_id(protocol.id, protocol.rules).id == protocol.id
    made = TBDC()
    video = TestVideo("v", 6, (40, 40), unread, frame_labels=np.ones(6, np.bool_), tracks=())
    score = read_video_score(VideoScoreFiles(tmp_path / "v.npy", boxes=tmp_path / "v.boxes.csv"), video, PLAIN)
    made.update(protocol.view(video, score))
    assert made.counts()["frames"] == 4
    assert made.notes()[0].endswith("over 4 frames (as the protocol has it)")
    with pytest.raises(UserError, match=r"option 'frames=4'; expected spacing or rbdc_frames=NUMBER"):
        protocols.make("official frames=4")
    with pytest.raises(UserError, match=r"^protocol official: rbdc_frames 0; expected 1 or more"):
        protocols.make("official rbdc_frames=0")


def test_resamples_count_false_positives_over_the_given_frames(tmp_path: Path) -> None:
    case = drawn_case(np.random.default_rng(3), ties=0)
    made = RBDC()
    for key in case:
        measured({key: case[key]}, tmp_path)
        truth = read_tracks(tmp_path / f"{key}.txt", 6, DefectLog())
        video = TestVideo(key, 6, (40, 40), unread, frame_labels=np.ones(6, np.bool_), tracks=truth)
        score = read_video_score(
            VideoScoreFiles(tmp_path / f"{key}.npy", boxes=tmp_path / f"{key}.boxes.csv"), video, PLAIN
        )
        made.update(protocols.make("official rbdc_frames=100").view(video, score))
    once = made.value(np.ones((1, len(made.keys))))
    assert once["micro"][0] == pytest.approx(made.exact()["micro"])
