"""Annotation files as they are found: odd blanks, floats, ends past the video, and errors that name file and line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from lavida_bench.benchmarks import _avenue, _frame_labels, folder, ubnormal, ucf_crime, xd_violence
from lavida_bench.benchmarks import _base as benchmark
from lavida_bench.benchmarks import _object_maps as object_maps
from lavida_bench.benchmarks import _tracks as tracks
from lavida_bench.benchmarks import _ucsd as ucsd
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._intervals import Interval, checked_interval, intervals_to_labels, parse_whole_number
from lavida_bench.benchmarks._object_maps import Span
from lavida_bench.videos import mask_files
from lavida_gen.common.errors import DataError


def written(tmp_path: Path, text: str, name: str = "file.txt") -> Path:
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_intervals_may_overlap_and_are_clamped() -> None:
    marks = intervals_to_labels([Interval(5, 9), Interval(0, 2), Interval(7, 20)], 10)
    assert np.flatnonzero(marks).tolist() == [0, 1, 5, 6, 7, 8, 9]
    assert intervals_to_labels([Interval(12, 20)], 10).sum() == 0


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (5, 5), (7, 2)])
def test_invalid_intervals_are_refused(start: int, stop: int) -> None:
    with pytest.raises(DataError, match=r"line 3: frames from .*; expected 0 <= start < end; fix the annotation"):
        checked_interval(start, stop, "line 3")


def test_whole_numbers_may_be_written_as_floats() -> None:
    assert [parse_whole_number(text, "x") for text in ("12", "12.0", " 1e2", "-1")] == [12, 12, 100, -1]
    for text in ("1.5", "", "abc", "nan", "inf"):
        with pytest.raises(DataError, match="expected a whole number"):
            parse_whole_number(text, "x")


# UCSD


def test_ucsd_ranges(tmp_path: Path) -> None:
    text = """% TestVideoFile{end+1}.gt_frame = [9:9];
