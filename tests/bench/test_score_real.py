"""Scoring with the real tiny model through the command: kills, broken videos, two processes, half precision."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import drawing
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from lavida_bench.cli import main
from lavida_bench.results import results_json
from lavida_bench.scoring import lavida_scorer
from lavida_bench.videos.video_index import read_index
from lavida_gen.common.errors import UserError

pytestmark = pytest.mark.slow

STREET = ["score", "street", "--model", "tiny", "--set", "videos=4", "--set", "frames=16", "--set", "size=[96,144]"]
ABSENT = ["--absent", "horse, ladder"]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, [*words])


def scores(folder: Path) -> dict[str, dict[str, Any]]:
    """Arrays, and maps where they are stored, by video."""
    found = {}
    for path in sorted((folder / "videos").glob("*.npz")):
        with np.load(path) as file:
            found[path.stem] = {name: file[name] for name in file.files}
        maps = path.with_name(f"{path.stem}.maps.npy")
        if maps.exists():
            found[path.stem]["pixels"] = np.load(maps)
    return found


def same(one: dict[str, dict[str, Any]], other: dict[str, dict[str, Any]]) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(one[key][name], other[key][name]) for key in one for name in one[key]
    )


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums in the order of the commands that run in processes of their own."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder."""
    folder = tmp_path_factory.mktemp("scored") / "run"
    result = run(*STREET, *ABSENT, "--out", str(folder), "--batch", "1")
    assert result.exit_code == 0, result.output
    return folder


def test_the_whole_table_comes_out(scored: Path) -> None:
    (entry,) = results_json.read(scored).entries
    assert entry.result.coverage.complete
    assert {"frame_auc", "pixel_auc", "rbdc"} <= set(entry.result.metrics)
    assert {baseline.method for baseline in entry.baselines} >= {"random", "frame_difference"}
    assert entry.names[0] == "bicycle"
    model = entry.provenance.model
    assert model["precision"] == "fp32"
    assert "{names}" in model["question"]
    assert model["absent names"] == "horse, ladder"
    check = json.loads((scored / "prompt_check-street.json").read_text("utf-8"))
    named, absent = (scores_of_frames(scored / "scores" / name) for name in ("street", "street-absent"))
    assert check["all"]["value"] == pytest.approx(float((named - absent).mean()), abs=1e-6)
    assert (scored / "report.html").is_file()
    seconds = json.loads((scored / "scores" / "street" / "score.json").read_text("utf-8"))["seconds"]
    assert {"decode", "prepare", "model", "write", "metrics", "total"} <= seconds.keys()


def scores_of_frames(folder: Path) -> Any:
    return np.concatenate([np.load(path)["frames"] for path in sorted((folder / "videos").glob("*.npz"))])


def test_a_larger_batch_and_more_readers_change_nothing_but_rounding(scored: Path, tmp_path: Path) -> None:
    result = run(*STREET, "--out", str(tmp_path), "--batch", "3", "--readers", "3")
    assert result.exit_code == 0, result.output
    one, other = scores(scored / "scores" / "street"), scores(tmp_path / "scores" / "street")
    for key in one:
        np.testing.assert_allclose(one[key]["frames"], other[key]["frames"], atol=1e-4)
        np.testing.assert_allclose(one[key]["pixels"].astype(float), other[key]["pixels"].astype(float), atol=2e-2)


def test_half_precision_scores_nearly_the_same(scored: Path, tmp_path: Path) -> None:
    result = run(*STREET, "--out", str(tmp_path), "--precision", "bf16")
    assert result.exit_code == 0, result.output
    one, other = scores_of_frames(scored / "scores" / "street"), scores_of_frames(tmp_path / "scores" / "street")
    assert 0 < abs(one - other).max() < 0.1 * max(1.0, float(abs(one).max()))


def test_another_prompt_is_refused_in_the_same_folder(scored: Path) -> None:
    result = run(*STREET, "--out", str(scored), "--names", "generic", "--label", "street")
    assert result.exit_code == 2
    assert "holds scores made otherwise (differs: names)" in result.output


def environment(cache: Path) -> dict[str, str]:
    return os.environ | {"LAVIDA_GEN_CACHE": str(cache), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}


def command(*before: str) -> list[str]:
    return [sys.executable, *before, "-m", "lavida_bench"]


