"""MSAD: what its annotation and its list may hold, and what they may not."""

from __future__ import annotations

from pathlib import Path

import drawing
import pytest
from benchmark_miniatures import msad, msad_weak

from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.benchmarks._msad import AnnotatedEvent, read_events
from lavida_bench.commands import _describe as describe
from lavida_gen.common.errors import DataError

HEAD = msad.LINES[0]


def test_frames_count_from_1_and_the_last_is_abnormal(tmp_path: Path) -> None:
    msad.draw(tmp_path, drawing)
    opened = benchmarks.make("msad", tmp_path)
    labels = {video.key: "".join("01"[int(bit)] for bit in video.frame_labels) for video in opened.videos()}  # type: ignore[union-attr]
    assert labels == {
        "Assault_1": "0000" + 16 * "1",
        "Traffic_accident_12": 11 * "0" + 9 * "1",
        "Fire_2": "0011" + 12 * "0",
        "MSAD_normal_testing_3": 18 * "0",
    }
    assert [d.what for d in opened.log.defects] == ["annotated up to frame 30 of 20"]
    assert len(opened.log.missing) == 119, "of 120 normal videos"


def test_the_list_of_the_weak_split_is_needed_and_read(tmp_path: Path) -> None:
    msad_weak.draw(tmp_path, drawing)
    path = tmp_path / "MSAD_I3D_WS_Test.list"
    path.write_text("a\\b\\Fire_2_i3d.npy\nAssault_9_i3d.npy\noffice_1_i3d.npy")
    opened = benchmarks.make("msad_weak", tmp_path)
    assert [video.key for video in opened.videos()] == ["Fire_2"]
    assert opened.log.missing == ["Assault_9"]
    assert [d.what for d in opened.log.defects] == [
        "neither in anomaly_annotation.csv nor one of the 120 normal test videos"
    ]
    for text, message in (("", "is empty"), ("Fire_2_i3d.npy\nFire_2_i3d.npy", "Fire_2 appears again")):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            benchmarks.make("msad_weak", tmp_path).videos()
    path.unlink()
    with pytest.raises(DataError, match=r"no MSAD_I3D_WS_Test\.list"):
        benchmarks.make("msad_weak", tmp_path).videos()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,scenario\n", "no column 'total frames'"),
        ("", "no column 'name'"),
        (HEAD, "names no video"),
        (f"{HEAD}\nFire_1,x,9,2,4\nFire_1.mp4,x,9,2,4", "line 3: Fire_1 appears again"),
        (f"{HEAD}\n,x,9,2,4", "line 2: no name"),
        (f"{HEAD}\nFire_1,x,9,0,4", "line 2: frames from -1"),
        (f"{HEAD}\nFire_1,x,9,4,3", "line 2: frames from 3 up to but not including 3"),
        (f"{HEAD}\nFire_1,x,9,4", "line 2: ''"),
    ],
)  # fmt: skip
def test_annotations_that_cannot_be_read(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "anomaly_annotation.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_events(path)


def test_an_event_of_one_frame(tmp_path: Path) -> None:
    path = tmp_path / "anomaly_annotation.csv"
    path.write_text(f"{HEAD}\nFire_1,x,9,4,4\n")
    assert read_events(path) == {"Fire_1": AnnotatedEvent(9, (3, 4))}  # type: ignore[arg-type]


def test_a_description_says_what_is_not_verified() -> None:
    text = describe.benchmark("msad_weak").text
    assert "Not verified\n  The files were not at hand" in text
    assert "Not verified" not in describe.benchmark("avenue").text
    assert benchmarks.make("msad_weak").root == benchmarks.make("msad").root