TestVideoFile = {};
TestVideoFile{end+1}.gt_frame = [61:180];
TestVideoFile{end+1}.gt_frame = [5:90, 140:200];   % two
TestVideoFile{end+1}.gt_frame=[ 1 : 15  45:113;7 ];
TestVideoFile{end+1}.gt_frame = [];
"""
    found = ucsd.read_ranges(written(tmp_path, text))
    assert found == [[(60, 180)], [(4, 90), (139, 200)], [(0, 15), (44, 113), (6, 7)], []]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "names no video; expected TestVideoFile"),
        ("T{end+1}.gt_frame = [a:b];", r"entry 1: range 'a:b'; expected first:last, frames counted from 1"),
        ("T{end+1}.gt_frame = [9:3];", "entry 1: frames from 8 up to but not including 3"),
        ("T{end+1}.gt_frame = [0:3];", "entry 1: frames from -1"),
    ],
)
def test_invalid_ucsd_ranges_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        ucsd.read_ranges(written(tmp_path, text))


def test_ucsd_needs_the_m_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read .*; it comes with the frames, in Test/"):
        ucsd.read_ranges(tmp_path / "UCSDped2.m")


# UCF-Crime


def test_ucf_crime_lines(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "A1_x264.mp4  Arson  150  420  680  1267  \n\nA2_x264\tAbuse 5 9 -1 -1\r\nN_x264.mp4  Normal  -1  -1  -1  -1",
    )
    one, two, normal = ucf_crime.read_annotations(path)
    assert one == ("A1_x264", "Arson", ((150, 421), (680, 1268)), None)
    assert two == ("A2_x264", "Abuse", ((5, 10),), None)
    assert normal.intervals == ()
    exclusive = ucf_crime.read_annotations(path, inclusive=False)
    assert exclusive[0].intervals == ((150, 420), (680, 1267))
    upper = written(tmp_path, "A1_x264.MP4 Arson 1 2 -1 -1")
    assert ucf_crime.read_annotations(upper)[0].key == "A1_x264"


def test_ucf_crime_ends_are_clamped_and_returned() -> None:
    entry = ucf_crime.VideoAnnotation("a", "Arson", (Interval(3, 12),))
    labels, stop = ucf_crime.clamped_labels(entry, 10)
    assert (labels.sum(), stop) == (7, 12)
    assert ucf_crime.clamped_labels(entry, 12)[1] == 12
    with pytest.raises(
        DataError, match="an event from frame 3 of 3; expected events within the video; the video is cut"
    ):
        ucf_crime.clamped_labels(entry, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected NAME CLASS START END START END"),
        ("a Arson 1 2 3", "line 1: 5 words; expected NAME CLASS START END START END, -1 where there is no event"),
        ("a Arson 1 2 -1 -1\na.mp4 Arson 1 2 -1 -1", "line 2: a appears again; expected one line a video"),
        ("a Arson 1 x -1 -1", "line 1: 'x'; expected a whole number"),
        ("a Arson 9 2 -1 -1", "line 1: frames from 9"),
        ("a Arson -1 2 -1 -1", "line 1: frames from -1"),
    ],
)
def test_invalid_ucf_crime_lines_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        ucf_crime.read_annotations(written(tmp_path, text))


# XD-Violence


def test_xd_violence_names_and_codes() -> None:
    assert xd_violence.class_codes("Film.2001__#00-01_label_B2-G-0.mp4") == ("B2", "G")
    assert xd_violence.class_codes("v=a__#1_label_A") == ("A",)
    assert xd_violence.class_codes("v=a") == ()
    assert xd_violence.normalised_name("v=a__#1_label_G-0-0.mp4") == xd_violence.normalised_name("v=a__1_label_G-0-0")


@pytest.mark.parametrize(("frames", "kept"), [(1, 0), (16, 0), (17, 16), (32, 16), (33, 32), (5761, 5760)])
def test_xd_violence_is_cut_to_a_multiple_of_16(frames: int, kept: int) -> None:
    assert xd_violence.official_length(frames) == kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("x_label_G-0-0 3", r"line 1: 1 numbers; expected NAME START END, and more pairs"),
        ("x_label_G-0-0", "line 1: 0 numbers"),
        ("x_label_G-0-0 1 2\nx_label_G-0-0.mp4 3 4", "line 2: x_label_G-0-0 appears again"),
        ("x_label_A 3 4", r"line 1: name 'x_label_A'; expected a name that ends in _label_ and codes of violence"),
        ("x_label_B3-0-0 3 4", "line 1: name"),
        ("x 3 4", "line 1: name"),
        ("x_label_G-0-0 9 4", "line 1: frames from 9"),
    ],
)
def test_invalid_xd_violence_lines_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        xd_violence.read_annotations(written(tmp_path, text))


# UBnormal


def test_ubnormal_tracks(tmp_path: Path) -> None:
    assert ubnormal.read_spans(written(tmp_path, "3.0,5.0,9.0")) == [Span(3, 5, 10)]
    assert ubnormal.read_spans(written(tmp_path, "3,5,9\n 2.0, 0.0, 0.0\n\n")) == [Span(3, 5, 10), Span(2, 0, 1)]
    assert ubnormal.read_names(written(tmp_path, "a\n\nb ")) == ["a", "b"]
    assert ubnormal.scene_of("abnormal_scene_12_scenario_4_fog") == "12"
    assert ubnormal.scene_of("normal_scene_1_scenario2_2") == "1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected at least one track"),
        ("1,2", "line 1: 2 numbers; expected object,start,end"),
        ("1,2.5,3", "line 1: '2.5'; expected a whole number"),
        ("1,4,2", "line 1: frames from 4 up to but not including 3"),
    ],
)
def test_invalid_ubnormal_tracks_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        ubnormal.read_spans(written(tmp_path, text))
    with pytest.raises(DataError, match="no such file; expected the tracks of an abnormal video; unpack"):
        ubnormal.read_spans(tmp_path / "none.txt")
    with pytest.raises(DataError, match="name 'abnormal'; expected abnormal_scene_NUMBER"):
        ubnormal.scene_of("abnormal")


def test_object_maps_give_boxes_of_the_largest_part(tmp_path: Path) -> None:
    from PIL import Image

    maps = {}
    for frame in range(4):
        values = np.zeros((20, 30), np.uint8)
        values[2:5, 3:9] = 4  # the large part
        values[15:17, 25:27] = 4  # cut off by something before it
        values[10:12, 10:12] = 9 if frame != 2 else 0
        Image.fromarray(values).save(tmp_path / f"{frame}.png")
        maps[frame] = tmp_path / f"{frame}.png"
    spans = [Span(9, 1, 4), Span(4, 0, 2), Span(7, 0, 4)]
    for _ in range(2):  # made, then from the cache
        one, other = object_maps.tracks(maps, spans, (20, 30))
        assert (one.name, one.frames.tolist()) == ("4", [0, 1])
        assert one.boxes.tolist() == [[3, 2, 10, 6]] * 2  # one pixel wider and higher, as published regions are
        assert (other.name, other.frames.tolist()) == ("9", [1, 3])  # not seen in frame 2; 7 is never seen
        from lavida_gen.scenes.masks import area

        assert [area(mask) for mask in one.masks] == [22, 22]


# tracks of AED


def test_tracks(tmp_path: Path) -> None:
    log = DefectLog()
    text = "1,7,10,20,30,40\n0,3,1,2,2,3\n0,2,1,2,2,3\n0,4,5,5,5,9\n2,99,1,1,2,2\n0,5,9,9,7,9\n1,7,1,1,2,2\n"
    one, other = tracks.read_tracks(written(tmp_path, text), 10, log)
    boxes = [[1, 2, 3, 4], [1, 2, 3, 4], [5, 5, 6, 10], [9, 9, 9, 10]]  # ends of the file are inclusive
    assert (one.name, one.frames.tolist(), one.boxes.tolist()) == ("0", [2, 3, 4, 5], boxes)
    assert (other.name, other.frames.tolist(), other.boxes.tolist()) == ("1", [7], [[1, 1, 3, 3]])
    assert [(d.what, d.action, d.items) for d in log.defects] == [
        ("1 regions outside the video's 10 frames", "left out", ("line 5",)),
        ("1 regions without extent", "counted, and never found", ("line 6",)),
        ("1 regions of a track in a frame that has one", "take the place of the earlier ones", ("line 7",)),
    ]
    assert tracks.read_tracks(written(tmp_path, ""), 10, log) == ()
    assert len(tracks.read_tracks(written(tmp_path, "0 1 1 1 2 2"), 10, log)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,1,2,3,4", "line 1: 5 numbers; expected track,frame,left,top,right,bottom"),
        ("0,1,2,x,4,5", "line 1: '0,1,2,x,4,5'; expected six numbers"),
        ("0,1.5,2,3,4,5", "line 1: '1.5'; expected a whole number"),
        ("0,1,2,3,inf,5", "line 1: '0,1,2,3,inf,5'; expected six finite numbers"),
    ],
)
def test_invalid_tracks_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        tracks.read_tracks(written(tmp_path, text), 10, DefectLog())


def test_normal_videos_without_a_track_file_have_no_tracks(tmp_path: Path) -> None:
    log = DefectLog()
    assert tracks.folder_tracks(None, "a", np.ones(5, np.bool_), log) is None
    assert tracks.folder_tracks(tmp_path, "a", np.zeros(5, np.bool_), log) == ()
    assert not log.defects
    assert tracks.folder_tracks(tmp_path, "a", np.ones(5, np.bool_), log) is None
    assert log.defects[0].what == "no tracks of an abnormal video"


# ShanghaiTech


def test_shanghaitech_refuses_the_other_split(tmp_path: Path) -> None:
    place = tmp_path / "testing" / "test_frame_mask"
    place.mkdir(parents=True)
    for key in ("01_0014", "01_001"):
        np.save(place / f"{key}.npy", np.zeros(3, np.uint8))
    from lavida_bench.benchmarks._base import make

    message = (
        "labels of 2 videos, among them 01_001, a training video: the weakly supervised re-split; expected the 107"
    )
    with pytest.raises(DataError, match=message):
        make("shanghaitech", tmp_path).videos()
    (place / "01_001.npy").unlink()
    for number in range(198):
        np.save(place / f"02_{number + 1000}.npy", np.zeros(3, np.uint8))
    with pytest.raises(DataError, match="labels of 199 videos: the weakly supervised re-split"):
        make("shanghaitech", tmp_path).videos()


@pytest.mark.parametrize("array", [np.zeros((2, 3)), np.array([0, 2]), np.zeros(0)])
def test_invalid_shanghaitech_labels_are_refused(array: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(DataError, match=r"a.npy: .*expected \(F,\) of 0 and 1"):
        _frame_labels.read_frame_labels(tmp_path / "a.npy")
    with pytest.raises(DataError, match="is not an array"):
        _frame_labels.read_frame_labels(written(tmp_path, "text", "b.npy"))


# Avenue


def cells(planes: list[Any]) -> Any:
    found = np.empty((1, len(planes)), object)
    for number, plane in enumerate(planes):
        found[0, number] = plane
    return found


PLANE = np.zeros((4, 6), np.uint8)
CASES: list[tuple[Callable[[Path], None], str]] = [
    (lambda path: savemat(path, {"other": PLANE}), "no variable volLabel; expected a .mat file with volLabel"),
    (lambda path: savemat(path, {"volLabel": PLANE}), r"volLabel is uint8 \(4, 6\); expected 1 x F cells"),
    (
        lambda path: savemat(path, {"volLabel": cells([PLANE, PLANE.T])}),
        r"frame 1: mask of \(6, 4\); expected \(4, 6\)",
    ),
    (lambda path: path.write_text("text") and None, "cannot be read"),
]


@pytest.mark.parametrize(("write", "message"), CASES)
def test_invalid_avenue_masks_are_refused(write: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    write(tmp_path / "1_label.mat")
    with pytest.raises(DataError, match=message):
        _avenue.read_masks(tmp_path / "1_label.mat", (4, 6))


def test_invalid_avenue_intervals_are_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"gt": cells([np.array([[1], [5]])] * 22)})
    with pytest.raises(DataError, match="gt has 22 videos; expected 21"):
        _avenue.read_intervals(tmp_path / "a.mat")
    savemat(tmp_path / "a.mat", {"gt": cells([np.array([[1, 5, 7]])] * 21)})
    with pytest.raises(DataError, match=r"video 1: int64 of shape \(1, 3\); expected 2 x N first and last frames"):
        _avenue.read_intervals(tmp_path / "a.mat")


# folder


def test_labels_csv(tmp_path: Path) -> None:
    rows = folder.read_labels(written(tmp_path, "video,start,end,name\na.mp4, 3, 9, dog\nb,,\n"))
    assert rows == [("a.mp4", (3, 9), "dog"), ("b", None, "")]
    assert folder.read_labels(written(tmp_path, "video,start,end\na,0,1\n")) == [("a", (0, 1), "")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,from,to\na,1,2\n", r"columns \['name', 'from', 'to'\]; expected video,start,end"),
        ("video,start,end\na,1,2\na,5,5\n", "line 3: frames from 5 up to but not including 5"),
        ("video,start,end\na,1,\n", "line 2: ''; expected a whole number"),
    ],
)
def test_an_invalid_labels_csv_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        folder.read_labels(written(tmp_path, text))


def test_a_row_for_another_video_does_not_count_for_a_video_whose_name_begins_alike(tmp_path: Path) -> None:
    """Only a video's ending is left out of a name: `cam.2` is not `cam`."""
    (tmp_path / "videos" / "cam").mkdir(parents=True)
    for frame in range(4):
        Image.new("RGB", (32, 24)).save(tmp_path / "videos" / "cam" / f"{frame}.png")
    (tmp_path / "labels.csv").write_text("video,start,end\ncam.mp4,,\ncam.2,1,3\n")
    made = benchmark.make("folder", tmp_path)
    (one,) = made.videos()
    assert one.frame_labels is not None
    assert not one.frame_labels.any()
    assert any("no video 'cam.2'" in defect.what for defect in made.log.defects)


def test_masks_in_dark_colours_count(tmp_path: Path) -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[1, 2], pixels[2, 3] = (0, 0, 4), (1, 0, 0)
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    assert np.argwhere(mask_files.read_grey(tmp_path / "mask.png", (4, 6))).tolist() == [[1, 2], [2, 3]]