def test_two_processes_give_the_scores_of_one(scored: Path, tmp_path: Path) -> None:
    environ, both = environment(tmp_path / "cache"), tmp_path / "both"
    launcher = command("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    made = subprocess.run(
        [*launcher, *STREET, "--batch", "1", "--out", str(both)],
        env=environ,
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    assert same(scores(scored / "scores" / "street"), scores(both / "scores" / "street"))
    one, other = (results_json.read(folder).entries[0].result for folder in (scored, both))
    assert one.metrics == other.metrics


@pytest.mark.long  # `make kill` ends a scoring at many moments
def test_kill_9_loses_no_finished_video_and_changes_no_bit(scored: Path, tmp_path: Path) -> None:
    environ = environment(tmp_path / "cache")
    words = [*command(), *STREET, *ABSENT, "--batch", "1", "--readers", "1", "--out", str(tmp_path / "run")]
    named, absent = (tmp_path / "run" / "scores" / name / "videos" for name in ("street", "street-absent"))
    process = subprocess.Popen(words, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not list(absent.glob("*.npz")):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = {path: path.stat().st_mtime_ns for folder in (named, absent) for path in folder.glob("*.npz")}
    assert 5 <= len(finished) < 8
    again = subprocess.run(words, env=environ, check=False, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert {path: path.stat().st_mtime_ns for path in finished} == finished, "what was finished is not scored again"
    expected = {suffix: [f"Test{n:03d}{suffix}" for n in range(1, 5)] for suffix in (".npz", ".maps.npy")}
    assert sorted(path.name for path in named.iterdir()) == sorted(expected[".npz"] + expected[".maps.npy"])
    assert sorted(path.name for path in absent.iterdir()) == expected[".npz"]
    for name in ("street", "street-absent"):
        assert same(scores(scored / "scores" / name), scores(tmp_path / "run" / "scores" / name)), name
    assert "4 of 4 videos, 64 of 64 frames (100.00 %)" in again.stdout


def test_scores_do_not_depend_on_what_was_scored_before() -> None:
    """The names of a prompt were encoded together with the other new ones: other bits in another order of videos."""
    clip = np.random.default_rng(0).integers(0, 255, (8, 96, 144, 3), np.uint8)
    prompts = [("dog", "bicycle", "a man with an umbrella"), ("dog", "horse"), ("dog",)]
    one, other = (lavida_scorer.load_scorer("tiny") for _ in range(2))

    def answers(scorer: lavida_scorer.LavidaScorer, order: list[tuple[str, ...]]) -> dict[tuple[str, ...], Any]:
        return {names: scorer.score(scorer.prepare([clip], names))() for names in order}

    before, after = answers(one, prompts), answers(other, prompts[::-1])
    for names in prompts:
        for part in ("frames", "maps", "names"):
            np.testing.assert_array_equal(getattr(before[names], part), getattr(after[names], part))


@pytest.fixture
def own_videos(tmp_path: Path) -> Path:
    """A benchmark `folder` of three videos with labels."""
    for name in ("a", "b", "c"):
        drawing.video(tmp_path / "data" / "videos" / f"{name}.mp4", 24, gop=4)
    (tmp_path / "data" / "labels.csv").write_text("video,start,end,name\na,4,9,cart\nb,2,20,cart\nc,,,\n")
    return tmp_path / "data"


def garble(path: Path, start: float, stop: float) -> None:
    """Zeroes a stretch of a file, keeping its size and time, so that its index is still believed."""
    stat = path.stat()
    data = bytearray(path.read_bytes())
    first, last = int(len(data) * start), int(len(data) * stop)
    data[first:last] = bytes(last - first)
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_video_damaged_in_the_middle_keeps_its_frames_and_is_reported(own_videos: Path, tmp_path: Path) -> None:
    garble(own_videos / "videos" / "b.mp4", 0.4, 0.6)
    result = run("score", "folder", "--root", str(own_videos), "--model", "tiny", "--out", str(tmp_path / "run"))
    assert result.exit_code == 0, result.output
    (entry,) = results_json.read(tmp_path / "run").entries
    assert entry.result.coverage.frames == 72
    (defect,) = [defect for defect in entry.data.defects if defect.where == "b"]
    assert "broken frame" in defect.what
    assert defect.action == "replaced by the frame before it"


def test_a_video_that_can_not_be_read_at_all_is_refused_or_left_out(own_videos: Path, tmp_path: Path) -> None:
    path = own_videos / "videos" / "b.mp4"
    read_index(path)
    garble(path, 0.0, 1.0)
    words = ["score", "folder", "--root", str(own_videos), "--model", "tiny", "--out", str(tmp_path / "run")]
    result = run(*words)
    assert result.exit_code == 1
    assert "no official number: b: " in result.output
    assert not (tmp_path / "run").exists()
    partial = run(*words, "--allow-partial")
    assert partial.exit_code == 0, partial.output
    videos = tmp_path / "run" / "scores" / "folder" / "videos"
    assert sorted(path.name for path in videos.iterdir()) == ["a.npz", "c.npz"]
    assert "official/2 (partial)" in partial.output
    drawing.video(path, 24, gop=4)
    whole = run(*words)
    assert whole.exit_code == 0, whole.output
    assert "3 of 3 videos" in whole.output
    assert "\nmetric " in whole.output, "a table for the terminal, as score-files prints"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "nowhere"], "model nowhere: no such folder; expected a folder, OWNER/NAME"),
        (["--model", "."], "no config.json in it; expected a folder that Lavida.save_pretrained wrote"),
        (["--model", "tiny", "--names", "nolist.txt"], "names 'nolist.txt': no such file"),
        (["--model", "tiny", "--protocol", "offical"], "unknown protocol 'offical'; did you mean 'official'"),
        (["--model", "tiny", "--absent", "a,a"], "absent: 'a' appears twice"),
    ],
)
def test_invalid_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("score", "street", "--set", "videos=2", "--set", "frames=30", *words)
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "runs").exists(), "nothing is left behind"


@pytest.mark.parametrize("inner", ["fit/model", "model"])
def test_the_folder_of_a_run_is_no_model_but_holds_one(tmp_path: Path, inner: str) -> None:
    (tmp_path / inner).mkdir(parents=True)
    (tmp_path / inner / "config.json").write_text("{}")
    with pytest.raises(UserError, match=rf"no config\.json in it; .*; did you mean {tmp_path}/{inner}\?$"):
        lavida_scorer.load_scorer(str(tmp_path))
