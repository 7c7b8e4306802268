"""One gate before every number: what `check` fails gives none, or one that is marked, by each route."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import drawing
import numpy as np
import pytest
from benchmark_miniatures import ucsd_ped2, xd_violence
from click.testing import CliRunner, Result

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.benchmarks import _check
from lavida_bench.benchmarks._base import SplitSize
from lavida_bench.benchmarks._gate import admit, cached_check
from lavida_bench.benchmarks.ucsd_ped2 import UcsdPed2
from lavida_bench.cli import main
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.rules import ScoringRules
from lavida_gen.common.errors import DataError

TEST = Path("UCSDped2") / "Test"
LABELS = TEST / "UCSDped2.m"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A whole Ped2 of two videos: its official counts are those of the miniature, with masks of both videos."""
    monkeypatch.setattr(UcsdPed2, "about", replace(UcsdPed2.about, expected=SplitSize(2, 22, 10)))
    folder = tmp_path / "ped2"
    ucsd_ped2.draw(folder, drawing)
    for number in range(1, 12):
        bits = drawing.mask(number) if number >= 7 else np.zeros(drawing.SIZE, np.uint8)
        drawing.image(folder / TEST / "Test002_gt" / f"{number:03d}.bmp", bits)
    scores = tmp_path / "scores"
    scores.mkdir()
    for key in ("Test001", "Test002"):
        np.save(scores / f"{key}.npy", np.arange(11.0))
    return folder


def score_files(root: Path, *more: str) -> Result:
    words = ["score-files", "-b", "ucsd_ped2", "--root", str(root), "-s", str(root.parent / "scores")]
    return CliRunner().invoke(main, [*words, "--baseline", "none", "--resamples", "0", *more])


def check(root: Path) -> Result:
    return CliRunner().invoke(main, ["check", "ucsd_ped2", "--root", str(root)])


def test_whole_files_pass(root: Path) -> None:
    assert check(root).exit_code == 0
    done = score_files(root)
    assert done.exit_code == 0, done.output
    assert "protocol official/2\n" in done.output


def inverted_labels(root: Path) -> str:
    lines = ["TestVideoFile{end+1}.gt_frame = [3:5, 9:11];", "TestVideoFile{end+1}.gt_frame = [1:6];"]
    (root / LABELS).write_text("\n".join(lines))
    return "12 abnormal frames, expected 10"


def a_thirteenth_video(root: Path) -> str:
    drawing.images(root / TEST / "Test003", [f"{n:03d}.tif" for n in range(1, 12)])
    (root / LABELS).write_text((root / LABELS).read_text() + "TestVideoFile{end+1}.gt_frame = [];\n")
    np.save(root.parent / "scores" / "Test003.npy", np.arange(11.0))
    return "3 videos, expected 2"


def missing_masks(root: Path) -> str:
    (root / TEST / "Test002_gt" / "009.bmp").unlink()
    return "no mask for 1 abnormal frames (9)"


def a_missing_folder_of_masks(root: Path) -> str:
    shutil.rmtree(root / TEST / "Test002_gt")
    return "masks for 1 of 2 videos (Test002)"


def masks_of_other_frames(root: Path) -> str:
    for number in range(1, 7):
        drawing.image(root / TEST / "Test002_gt" / f"{number:03d}.bmp", drawing.mask(number))
    return "frame labels and masks disagree on 6 of 11 frames"


DEFECTS = [inverted_labels, a_thirteenth_video, missing_masks, a_missing_folder_of_masks, masks_of_other_frames]


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_gives_no_number_or_a_marked_one(root: Path, defect: Any) -> None:
    reason = defect(root)
    assert check(root).exit_code == 1
    refused = score_files(root)
    assert refused.exit_code == 1
    assert reason in refused.output
    assert "--allow-defects (allow_defects) marks the result as +defects" in refused.output
    assert score_files(root, "--allow-partial").exit_code == 1  # nothing is missing, something is wrong
    allowed = score_files(root, "--allow-defects", "--json")
    assert allowed.exit_code == 0, allowed.output
    (entry,) = json.loads(allowed.output)["entries"]
    assert entry["result"]["protocol"] == "official/2+defects"


def a_missing_video(root: Path) -> str:
    shutil.rmtree(root / TEST / "Test002")
    return "1 of 2 videos are missing (Test002)"


def an_event_past_the_end(root: Path) -> str:
    """Without it, an abnormal video would count as normal."""
    (root / LABELS).write_text((root / LABELS).read_text().replace("[ 7 : 11 ]", "[12:15]"))
    return "an event from frame 11 of 11"


@pytest.mark.parametrize("defect", [a_missing_video, an_event_past_the_end])
@pytest.mark.parametrize("protocol", ["official", "paper"])
def test_a_lost_video_gives_no_number_or_a_partial_one(root: Path, defect: Any, protocol: str) -> None:
    reason = defect(root)
    (root.parent / "scores" / "Test002.npy").unlink()
    refused = score_files(root, "--protocol", protocol)
    assert refused.exit_code == 1
    assert reason in refused.output
    assert "--allow-partial" in refused.output
    assert "--allow-defects" not in refused.output
    done = score_files(root, "--allow-partial", "--protocol", protocol)
    assert done.exit_code == 0, done.output
    assert f"protocol {protocol}/2 (partial)\n" in done.output
    assert reason.partition(" (")[0] in done.output


