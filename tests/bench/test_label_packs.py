"""Label packs: the numbers of the benchmark's own files, from a small file without videos."""

from __future__ import annotations

import gzip
import importlib
import json
import re
from pathlib import Path
from typing import Any

import drawing
import numpy as np
import pytest
from benchmark_miniatures import ucf_crime
from click.testing import CliRunner, Result

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.benchmarks._label_pack import _digest, open_pack, read_pack
from lavida_bench.cli import main
from lavida_gen.common.errors import DataError, UserError

WITH_PIXELS = ("folder", "ucsd_ped2", "avenue", "shanghaitech", "ubnormal")


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def make(name: str, root: Path, pack: Path, *more: str) -> Result:
    return run("labels", "make", name, "--root", root, "--out", pack, "--allow-partial", "--allow-defects", *more)


@pytest.fixture
def packed(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path, Path]:
    """(name, root, pack) of a miniature."""
    name = request.param
    root, pack = tmp_path / "root", tmp_path / f"{name}.labels.json.gz"
    root.mkdir()
    importlib.import_module(f"benchmark_miniatures.{name}").draw(root, drawing)
    done = make(name, root, pack)
    assert done.exit_code == 0, done.output
    return name, root, pack


@pytest.mark.parametrize("packed", [*WITH_PIXELS, "ucf_crime", "xd_violence"], indirect=True)
def test_a_pack_has_the_labels_of_the_files(packed: tuple[str, Path, Path]) -> None:
    name, root, pack = packed
    opened = open_pack(pack)
    own = benchmarks.make(name, root).videos()
    assert (opened.name, opened.rules.metrics, opened.expected) == (
        name, benchmarks.make(name, root).rules.metrics, benchmarks.make(name, root).expected,
    )  # fmt: skip
    assert not opened.has_frames
    for theirs, video in zip(own, opened.videos(), strict=True):
        assert (video.key, video.frame_count, video.size) == (theirs.key, theirs.frame_count, theirs.size)
        assert (video.fps, video.names) == (theirs.fps, theirs.names)
        np.testing.assert_array_equal(video.frame_labels, theirs.frame_labels)
        masks, wanted = (one.read_masks(0, one.frame_count) for one in (video, theirs))
        assert (masks is None) == (wanted is None)
        if masks is not None and wanted is not None:
            np.testing.assert_array_equal(masks, wanted)
        assert (video.tracks is None) == (theirs.tracks is None)
        for track, other in zip(video.tracks or (), theirs.tracks or (), strict=True):
            assert (track.name, track.masks) == (other.name, other.masks)
            np.testing.assert_array_equal(track.boxes, other.boxes)
    with pytest.raises(DataError, match="has labels and no frames; expected frames"):
        opened.videos()[0].read(0, 1)
    assert str(root) not in gzip.decompress(pack.read_bytes()).decode(), "no folder of this machine"


@pytest.mark.parametrize("packed", ["folder", "ucsd_ped2"], indirect=True)
def test_a_method_scores_the_same_with_a_pack(packed: tuple[str, Path, Path], tmp_path: Path) -> None:
    name, root, pack = packed
    scores = tmp_path / "scores"
    scores.mkdir()
    rng = np.random.default_rng(0)
    for video in benchmarks.make(name, root).videos():
        np.save(scores / f"{video.key}.npy", rng.normal(size=video.frame_count))
        np.save(scores / f"{video.key}.maps.npy", rng.normal(size=(video.frame_count, 4, 5)))
    more = ["--scores", scores, "--resamples", 0, "--allow-partial", "--allow-defects", "--json"]
    results = []
    for where in (["--benchmark", name, "--root", root], ["--labels", pack], ["-b", name, "--root", pack]):
        done = run("score-files", *where, *more)
        assert done.exit_code == 0, done.output
        (entry,) = json.loads(done.stdout)["entries"]
        results.append((entry["result"]["metrics"], entry["result"]["protocol"]))
        names = {baseline["method"] for baseline in entry["baselines"]}
        assert ("frame_difference" in names) == ("--labels" not in where and pack not in where)
    assert results[0] == results[1] == results[2]


def test_a_run_with_a_pack_is_reported_and_compared(tmp_path: Path, small_folder: Path) -> None:
    pack, scores = tmp_path / "f.labels.json.gz", tmp_path / "scores"
    assert make("folder", small_folder, pack).exit_code == 0
    scores.mkdir()
    for video in benchmarks.make("folder", small_folder).videos():
        np.save(scores / f"{video.key}.npy", np.arange(video.frame_count))
    for name in ("a", "b"):
        words = ["score-files", "--labels", pack, "-s", scores, "--out", tmp_path / name, "--method", name]
        done = run(*words, "--resamples", 0)
        assert done.exit_code == 0, done.output
        assert (tmp_path / name / "report.html").is_file()
    done = run("compare", tmp_path / "a", tmp_path / "b", "--resamples", 0)
    assert done.exit_code == 0, done.output


