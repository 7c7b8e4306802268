"""Scores of all videos in one file, and boxes alone: read, shown, measured; the same numbers as a file per video."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy.io import savemat

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.cli import main
from lavida_bench.results.score_files import ScoreFiles
from lavida_gen.common.errors import DataError

COUNTS = {"gate": 12, "quiet": 8, "yard": 10}  # in the benchmark's order
SCORES = {key: np.random.default_rng(place).normal(size=count) for place, (key, count) in enumerate(COUNTS.items())}
PLAIN = {key: scores.tolist() for key, scores in SCORES.items()}


def run(root: Path, scores: Path, *more: str) -> Result:
    words = ["score-files", "-b", "folder", "--root", str(root), "-s", str(scores), "--baseline", "none", "--json"]
    return CliRunner().invoke(main, [*words, "--resamples", "0", *more])


def frame_auc(done: Result) -> tuple[float, list[str]]:
    assert done.exit_code == 0, done.output
    (entry,) = json.loads(done.stdout)["entries"]
    metrics = entry["result"]["metrics"]
    return metrics["frame_auc"]["variants"]["micro"]["value"], entry["result"]["warnings"]


@pytest.fixture(scope="module")
def wanted(small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    folder = tmp_path_factory.mktemp("plain")
    for key, scores in SCORES.items():
        np.save(folder / f"{key}.npy", scores)
    return frame_auc(run(small_folder, folder))[0]


def long_table(path: Path, delimiter: str = ",", head: bool = True) -> None:
    rows = [delimiter.join(["video", "frame", "score"])] if head else []
    rows += [delimiter.join([k, str(n), repr(s)]) for k, scores in PLAIN.items() for n, s in enumerate(scores)]
    path.write_text("\n".join(rows))


FORMS: dict[str, Callable[[Path], Any]] = {
    "all.npz": lambda path: np.savez(path, **SCORES),
    "all.json": lambda path: path.write_text(json.dumps(PLAIN)),
    "frames.json": lambda path: path.write_text(json.dumps({k: {str(n): s for n, s in enumerate(v)} for k, v in PLAIN.items()})),
    "all.csv": long_table,
    "semicolons.csv": lambda path: long_table(path, ";"),
    "all.tsv": lambda path: long_table(path, "\t"),
    "no-head.txt": lambda path: long_table(path, " ", head=False),
    "all.mat": lambda path: savemat(path, SCORES),
    "all.npy": lambda path: np.save(path, np.concatenate([*SCORES.values()])),
    "column.npy": lambda path: np.save(path, np.concatenate([*SCORES.values()])[:, None]),
    "joined.txt": lambda path: path.write_text("\n".join(repr(s) for v in PLAIN.values() for s in v)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("alone", [False, True])
def test_one_file_for_all_videos(small_folder: Path, tmp_path: Path, wanted: float, name: str, alone: bool) -> None:
    FORMS[name](tmp_path / name)
    (tmp_path / "README.txt").write_text("how these were made")
    got, warnings = frame_auc(run(small_folder, tmp_path if alone else tmp_path / name))
    assert got == wanted
    assert any(name in warning for warning in warnings), "how the file was read stands in the result"


@pytest.mark.parametrize("form", ["dict.json", "counted.csv", "index.csv", "txt", "mat"])
def test_a_file_for_each_video(small_folder: Path, tmp_path: Path, wanted: float, form: str) -> None:
    for key, scores in PLAIN.items():
        write: dict[str, Callable[[], Any]] = {
            "dict.json": lambda s=scores, k=key: (tmp_path / f"{k}.json").write_text(json.dumps({"scores": s})),
            "counted.csv": lambda s=scores, k=key: (tmp_path / f"{k}.csv").write_text(
                "".join(f"{n},{x!r}\n" for n, x in enumerate(s, start=1))
            ),
            "index.csv": lambda s=scores, k=key: (tmp_path / f"{k}.csv").write_text(
                ",score,label\n" + "".join(f"{n},{x!r},0\n" for n, x in enumerate(s))
            ),
            "txt": lambda s=scores, k=key: (tmp_path / f"{k}.txt").write_text("\n".join(map(repr, s))),
            "mat": lambda s=scores, k=key: savemat(tmp_path / f"{k}.mat", {"pred": s}),
        }
        write[form]()
    got, warnings = frame_auc(run(small_folder, tmp_path))
    assert got == wanted
    assert ("frames are counted from 1 in all files" in warnings) == (form == "counted.csv")


def test_numbers_that_are_counted_from_1_in_one_file_alone(small_folder: Path, tmp_path: Path) -> None:
    for key, scores in PLAIN.items():
        rows = enumerate(scores, start=key == "gate")
        (tmp_path / f"{key}.csv").write_text("".join(f"{n},{x!r}\n" for n, x in rows))
    done = run(small_folder, tmp_path)
    assert done.exit_code == 1
    assert "number the frames of all files alike, from 0 or from 1" in done.output


def test_every_fourth_frame_by_its_number(small_folder: Path, tmp_path: Path) -> None:
    """As LAVAD writes: {"0": score, "4": score, ...}."""
    for key, scores in PLAIN.items():
        (tmp_path / f"{key}.json").write_text(json.dumps({str(n): scores[n] for n in range(0, len(scores), 4)}))
    videos = benchmarks.make("folder", small_folder).videos()
    files = ScoreFiles.find(tmp_path, videos)
    for video, score in files.pairs(videos):
        assert score is not None
        expected = np.repeat(SCORES[video.key][::4], 4)[: video.frame_count]
        np.testing.assert_array_equal(score.frames, expected)
    assert "one score for every 4 frames" in files.notes(videos)[0]


def test_the_first_frames_are_missing_by_their_numbers(small_folder: Path, tmp_path: Path) -> None:
    for key, scores in PLAIN.items():
        (tmp_path / f"{key}.csv").write_text("".join(f"{n},{scores[n]!r}\n" for n in range(4, len(scores))))
    _, warnings = frame_auc(run(small_folder, tmp_path))
    assert any("the first 4 frames have no score and take the first one" in warning for warning in warnings)


def test_the_pattern_is_chosen_by_the_option_and_kept_for_compare(small_folder: Path, tmp_path: Path) -> None:
    for key, scores in SCORES.items():
        np.save(tmp_path / f"{key}.npy", scores[1:])
    refused = run(small_folder, tmp_path)
    assert refused.exit_code == 1
    assert "several readings fit, choose one: --expand first:1 = " in refused.output
    values = []
    for place, how in enumerate(("first:1", "last:1")):
        out = tmp_path / f"run{place}"
        value, warnings = frame_auc(run(small_folder, tmp_path, "--expand", how, "--out", str(out), "--method", how))
        values.append(value)
        assert any("scores are expanded: " in warning for warning in warnings)
    assert values[0] != values[1]
    words = ["compare", str(tmp_path / "run0"), str(tmp_path / "run1"), "--resamples", "0", "--json"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    ((item),) = json.loads(done.stdout)
    assert item["differences"]["frame_auc"]["micro"]["value"] == pytest.approx(values[0] - values[1])


def test_min_max_scaling_per_video_is_named(small_folder: Path, tmp_path: Path) -> None:
    for key, scores in SCORES.items():
        np.save(tmp_path / f"{key}.npy", (scores - scores.min()) / np.ptp(scores))
    assert any("scaled per video (min-max)" in w for w in frame_auc(run(small_folder, tmp_path))[1])


def test_inverted_scores_get_a_hint(small_folder: Path, tmp_path: Path) -> None:
    for video in benchmarks.make("folder", small_folder).videos():
        assert video.frame_labels is not None
        np.save(tmp_path / f"{video.key}.npy", np.where(video.frame_labels, -1.0, 1.0))
    value, warnings = frame_auc(run(small_folder, tmp_path))
    assert value == 0
    assert any("do high scores mean normal here?" in w and "the negated scores have 1.0000" in w for w in warnings)


def test_boxes_alone(small_folder: Path, tmp_path: Path) -> None:
    for key in COUNTS:
        (tmp_path / f"{key}.boxes.csv").write_text("3,1,1,2,2,0.5\n")
    done = run(small_folder, tmp_path)
    assert done.exit_code == 0, done.output
    (entry,) = json.loads(done.stdout)["entries"]
    assert entry["result"]["not_scored"]["frame_auc"] == "the method gives boxes alone"
    assert entry["result"]["coverage"]["share"] == 1.0
    page = run(small_folder, tmp_path, "--out", str(tmp_path / "run"))
    assert page.exit_code == 0, page.output


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("x.pkl", lambda p: p.write_bytes(pickle.dumps(PLAIN)), r"x.pkl: is a pickle .*pickle.load\(open\('x.pkl', 'rb'\)\)"),
        ("x.pth", lambda p: p.write_bytes(b"PK"), "x.pth: is a pickle"),
        ("x.npy", lambda p: np.save(p, np.array([PLAIN], object)), r"is a pickle .*np.load\('x.npy', allow_pickle=True\).tolist"),
        ("x.xlsx", lambda p: p.write_bytes(b"PK"), r"ends in .xlsx; expected one of .npy, .npz"),
        ("x.npz", lambda p: np.savez(p, a=np.zeros(3), b=np.zeros(4)), "scores of none of the 3 videos; there are a, b; expected names as gate"),
        ("x.npy", lambda p: np.save(p, np.zeros(31)), r"31 scores for 3 videos of 30 frames; expected 30, or one score for every N"),
        ("x.npy", lambda p: np.save(p, np.zeros((5, 6))), r"float64 \(5, 6\); expected \(n,\) scores of all videos"),
        ("x.mat", lambda p: p.write_bytes(b"MATLAB 7.3 MAT-file" + bytes(500)), r"expected a MATLAB file of version 5 to 7; save it with -v7"),
        ("x.json", lambda p: p.write_text("3"), "holds a int; expected video -> list of scores"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit(
    small_folder: Path, tmp_path: Path, name: str, write: Callable[[Path], Any], message: str
) -> None:
    write(tmp_path / name)
    videos = benchmarks.make("folder", small_folder).videos()
    with pytest.raises(DataError, match=message):
        ScoreFiles.find(tmp_path / name, videos)