def test_a_violent_video_that_ends_before_its_events_is_left_out(tmp_path: Path) -> None:
    xd_violence.draw(tmp_path, drawing)
    text = (tmp_path / "annotations.txt").read_text()
    (tmp_path / "annotations.txt").write_text(text.replace("label_G-0-0 2 9", "label_G-0-0 140 150"))
    (left_out,) = [defect for defect in benchmarks.make("xd_violence", tmp_path).log.defects if defect.fatal]
    assert "an event from frame 140 of 17" in left_out.what
    assert left_out.lost


def test_a_sample_with_too_many_abnormal_frames_asks_whether_1_is_normal(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UcsdPed2, "about", replace(UcsdPed2.about, expected=SplitSize(12, 132, 40)))
    (root / LABELS).write_text("TestVideoFile{end+1}.gt_frame = [1:9];\nTestVideoFile{end+1}.gt_frame = [1:9];")
    report = _check.check(benchmarks.make("ucsd_ped2", root))
    assert report.doubt() == (
        "82% of the frames at hand are labelled abnormal, 30% of the official test split: is 1 normal in these labels?"
    )


def test_compare_passes_the_gate(root: Path) -> None:
    runs = [str(root.parent / name) for name in ("a", "b")]
    for run in runs:
        assert score_files(root, "--out", run).exit_code == 0
    assert CliRunner().invoke(main, ["compare", *runs, "--resamples", "0"]).exit_code == 0
    missing_masks(root)
    done = CliRunner().invoke(main, ["compare", *runs, "--resamples", "0"])
    assert done.exit_code == 1
    assert "no mask for 1 abnormal frames (9)" in done.output
    for run in runs:
        assert score_files(root, "--out", run, "--allow-defects").exit_code == 0
    done = CliRunner().invoke(main, ["compare", *runs, "--resamples", "0"])
    assert done.exit_code == 0, done.output
    assert "official/2+defects" in done.output


@pytest.mark.parametrize("verb", ["score", "run"])
def test_a_model_is_not_even_loaded(root: Path, tmp_path: Path, verb: str) -> None:
    missing_masks(root)
    recipe = tmp_path / "r.yaml"
    recipe.write_text(f"name: r\nmodel: {{preset: tiny}}\nscore: [{{benchmark: ucsd_ped2, root: {root}}}]\n")
    words = {
        "score": ["score", "ucsd_ped2", "--root", str(root), "--model", "tiny", "--out", str(tmp_path / "out")],
        "run": ["run", "--recipe", str(recipe), "--out", str(tmp_path / "out")],
    }
    done = CliRunner().invoke(main, words[verb])
    assert done.exit_code == 1, done.output
    assert "no mask for 1 abnormal frames (9)" in done.output
    assert not (tmp_path / "out").exists()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Grows with each check that decodes."""
    calls: list[int] = []
    plain = _check.check

    def counted(*args: Any, **options: Any) -> Any:
        calls.append(1)
        return plain(*args, **options)

    monkeypatch.setattr(_check, "check", counted)
    return calls


def test_a_check_is_kept_until_a_file_changes(root: Path, decoded: list[int]) -> None:
    def report() -> Any:
        return cached_check(benchmarks.make("ucsd_ped2", root))

    first = report()
    assert report() == first
    assert len(decoded) == 1
    (root / TEST / "Test001" / "new").write_bytes(b"")
    assert report().found == first.found
    assert len(decoded) == 2


def test_a_damaged_report_is_made_again(root: Path, decoded: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAVIDA_GEN_CACHE", str(root.parent / "cache"))
    first = cached_check(benchmarks.make("ucsd_ped2", root))
    (path,) = (root.parent / "cache" / "benchmark-checks").iterdir()
    for damaged in (b"", b"[1]", path.read_bytes()[:-9]):
        path.write_bytes(damaged)
        assert cached_check(benchmarks.make("ucsd_ped2", root)) == first
    assert len(decoded) == 4


def test_a_folder_that_cannot_be_written_is_checked_each_time(
    root: Path, decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAVIDA_GEN_CACHE", "/proc/none")
    for _ in range(2):
        assert admit(benchmarks.make("ucsd_ped2", root)).official
    assert len(decoded) == 2


def test_many_reasons_are_shortened(root: Path) -> None:
    for number in (7, 8, 9, 10):
        (root / TEST / "Test002_gt" / f"{number:03d}.bmp").unlink()
    with pytest.raises(DataError, match=r"no mask for 4 abnormal frames \(7, 8, 9 \.\.\.\)"):
        admit(benchmarks.make("ucsd_ped2", root))


@pytest.mark.parametrize("text", ["official/2", "official/2 spacing=4", "paper/2 every=2"])
def test_marks_of_an_id(text: str) -> None:
    for partial in (False, True):
        for defects in (False, True):
            marked = protocols.result_id(text, partial, defects)
            assert protocols.plain_id(marked) == text
            assert protocols.from_id(marked, ScoringRules()).id == text
    assert protocols.result_id("official/2 spacing=4", True, True) == "official/2+defects spacing=4 (partial)"