def test_the_same_files_make_the_same_pack(tmp_path: Path, small_folder: Path) -> None:
    for name in ("a", "b"):
        assert make("folder", small_folder, tmp_path / f"{name}.labels.json.gz").exit_code == 0
    assert (tmp_path / "a.labels.json.gz").read_bytes() == (tmp_path / "b.labels.json.gz").read_bytes()
    shown = run("labels", "show", tmp_path / "a.labels.json.gz").output
    assert re.search(r"^videos +3$", shown, re.M)
    assert re.search(r"^benchmark +folder$", shown, re.M)


def test_defects_pass_the_gate_and_stand_in_the_pack(tmp_path: Path) -> None:
    root, pack = tmp_path / "root", tmp_path / "u.labels.json.gz"
    ucf_crime.draw(root, drawing)
    refused = run("labels", "make", "ucf_crime", "--root", root, "--out", pack)
    assert refused.exit_code == 1
    assert "no official number: " in refused.output
    assert not pack.exists()
    assert make("ucf_crime", root, pack).exit_code == 0
    done = run("check", "ucf_crime", "--root", pack)
    assert done.exit_code == 1
    assert "videos are missing" in done.output


def test_frame_counts_stand_for_videos(tmp_path: Path) -> None:
    root = tmp_path / "root"
    ucf_crime.draw(root, drawing)
    videos = benchmarks.make("ucf_crime", root).videos()
    counts = tmp_path / "counts.csv"
    counts.write_text("video,frames\n" + "".join(f"{v.key}.mp4,{v.frame_count}\n" for v in videos))
    opened = benchmarks.make("ucf_crime", root, {"frame_counts": str(counts)})
    assert [v.frame_count for v in opened.videos()] == [v.frame_count for v in videos]
    for video, own in zip(opened.videos(), videos, strict=True):
        np.testing.assert_array_equal(video.frame_labels, own.frame_labels)
    pack = tmp_path / "u.labels.json.gz"
    assert make("ucf_crime", root, pack, "--set", f"frame_counts={counts}").exit_code == 0
    assert len(open_pack(pack).videos()) == len(videos)
    for text, message in (
        ("video,frames\na,x\n", "line 2: a,x; expected video,frames"), ("a,1\na,2\n", "line 2: a appears again"),
        ("video,frames\n", "holds no video"), ("a,0\n", "line 1: a,0"),
    ):  # fmt: skip
        counts.write_text(text)
        with pytest.raises(DataError, match=message):
            benchmarks.make("ucf_crime", root, {"frame_counts": str(counts)}).videos()


def rewritten(pack: Path, **changes: Any) -> Path:
    """The pack with other content and a digest that fits it."""
    plain = json.loads(gzip.decompress(pack.read_bytes()))
    for key, value in changes.items():
        if key in plain:
            plain[key] = value
        else:
            plain["videos"][0][key] = value
    plain["sha256"] = _digest(plain)
    pack.write_bytes(gzip.compress(json.dumps(plain).encode()))
    return pack


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "format 2; expected a label pack of format 1"),
        ({"videos": []}, "videos: expected at least 1 item"),
        ({"size": [10**6, 10**6]}, "pixels"),
        ({"frames": 10**12}, "videos.0.frames: expected at most"),
        ({"abnormal": [[5, 99]]}, "gate, abnormal: frames 5 to 99; expected within 0..12"),
        ({"measured": [[5, 99]]}, "gate, measured: frames 5 to 99; expected within 0..12"),
        ({"masks": {"3": "zz"}}, "gate, frame 3"),
        ({"fps": -1.0}, "frames a second"),
        ({"benchmark": "none"}, "unknown benchmark 'none'"),
    ],
)
def test_packs_of_strangers(tmp_path: Path, small_folder: Path, changes: dict[str, Any], message: str) -> None:
    pack = tmp_path / "f.labels.json.gz"
    assert make("folder", small_folder, pack).exit_code == 0
    with pytest.raises((DataError, UserError), match=message):
        open_pack(rewritten(pack, **changes)).videos()


def test_a_damaged_pack(tmp_path: Path, small_folder: Path) -> None:
    pack = tmp_path / "f.labels.json.gz"
    assert make("folder", small_folder, pack).exit_code == 0
    whole = pack.read_bytes()
    text = gzip.decompress(whole)
    for data, message in (
        (b"", "cut short"), (whole[:40], "cut short"), (b"text", "cannot be read"),
        (gzip.compress(text.replace(b"gate", b"gote")), "its SHA-256 does not fit its content"),
        (gzip.compress(b"[" * 10**6), "is not valid JSON"),
    ):  # fmt: skip
        pack.write_bytes(data)
        with pytest.raises(DataError, match=message):
            read_pack(pack)


def test_what_does_not_go_together(tmp_path: Path, small_folder: Path) -> None:
    pack = tmp_path / "f.labels.json.gz"
    assert make("folder", small_folder, pack).exit_code == 0
    words = ["score-files", "--labels", pack, "-s", small_folder]
    assert "--labels and --root: both are given" in run(*words, "--root", small_folder).output
    assert "labels of folder; expected labels of avenue" in run(*words, "-b", "avenue").output
    assert "option fps: 3; expected None, as the pack was made" in run(*words, "--set", "fps=3").output
    assert "no --benchmark; expected its name, or --labels PACK" in run("score-files", "-s", small_folder).output
    assert (
        "another suffix; expected a file NAME.labels.json.gz" in make("folder", small_folder, tmp_path / "x.gz").output
    )
