"""Annotations that could be taken for something else: read in the one way that is certain, or a fatal defect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from tests.bench import drawing
from tests.bench.benchmark_miniatures import iitb_corridor, msad, street_scene, ubnormal, ucf_crime, xd_violence

from lavida_bench.benchmarks import _avenue, _frame_labels, _ucsd
from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.benchmarks._check import check
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._tracks import folder_tracks
from lavida_bench.videos.mask_files import MaskFiles
from lavida_gen.common.errors import DataError

UCSD = "TestVideoFile = {};\n%{\nT{end+1}.gt_frame = [1:2];\n%}\n"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("T{end+1}.gt_frame = 6:12;\nT{end+1}.gt_frame = [1:3];\n", [[(5, 12)], [(0, 3)]]),
        ("T{2}.gt_frame = [1:3];\nT{1}.gt_frame = [6:12];\n", [[(5, 12)], [(0, 3)]]),
        ("T{end+1}.gt_frame = [6:8, ... two\n 9:12] % and ...\nT{end+1}.gt_frame = [];", [[(5, 8), (8, 12)], []]),
    ],
)
def test_matlab_of_ucsd(lines: str, found: list[object], tmp_path: Path) -> None:
    (tmp_path / "x.m").write_text(UCSD + lines)
    assert _ucsd.read_ranges(tmp_path / "x.m") == found


def test_matlab_that_would_move_entries_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.m").write_text("T{end+1}.gt_frame = f(3);\nT{end+1}.gt_frame = [1:3];\n")
    with pytest.raises(DataError, match=r"2 times \.gt_frame, 1 of them with frames"):
        _ucsd.read_ranges(tmp_path / "x.m")
    (tmp_path / "x.m").write_text("T{1}.gt_frame = [1:3];\nT{1}.gt_frame = [1:3];\n")
    with pytest.raises(DataError, match="entry 1 appears again"):
        _ucsd.read_ranges(tmp_path / "x.m")


@pytest.mark.parametrize("value", [255, -1, np.nan])
def test_a_value_that_is_no_label_is_named(value: float) -> None:
    with pytest.raises(DataError, match=rf"\(3,\) with a value {value}.*; expected \(F,\) of 0 and 1"):
        _frame_labels.as_labels(np.array([0, value, 1]), "x.npy")


def test_a_mask_with_nan_is_refused(tmp_path: Path) -> None:
    cells = np.empty((1, 1), object)
    cells[0, 0] = np.full((2, 2), np.nan)
    savemat(tmp_path / "1_label.mat", {"volLabel": cells})
    with pytest.raises(DataError, match="frame 0: a mask with NaN"):
        _avenue.read_masks(tmp_path / "1_label.mat", (2, 2))


def test_jpeg_masks_keep_their_size_and_are_named(tmp_path: Path) -> None:
    drawing.images(tmp_path / "videos" / "a", [f"{number}.png" for number in range(4)])
    (tmp_path / "masks" / "a").mkdir(parents=True)
    Image.fromarray(drawing.mask(2)).save(tmp_path / "masks" / "a" / "2.jpg", quality=50)
    opened = benchmarks.make("folder", tmp_path)
    (video,) = opened.videos()
    assert [int(video.read_masks(n, n + 1).sum()) for n in range(4)] == [0, 0, int((drawing.mask(2) > 0).sum()), 0]
    assert "are JPEG pictures" in opened.log.defects[0].what
    Image.fromarray(np.eye(16, dtype=np.uint8)).save(tmp_path / "ones.jpg", quality=100)
    assert MaskFiles({0: tmp_path / "ones.jpg"}, (16, 16))(0, 1).any()


LABELS = "video,start,end\n"


@pytest.mark.parametrize(
    ("text", "fatal"),
    [
        ("Video; Start; End\na;1;3\n", ""),
        (LABELS + "a,1,3,\n", ""),
        (LABELS + "a,,\na,1,3\n", "videos that are normal in one line"),
        (LABELS + "a,1,3\n", "masks of no video"),
    ],
)
def test_labels_of_a_folder(text: str, fatal: str, tmp_path: Path) -> None:
    drawing.images(tmp_path / "videos" / "a", [f"{number}.png" for number in range(4)])
    (tmp_path / "labels.csv").write_text(text)
    if "masks" in fatal:
        (tmp_path / "masks" / "b").mkdir(parents=True)
    report = check(benchmarks.make("folder", tmp_path))
    assert report.found.abnormal_frames == 2
    assert [fatal in reason for reason in report.wrong()][:1] == ([True] if fatal else [])


def test_more_columns_than_the_head_are_refused(tmp_path: Path) -> None:
    drawing.images(tmp_path / "videos" / "a", ["0.png"])
    (tmp_path / "labels.csv").write_text(LABELS + "a,0,1,5,9\n")
    with pytest.raises(
        DataError, match=r"labels\.csv, line 2: 5, 9 behind the last column; .*; write one event a line"
    ):
        benchmarks.make("folder", tmp_path).videos()


def rewrite(root: Path, pattern: str, change: Callable[[str], str]) -> None:
    (path,) = root.rglob(pattern)
    path.write_text(change(path.read_text(encoding="utf-8-sig")))


def below_a_folder(text: str) -> str:
    return "\n".join("some/folder/" + line.strip() for line in text.splitlines() if line.strip())


def test_names_with_folders_are_those_of_the_videos(tmp_path: Path) -> None:
    for name, module, pattern in (
        ("ucf_crime", ucf_crime, "Temporal*.txt"),
        ("xd_violence", xd_violence, "annotations.txt"),
    ):
        module.draw(tmp_path / name, drawing)
        before = check(benchmarks.make(name, tmp_path / name), decode=False).found
        rewrite(tmp_path / name, pattern, below_a_folder)
        assert check(benchmarks.make(name, tmp_path / name), decode=False).found == before


def test_a_class_that_its_events_contradict_is_fatal(tmp_path: Path) -> None:
    ucf_crime.draw(tmp_path, drawing)
    rewrite(tmp_path, "Temporal*.txt", lambda text: text.replace("Normal ", "Arson "))
    assert "class Arson and no events" in " ".join(check(benchmarks.make("ucf_crime", tmp_path)).wrong())


def test_two_spellings_of_one_name_are_refused(tmp_path: Path) -> None:
    xd_violence.draw(tmp_path, drawing)
    rewrite(tmp_path, "annotations.txt", lambda text: "a__#1_label_G-0-0 1 5\na__1_label_G-0-0 7 9\n")
    with pytest.raises(DataError, match=r"line 2: a__1_label_G-0-0 appears again"):
        benchmarks.make("xd_violence", tmp_path).videos()


def test_object_maps_from_1_are_refused(tmp_path: Path) -> None:
    ubnormal.draw(tmp_path, drawing)
    first = next(tmp_path.rglob("abnormal*_0000_gt.png"))
    videos = benchmarks.make("ubnormal", tmp_path).videos()
    count = next(video.frame_count for video in videos if first.name.startswith(video.key))
    first.rename(first.with_name(first.name.replace("_0000_", f"_{count:04d}_")))
    assert "object maps numbered from 1 to" in " ".join(
        d.what for d in benchmarks.make("ubnormal", tmp_path).log.defects
    )


def test_a_video_of_another_frame_rate_is_fatal(tmp_path: Path) -> None:
    iitb_corridor.draw(tmp_path / "iitb", drawing)
    drawing.video(next((tmp_path / "iitb").rglob("000358.avi")), 24)
    assert "24 frames, 12 of them labelled" in check(benchmarks.make("iitb_corridor", tmp_path / "iitb")).wrong()[0]
    msad.draw(tmp_path / "msad", drawing)
    rewrite(
        tmp_path / "msad",
        "anomaly_annotation.csv",
        lambda text: text.replace("road,20", "road, 40").replace("name", "Name"),
    )
    assert "Traffic_accident_12: annotated as 40 frames" in check(benchmarks.make("msad", tmp_path / "msad")).wrong()


def test_frames_of_street_scene_count_from_1(tmp_path: Path) -> None:
    street_scene.draw(tmp_path, drawing)
    rewrite(tmp_path, "Test002_gt.txt", lambda text: "00000.jpg 0 5 5 20 10\n")
    defects = benchmarks.make("street_scene", tmp_path).log.defects
    assert "00000.jpg; expected frames counted from 1" in defects[-1].what


def test_avenue_intervals_past_the_end_and_of_no_frame(tmp_path: Path) -> None:
    drawing.images(tmp_path / "testing" / "frames" / "01", [f"{number}.png" for number in range(20)])
    cells = np.empty((1, 1), object)
    for last, found in ((120, 15), (12.5, None)):
        cells[0, 0] = np.array([[6], [last]])
        savemat(tmp_path / "avenue.mat", {"gt": cells})
        opened = benchmarks.make("avenue", tmp_path, {"labels": "intervals"})
        if found is None:
            with pytest.raises(DataError, match=r"video 1: frame 12\.5; expected whole numbers from 1"):
                opened.videos()
        else:
            assert [video.frame_labels.sum() for video in opened.videos()] == [found]
            assert "labelled up to frame 120 of 20" in [defect.what for defect in opened.log.defects]


def test_tracks_must_fit_the_labels_and_exist(tmp_path: Path) -> None:
    labels = np.arange(20) >= 10
    for frames, noted in (
        (range(10, 20), []),
        (range(9, 20), ["1 of 11 regions are in frames that are labelled normal"]),
    ):
        (tmp_path / "a.txt").write_text("".join(f"0,{frame},1,1,5,5\n" for frame in frames))
        log = DefectLog()
        folder_tracks(tmp_path, "a", labels, log)
        assert [defect.what for defect in log.defects] == noted
    drawing.images(tmp_path / "testing" / "frames" / "01", ["0.png"])
    with pytest.raises(DataError, match="nowhere: no such file or folder; expected what option tracks names"):
        benchmarks.make("avenue", tmp_path, {"tracks": tmp_path / "nowhere"}).videos()


def test_a_gap_in_the_frames_of_a_folder_is_a_note(tmp_path: Path) -> None:
    drawing.images(tmp_path / "a", ["1.png", "2.png", "4.png"])
    drawing.images(tmp_path / "b", ["0.png", "5.png", "10.png"])
    opened = benchmarks.make("folder", tmp_path)
    assert [video.frame_count for video in opened.videos()] == [3, 3]
    assert [Path(defect.where).name for defect in opened.log.defects if "gaps" in defect.what] == ["a"]
