"""Scores of any method from files: every format gives the same numbers, every error names its likely cause."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from lavida_bench.benchmarks import _base as benchmark
from lavida_bench.cli import main
from lavida_bench.results.score_files import ScoreFiles
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError

F = 12


def unread(start: int, stop: int, step: int) -> NDArray[np.uint8]:
    raise AssertionError("reading scores reads no frames")


def video(key: str = "gate", frames: int = F) -> TestVideo:
    return TestVideo(key, frames, (6, 8), unread, 25.0, frame_labels=np.arange(frames) < 3)


def read_one(folder: Path) -> VideoScore | None:
    ((_, found),) = ScoreFiles.find(folder, [video()]).pairs([video()])
    return found


SCORES = np.linspace(-1, 1, F).astype(np.float32).round(3)
BOXES = np.array([[1, 2, 5, 6], [0, 0, 3, 3]], np.float32)
ROWS = {"box_frames": np.array([3, 4]), "boxes": BOXES, "box_scores": np.array([0.5, 0.25], np.float32)}
WRITERS: dict[str, Callable[[Path], Any]] = {
    "npy": lambda d: np.save(d / "gate.npy", SCORES),
    "column": lambda d: np.save(d / "gate.npy", SCORES[:, None].astype(np.float64)),
    "with suffix": lambda d: np.save(d / "gate.mp4.npy", SCORES),
    "npz of one": lambda d: np.savez(d / "gate.npz", SCORES),
    "npz": lambda d: np.savez(d / "gate.npz", frames=SCORES, **ROWS),
    "lines": lambda d: (d / "gate.csv").write_text("\n".join(map(str, SCORES)) + "\n"),
    "csv": lambda d: (d / "gate.csv").write_text(
        "frame,score\n" + "".join(f"{i},{x}\n" for i, x in reversed([*enumerate(SCORES)]))
    ),
    "json": lambda d: (d / "gate.json").write_text(json.dumps(SCORES.tolist())),
    "json object": lambda d: (d / "gate.json").write_text(json.dumps({"frames": SCORES.tolist()})),
}


@pytest.mark.parametrize("form", WRITERS)
def test_every_format_gives_the_same(form: str, tmp_path: Path) -> None:
    WRITERS[form](tmp_path)
    found = read_one(tmp_path)
    assert found is not None
    assert found.frames == pytest.approx(SCORES)
    assert found.scored is None
    assert (found.detections is not None) == (form == "npz")


def test_regions_from_all_three_places(tmp_path: Path) -> None:
    inclusive = {**ROWS, "boxes": ROWS["boxes"] - [0, 0, 1, 1]}  # as the CSV has ends
    lines = "".join(f"{f},{','.join(map(str, b))},{s}\n" for f, b, s in zip(*inclusive.values(), strict=True))
    for name, write in (
        ("a", lambda d: np.savez(d / "gate.npz", frames=SCORES, **ROWS)),
        ("b", lambda d: np.save(d / "gate.npy", SCORES) or (d / "gate.boxes.csv").write_text(lines)),
        ("c", lambda d: (d / "gate.json").write_text(
            json.dumps({"frames": SCORES.tolist(), **{k: v.tolist() for k, v in ROWS.items()}}))),
    ):  # fmt: skip
        (tmp_path / name).mkdir()
        write(tmp_path / name)
        found = read_one(tmp_path / name)
        assert found is not None
        assert found.detections is not None
        assert found.detections.frames.tolist() == [3, 4]
        assert (found.detections.boxes == BOXES).all()
        assert found.detections.scores.tolist() == [0.5, 0.25]


def test_a_null_is_a_frame_without_a_score(tmp_path: Path) -> None:
    (tmp_path / "gate.json").write_text(json.dumps([None, *SCORES.tolist()[1:]]))
    found = read_one(tmp_path)
    assert found is not None
    assert found.scored is not None
    assert np.flatnonzero(~found.scored).tolist() == [0]


@pytest.mark.parametrize("form", ["npy", "npz", "NPZ"])
def test_maps_are_read_in_pieces(form: str, tmp_path: Path) -> None:
    maps = np.arange(F * 6, dtype=np.float16).reshape(F, 2, 3)
    if form == "npy":
        np.save(tmp_path / "gate.npy", SCORES)
        np.save(tmp_path / "gate.maps.npy", maps)
    else:
        np.savez(tmp_path / "gate.npz", frames=SCORES, pixels=maps)
        (tmp_path / "gate.npz").rename(tmp_path / f"gate.{form}")
    files = ScoreFiles.find(tmp_path, [video()])
    ((_, found),) = files.pairs([video()])
    assert found is not None
    assert (found.read_pixels(3, 7) == maps[3:7]).all()
    assert files.notes([video()]) == ()


def test_maps_of_the_scored_frames_alone_find_their_places(tmp_path: Path) -> None:
    scored = np.arange(F) % 3 == 0
    maps = np.ones((4, 2, 3), np.float32) * np.arange(1, 5)[:, None, None]
    np.savez(tmp_path / "gate.npz", frames=SCORES, scored=scored, pixels=maps)
    files = ScoreFiles.find(tmp_path, [video()])
    ((_, found),) = files.pairs([video()])
    assert found is not None
    assert found.read_pixels(2, 8)[:, 0, 0].tolist() == [0, 2, 0, 0, 3, 0]
    assert (files.notes([video()]), found.read_pixels(2, 8).dtype) == ((), np.float64)  # nothing is rounded


def test_names_with_folders_dots_and_hashes(tmp_path: Path) -> None:
    keys = ["a/b", "Film.2001__#00-01_label_A", "c/d", "e%f"]
    for name in ("a/b", "Film.2001__#00-01_label_A", "c%2Fd", "e%25f"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / f"{name}.npy", SCORES)
    (tmp_path / "._stray.npy").write_text("x")
    (tmp_path / "README.txt").write_text("x")
    files = ScoreFiles.find(tmp_path, [video(key) for key in keys])
    assert set(files.files) == set(keys)
    assert files.extra == ()


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (F + 1, r"gate: 13 for 12\); expected one score a frame; .* choose one: --expand drop:first = .*drop:last = "),
        (F - 1, r"gate: 11 for 12\); .* choose one: --expand first:1 = .*; --expand last:1 = "),
        (3, r"gate: 3 for 12\); .* choose one: --expand (4|segments:3) = .*; --expand 5 = "),
        (0, r"gate.npy: no score; expected one per frame$"),
        (10, r"gate: 10 for 12\); .*--expand first:2 = .*--expand last:2 = "),
        (40, r"1 of 1 videos have another number of scores than frames \(gate 40 for 12\); .*score every frame of the"),
    ],
)
def test_a_wrong_length_names_its_likely_cause(frames: int, message: str, tmp_path: Path) -> None:
    np.save(tmp_path / "gate.npy", np.zeros(frames))
    with pytest.raises(DataError, match=message):
        ScoreFiles.find(tmp_path, [video()]).check([video()], allow_partial=False)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"boxes": "x", "box_frames": 1, "box_scores": None},
            r"gate.json: box_frames is int64 \(\); expected a list of",
        ),
        (
            {"boxes": [["a"] * 4], "box_frames": [1], "box_scores": [1.0]},
            r"boxes is <U1 \(1, 4\); expected a list of num",
        ),
    ],
)
def test_regions_that_are_no_numbers(more: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "gate.json").write_text(json.dumps({"frames": SCORES.tolist(), **more}))
    with pytest.raises(DataError, match=message):
        read_one(tmp_path)


@pytest.mark.parametrize("frame", ["inf", "nan", "1e300", "1.5"])
def test_frames_of_regions_that_are_no_whole_numbers(frame: str, tmp_path: Path) -> None:
    np.save(tmp_path / "gate.npy", SCORES)
    (tmp_path / "gate.boxes.csv").write_text(f"0,1,1,2,2,0.5\n{frame},1,1,2,2,0.5\n")
    with pytest.raises(DataError, match=r"boxes\.csv: frame .*; expected whole numbers from 0"):
        read_one(tmp_path)


def test_json_of_endless_depth_and_maps_of_no_pixel(tmp_path: Path) -> None:
    (tmp_path / "gate.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"gate\.json: is not valid JSON \(.*expected a JSON list of scores"):
        read_one(tmp_path)
    (tmp_path / "gate.json").unlink()
    np.savez(tmp_path / "gate.npz", frames=SCORES, pixels=np.zeros((F, 0, 4), np.float16))
    with pytest.raises(DataError, match=r"pixel scores float16 \(12, 0, 4\); expected \(12, h, w\) numbers"):
        read_one(tmp_path)


def test_all_wrong_lengths_are_reported_at_once(tmp_path: Path) -> None:
    videos = [video(f"v{n}") for n in range(13)]
    for place, one in enumerate(videos):
        np.save(tmp_path / f"{one.key}.npy", np.zeros(F + 5 + place))
    with pytest.raises(DataError, match=r"13 of 13 videos have .* \(v0 17 for 12, v1 18 for 12, .* and 7 more\)"):
        ScoreFiles.find(tmp_path, videos).check(videos, allow_partial=False)


def test_all_broken_files_are_reported_at_once(tmp_path: Path) -> None:
    videos = [video(f"v{n}") for n in range(13)]
    for one in videos:
        (tmp_path / f"{one.key}.npy").write_text("xyz")
    with pytest.raises(DataError, match=r"v0.npy: not a NumPy file") as caught:
        ScoreFiles.find(tmp_path, videos).check(videos, allow_partial=False)
    assert len(str(caught.value).splitlines()) == 11
    assert str(caught.value).endswith("... and 3 more")


def test_missing_videos_are_listed_and_misspelt_ones_recognised(tmp_path: Path) -> None:
    videos = [video(f"Arson{n:03d}_x264") for n in range(20)]
    np.save(tmp_path / "Arson000_x264.npy", SCORES)
    np.save(tmp_path / "arson001_x265.npy", SCORES)
    files = ScoreFiles.find(tmp_path, videos)
    with pytest.raises(DataError) as caught:
        files.check(videos, allow_partial=False)
    text = str(caught.value)
    assert "scores of 1 of 20 videos; missing: Arson001_x264, Arson002_x264" in text
    assert "and 9 more" in text
    assert "'arson001_x265': did you mean 'Arson001_x264'?" in text
    assert "or use --allow-partial, which marks the result partial" in text
    files.check(videos, allow_partial=True)
    assert files.notes(videos) == ("1 files of no test video were ignored: arson001_x265",)
    assert files.missing(videos) == [one.key for one in videos[1:]]


CASES: list[tuple[str, Callable[[Path], Any], str]] = [
    ("no folder", lambda d: d.rmdir(), "no such folder; expected a folder of scores, or one file for all videos"),
    ("nothing", lambda d: None, r"scores of none of the 1 videos; no .npy, .npz, .csv, .tsv, .txt, .json, .mat is there"),
    ("other names", lambda d: np.save(d / "x.npy", SCORES), r"there are x; expected files as gate.npy"),
    ("two", lambda d: np.save(d / "gate.npy", SCORES) or (d / "gate.json").write_text("[]"), "gate.npy: gate.json has the same name; expected one of them"),
    ("spelt twice", lambda d: np.save(d / "gate.npy", SCORES) or np.save(d / "gate.mp4.npy", SCORES),
     "scores under 'gate' and under 'gate.mp4'; expected one of them"),
]  # fmt: skip
FILES: list[tuple[str, Callable[[Path], Any], str]] = [
    ("broken npy", lambda d: (d / "gate.npy").write_text("xyz"), r"gate\.npy: not a NumPy file \(it begins with b.xyz.\); expected an array that np\.save wrote, of numbers$"),
    ("empty npy", lambda d: (d / "gate.npy").touch(), r"gate\.npy: empty file; expected an array that np\.save wrote"),
    ("cut npy", lambda d: np.save(d / "gate.npy", SCORES) or os.truncate(d / "gate.npy", 20), r"gate\.npy: cannot be read \(EOF"),
    ("pickle", lambda d: np.save(d / "gate.npy", np.array([None] * F, object)), r"holds Python objects\): pickles can .*`scores = np.load\('gate.npy', allow_pickle=True\).tolist"),
    ("pickles", lambda d: np.savez(d / "gate.npz", frames=np.array([None] * F, object)), r"holds Python objects\): pickles can run code and are not read"),
    ("npz as npy", lambda d: np.savez(d / "a.npz", SCORES) or (d / "a.npz").rename(d / "gate.npy"), "is no single array"),
    ("broken npz", lambda d: (d / "gate.npz").write_text("xyz"), r"gate\.npz: not a NumPy file \(it begins with .*\); expected arrays that np\.savez wrote"),
    ("no frames", lambda d: np.savez(d / "gate.npz", a=SCORES, b=SCORES), "holds a, b; expected frames, scored, .*frames is"),
    ("two axes", lambda d: np.save(d / "gate.npy", np.zeros((3, 4))), r"float64 \(3, 4\); expected \(F,\) numbers"),
    ("words", lambda d: np.save(d / "gate.npy", np.array(["a"] * F)), r"<U1 \(12,\); expected \(F,\) numbers"),
    ("scored", lambda d: np.savez(d / "gate.npz", frames=SCORES, scored=np.ones(3, bool)),
     r"scored is bool \(3,\); expected bool \(12,\)"),
    ("boxes", lambda d: np.savez(d / "gate.npz", frames=SCORES, boxes=BOXES), "boxes without box_frames and box_scores"),
    ("maps", lambda d: np.savez(d / "gate.npz", frames=SCORES, pixels=np.zeros((5, 2, 2))),
     r"pixel scores float64 \(5, 2, 2\); expected \(12, h, w\) numbers, one map per frame"),
    ("nan", lambda d: np.save(d / "gate.npy", np.where(np.arange(F) == 5, np.nan, 0)),
     "gate, frame 5: score nan; expected a finite score"),
    ("json", lambda d: (d / "gate.json").write_text("{"), "is not valid JSON .*; expected a JSON list of scores"),
    ("number", lambda d: (d / "gate.json").write_text("3"), "holds a int; expected a list of scores, or an object of frames"),
    ("uneven", lambda d: (d / "gate.json").write_text('{"frames": [[1], [2, 3]]}'), "lists of uneven lengths"),
    ("csv words", lambda d: (d / "gate.csv").write_text("score\n1\nx\n"), "line 3: 'x'; expected a number"),
    ("csv cells", lambda d: (d / "gate.csv").write_text("0,1\n1,2,3\n"), "line 2: 3 columns; expected 2, as in the first line"),
    ("from 2", lambda d: (d / "gate.csv").write_text("".join(f"{n},0\n" for n in range(2, 14))),
     "12 frames from 2 to 13; expected 0..11; number the frames of all files alike, from 0 or from 1"),
    ("twice", lambda d: (d / "gate.csv").write_text("frame,score\n0,1\n0,1\n"), "2 frames from 0 to 0, 0 comes twice; expected each frame once"),
    ("uneven steps", lambda d: (d / "gate.csv").write_text("0,1\n1,1\n5,1\n"), "3 frames from 0 to 5, after 1 comes 5; expected each frame once"),
    ("half", lambda d: (d / "gate.csv").write_text("frame,score\n0.5,1\n1,1\n"), "frame numbers that are no whole numbers"),
    ("bytes", lambda d: (d / "gate.csv").write_bytes(b"\xff\xfe\x00"), "is not UTF-8 text .*a table of scores"),
    ("half a frame", lambda d: np.save(d / "gate.npy", SCORES) or (d / "gate.boxes.csv").write_text("0.5,1,2,3,4,1\n"),
     "frame 0.5; expected whole numbers from 0"),
    ("outside", lambda d: np.save(d / "gate.npy", SCORES) or (d / "gate.boxes.csv").write_text("12,1,2,3,4,1\n"),
     r"gate, detections: a region in frame 12; expected 0..11"),
    ("broken maps", lambda d: np.save(d / "gate.npy", SCORES) or (d / "gate.maps.npy").write_text("xyz"), "not a NumPy file"),
]  # fmt: skip


@pytest.mark.parametrize(("write", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_folders_that_do_not_fit(write: Callable[[Path], Any], message: str, tmp_path: Path) -> None:
    folder = tmp_path / "scores"
    folder.mkdir()
    write(folder)
    with pytest.raises(DataError, match=message):
        ScoreFiles.find(folder, [video()])


@pytest.mark.parametrize(("write", "message"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_files_that_do_not_fit(write: Callable[[Path], Any], message: str, tmp_path: Path) -> None:
    write(tmp_path)
    files = ScoreFiles.find(tmp_path, [video()])
    with pytest.raises(DataError, match=message):
        files.check([video()], allow_partial=False)


def test_a_map_that_is_not_finite_is_refused_with_its_place(tmp_path: Path, small_folder: Path) -> None:
    for one in benchmark.make("folder", small_folder).videos():
        np.save(tmp_path / f"{one.key}.npy", np.zeros(one.frame_count))
        np.save(tmp_path / f"{one.key}.maps.npy", np.full((one.frame_count, 2, 2), np.inf))
    done = CliRunner().invoke(main, ["score-files", "-b", "folder", "--root", str(small_folder), "-s", str(tmp_path)])
    assert done.exit_code == 1
    assert "gate, frame 0: pixel score inf at row 0, column 0; expected finite scores of float64" in done.output


def written(folder: Path, root: Path, skill: float) -> Path:
    """Scores of the small benchmark that know something of the labels."""
    folder.mkdir()
    for number, one in enumerate(benchmark.make("folder", root).videos()):
        rng = np.random.default_rng(number)
        assert one.frame_labels is not None
        np.save(folder / f"{one.key}.npy", one.frame_labels * skill + rng.random(one.frame_count))
    return folder


def run(*words: object) -> Any:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_the_command_prints_the_whole_table(tmp_path: Path, small_folder: Path) -> None:
    scores = written(tmp_path / "mine", small_folder, 2)
    done = run("score-files", "-b", "folder", "--root", small_folder, "-s", scores, "--resamples", 50, "--smooth", 1)
    assert done.exit_code == 0, done.output
    assert "scored 3 of 3 videos, 30 of 30 frames (100.00 %)" in done.output
    head = next(line for line in done.output.splitlines() if line.startswith("metric"))
    assert head.split() == [
        "metric",
        "variant",
        "mine",
        "[95",
        "%]",
        "centre_prior",
        "frame_difference",
        "random",
        "video_oracle",
    ]
    assert any(line.startswith("frame AUC") and "100.00" in line for line in done.output.splitlines())
    assert "scores smoothed, sigma 1 frames" in done.output
    assert "not scored, no video has both pixel labels and pixel maps: pixel_ap, pixel_auc, pixel_auc_40" in done.output
    assert not list(tmp_path.glob("*/results.json"))


def test_the_command_as_json_and_with_fewer_columns(tmp_path: Path, small_folder: Path) -> None:
    scores = written(tmp_path / "mine", small_folder, 2)
    words = ["score-files", "-b", "folder", "--root", small_folder, "-s", scores, "--metric", "frame_ap"]
    done = run(*words, "--baseline", "random", "--resamples", 0, "--json")
    entry = json.loads(done.output)["entries"][0]
    assert list(entry["result"]["metrics"]) == ["frame_ap"]
    assert [one["method"] for one in entry["baselines"]] == ["random"]
    assert entry["result"]["metrics"]["frame_ap"]["variants"]["micro"]["low"] is None
    alone = run(*words, "--baseline", "none", "--resamples", 20).output
    assert "frame AP" in alone
    assert "random" not in alone


def test_partial_scores_need_an_option(tmp_path: Path, small_folder: Path) -> None:
    scores = written(tmp_path / "mine", small_folder, 2)
    (scores / "quiet.npy").unlink()
    words = ["score-files", "-b", "folder", "--root", small_folder, "-s", scores, "--resamples", 0]
    done = run(*words)
    assert done.exit_code == 1
    assert "scores of 2 of 3 videos; missing: quiet" in done.output
    done = run(*words, "--allow-partial")
    assert done.exit_code == 0
    assert "protocol official/2 (partial)" in done.output
    assert "warning: scored 2 of 3 videos, 22 of 30 frames (73.33 %): numbers are not the benchmark's" in done.output
    for option, message in (("--metric", "unknown metric 'nope'"), ("--baseline", "unknown baseline 'nope'")):
        done = run(*words, option, "nope")
        assert done.exit_code == 2
        assert message in done.output
    assert "unknown protocol 'offical'; did you mean 'official'?" in run(*words, "--protocol", "offical").output


def test_labels_of_no_video_are_a_warning_in_the_terminal(small_folder: Path, tmp_path: Path) -> None:
    root, scores = Path(shutil.copytree(small_folder, tmp_path / "copy")), tmp_path / "scores"
    scores.mkdir()
    for opened in benchmark.make("folder", root).videos():
        np.save(scores / f"{opened.key}.npy", np.linspace(0, 1, opened.frame_count))
    (root / "labels.csv").write_text("video,start,end\ngatte,1,3\n")
    words = ["score-files", "-b", "folder", "--root", str(root), "-s", str(scores), "--resamples", "0"]
    output = CliRunner().invoke(main, [*words, "--baseline", "none", "--allow-partial", "--allow-defects"]).output
    assert "protocol official/2+defects (partial)" in output
    assert "warning: the scored frames are all normal or all abnormal" in output
    assert "labels.csv: no video 'gatte': did you mean 'gate'?; left out" in output
