"""Score files whose content could be taken for something else: read in the one way that is certain, or refused."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix
from tests.bench.test_metrics_detection import unread
from tests.bench.test_score_spellings import LENGTHS, SCORES, VIDEOS, read

from lavida_bench.results.score_files import ScoreFiles
from lavida_bench.results.score_formats import read_boxes
from lavida_bench.results.video_names import match_names
from lavida_bench.videos.no_frames import read_frame_counts
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError


def check(path: Path) -> None:
    ScoreFiles.find(path, VIDEOS).check(VIDEOS, allow_partial=False)


def each(folder: Path, write: Callable[[Path, np.ndarray], object], suffix: str) -> Path:
    for key, scores in SCORES.items():
        write(folder / f"{key}{suffix}", scores)
    return folder


def test_a_sparse_matrix_is_read(tmp_path: Path) -> None:
    each(tmp_path, lambda path, s: savemat(path, {"s": csc_matrix(np.maximum(s, 0)[None])}), ".mat")
    assert all(np.array_equal(scores, np.maximum(SCORES[key], 0)) for key, scores in read(tmp_path).items())


def test_cells_in_cells_and_an_array_of_structs(tmp_path: Path) -> None:
    cells = np.empty((1, 3), np.object_)
    structs = np.zeros((1, 3), [("name", object), ("score", object)])
    for place, (key, scores) in enumerate(SCORES.items()):
        inner = np.empty((1, 1), np.object_)
        inner[0, 0] = scores[None]
        cells[0, place] = inner
        structs[0, 2 - place] = (key, scores[:, None])
    for name, value in (("cells", cells), ("structs", structs)):
        savemat(tmp_path / f"{name}.mat", {"scores": value})
        assert all(np.array_equal(s, SCORES[key]) for key, s in read(tmp_path / f"{name}.mat").items())


def test_labels_alone_are_no_scores(tmp_path: Path) -> None:
    each(tmp_path, lambda path, s: savemat(path, {"gt": s > 0}), ".mat")
    with pytest.raises(DataError, match=r"a\.mat: holds gt alone, which are labels; expected scores"):
        check(tmp_path)


@pytest.mark.parametrize("dtype", [np.uint64, np.longdouble])
def test_scores_that_float64_merges_are_refused(dtype: type[np.generic], tmp_path: Path) -> None:
    wide = {
        np.uint64: 2**60 + np.arange(96, dtype=np.uint64),
        np.longdouble: 1 - np.arange(96).astype(np.longdouble) * 2**-62,
    }
    each(tmp_path, lambda path, s: np.save(path, s), ".npy")
    np.save(tmp_path / "a.npy", wide[dtype])
    with pytest.raises(DataError, match=r"a\.npy: \w+ scores that differ and are equal in float64; .* ranks"):
        check(tmp_path)
    np.save(tmp_path / "a.npy", SCORES["a"].astype(np.longdouble))
    check(tmp_path)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda d: (d / "b.npy").write_bytes(pickle.dumps(SCORES)), r"b\.npy: is a pickle .*`scores = np\.load\('b\.npy'"),
        (lambda d: np.savez(d / "b.npz", frames=np.array([{}])), r"b\.npz: is a pickle .*np\.load\('b\.npz', allow_pickle=True\)\.items"),
        (lambda d: (d / "b.pkl").write_bytes(b"x"), r"scores of 2 of 3 videos; missing: b; files of a format that is not read: b\.pkl;"),
        (lambda d: (d / "b.csv.gz").write_bytes(b"x"), r"missing: b; files of a format that is not read: b\.csv\.gz;"),
        (lambda d: np.save(d / "test_B_i3d.npy", SCORES["b"]), r"missing: b; expected"),
        (lambda d: np.save(d / "B_pred.npy", SCORES["b"]), r"missing: b; names that no video has: 'B_pred': is it b\?;"),
        (lambda d: np.save(d / "b.npy", np.ones((100, 10))), r"b\.npy: float64 \(100, 10\); .*; of crops or classes give the mean"),
        (lambda d: (d / "b.json").write_text('{"x.jpg": 1}'), r"b\.json: holds x\.jpg; expected"),
    ],
)  # fmt: skip
def test_the_file_that_is_meant_is_named(write: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    each(tmp_path, lambda path, s: np.save(path, s), ".npy")
    (tmp_path / "b.npy").unlink()
    write(tmp_path)
    with pytest.raises(DataError, match=message):
        check(tmp_path)


def test_the_scores_of_one_video_are_not_those_of_all(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", SCORES["a"])  # 96 scores would fit 32 segments of three videos
    with pytest.raises(DataError, match="scores of 1 of 3 videos; missing: b, c"):
        check(tmp_path / "a.npy")


def test_a_single_array_needs_no_name(tmp_path: Path) -> None:
    each(tmp_path, lambda path, s: np.savez(path, anomaly_map_max=s), ".npz")
    assert all(np.array_equal(scores, SCORES[key]) for key, scores in read(tmp_path).items())


@pytest.mark.parametrize(
    "data",
    [
        {f"/features/{key}_i3d.npy": scores.tolist() for key, scores in SCORES.items()},
        {"method": "ours", "results": {key: scores.tolist() for key, scores in SCORES.items()}},
        {key: {f"{i:06d}.jpg": x for i, x in enumerate(scores.tolist())} for key, scores in SCORES.items()},
        {key: {f"frame_{i}": x for i, x in enumerate(scores.tolist())} for key, scores in SCORES.items()},
    ],
    ids=["features", "wrapped", "pictures", "frames"],
)
def test_json_under_more_names(data: object, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps(data), "utf-8")
    found = read(tmp_path / "s.json")
    assert [*found] == [*LENGTHS]
    assert all(np.array_equal(scores, SCORES[key]) for key, scores in found.items())


def test_json_that_names_a_video_twice_is_refused(tmp_path: Path) -> None:
    lists = ", ".join(f'"{key}": {SCORES[key].tolist()}' for key in "abca")
    (tmp_path / "s.json").write_text(f"{{{lists}}}", "utf-8")
    with pytest.raises(DataError, match=r"s\.json: 'a' appears twice; expected each name once"):
        check(tmp_path / "s.json")


def test_names_of_features_are_those_of_videos() -> None:
    found, notes = match_names(["x/Arson009_x264_i3d.npy", "y/c.txt"], ["Arson009_x264", "b"])
    assert found == {"Arson009_x264": ["x/Arson009_x264_i3d.npy"]}
    assert "without their folders" in notes[0]


@pytest.mark.parametrize("name", ["kamera", "scene"])
def test_a_column_that_may_name_the_videos_is_not_passed_over(name: str, tmp_path: Path) -> None:
    names = {"kamera": str, "scene": lambda key: str("abc".index(key))}[name]
    lines = [f"{names(key)},{i},{s}" for key in "cab" for i, s in enumerate(SCORES[key])]
    (tmp_path / "s.csv").write_text("\n".join([f"{name},frame,score", *lines]), "utf-8")
    with pytest.raises(DataError, match=f"a column '{name}' that is not used; expected a column called video"):
        check(tmp_path / "s.csv")


def test_numbers_over_all_videos_order_the_rows(tmp_path: Path) -> None:
    joined = np.concatenate([*SCORES.values()])
    rows = [f"{i},{joined[i]}" for i in np.random.default_rng(0).permutation(len(joined))]
    (tmp_path / "s.csv").write_text("\n".join(["frame,score", *rows]), "utf-8")
    assert all(np.array_equal(scores, SCORES[key]) for key, scores in read(tmp_path / "s.csv").items())


def numbered(folder: Path, frames: Callable[[int], list[int]]) -> Path:
    for key, count in LENGTHS.items():
        rows = [f"{n},{n + 0.5}" for n in frames(count)]
        (folder / f"{key}.csv").write_text("\n".join(["frame,score", *rows]), "utf-8")
    return folder


def test_a_sample_of_the_last_frame_is_its_own(tmp_path: Path) -> None:
    for key, scores in read(numbered(tmp_path, lambda n: sorted({*range(0, n, 5), n - 1}))).items():
        plain = np.arange(LENGTHS[key]) // 5 * 5 + 0.5
        plain[-1] = LENGTHS[key] - 0.5
        assert np.array_equal(scores, plain)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (lambda n: [*range(1, n)], r"several readings fit, choose one: --expand first:1 = .*; --expand last:1 = "),
        (lambda n: [i for i in range(n) if i != 30], "after 29 comes 31; expected each frame once"),
        (lambda n: [*range(n), 5], "5 comes twice; expected each frame once"),
        (lambda n: [i + (n == 100) for i in range(n)], "b: 100 frames from 1 to 100; expected 0..99"),
        (lambda n: [*range(8, n, 16)], "a: 6 frames from 8 to 88, every 16; expected 0..95"),
        (lambda n: [*range(0, n - 9, 5), (n - 10) // 5 * 5 + 2], "expected 0.."),
    ],
)  # fmt: skip
def test_frame_numbers_that_leave_two_readings_or_none(
    frames: Callable[[int], list[int]], message: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.raises(DataError, match=message):
        check(numbered(tmp_path_factory.mktemp("doubt"), frames))


def test_numbers_from_1_whose_first_is_missing(tmp_path: Path) -> None:
    for scores in read(numbered(tmp_path, lambda n: [*range(2, n + 1)])).values():
        assert np.array_equal(scores, np.maximum(np.arange(len(scores)), 1) + 1.5)


def test_labels_given_as_scores_are_noticed(tmp_path: Path) -> None:
    labels = {key: np.arange(count) > 40 for key, count in LENGTHS.items()}
    videos = [TestVideo(key, len(marks), (2, 2), unread, frame_labels=marks) for key, marks in labels.items()]
    for key, marks in labels.items():
        np.save(tmp_path / f"{key}.npy", 0.05 + 0.9 * marks)
    assert "are the labels given as scores?" in ScoreFiles.find(tmp_path, videos).notes(videos)[-1]
    np.save(tmp_path / "a.npy", 1 - labels["a"])
    assert ScoreFiles.find(tmp_path, videos).notes(videos) == ()


def test_maps_on_their_side_are_refused_and_maps_alone_named(tmp_path: Path) -> None:
    video = TestVideo("a", 3, (4, 6), unread, frame_labels=np.zeros(3, np.bool_))
    np.save(tmp_path / "a.npy", np.arange(3))
    for shape, refused in (((3, 6, 4), True), ((3, 3, 2), True), ((3, 4, 6), False), ((3, 2, 2), False)):
        np.save(tmp_path / "a.maps.npy", np.zeros(shape))
        files = ScoreFiles.find(tmp_path, [video])
        if refused:
            with pytest.raises(
                DataError, match=r"a\.maps\.npy: maps of \d x \d for a video of 4 x 6; .*; transpose them"
            ):
                files.check([video], allow_partial=False)
        else:
            files.check([video], allow_partial=False)
    np.save(tmp_path / "b.maps.npy", np.zeros((3, 4, 6)))
    assert ScoreFiles.find(tmp_path, [video]).notes([video]) == ("1 files of no test video were ignored: b.maps.npy",)
    (tmp_path / "a.npy").unlink()
    with pytest.raises(DataError, match=r"scores of none of the 1 videos; no \.npy, .* is there, but a\.maps\.npy"):
        ScoreFiles.find(tmp_path, [video])


def test_columns_of_boxes_are_those_of_the_head(tmp_path: Path) -> None:
    path = tmp_path / "a.boxes.csv"
    path.write_text("frame,score,left,top,right,bottom\n7,0.5,1,2,3,4\n")
    assert read_boxes(path).tolist() == [[7, 1, 2, 3, 4, 0.5]]
    path.write_text("frame,x,y,w,h,score\n7,1,2,30,40,0.5\n")
    with pytest.raises(DataError, match=r"line 1: boxes by frame,x,y,w,h,score; .*left \+ width - 1"):
        read_boxes(path)


def test_frame_counts_name_each_video_once(tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("Video, Frames\nArson/a.mp4, 40\nb, 5\n")
    assert read_frame_counts(tmp_path / "n.csv") == {"a.mp4": 40, "b": 5}
    (tmp_path / "n.csv").write_text("video,frames\na.mp4,40\na,60\n")
    with pytest.raises(DataError, match="line 3: a appears again"):
        read_frame_counts(tmp_path / "n.csv")


def test_numbers_of_some_files_bind_all_and_the_option(tmp_path: Path) -> None:
    numbered(tmp_path, lambda n: [*range(1, n + 1)])
    (tmp_path / "c.csv").unlink()
    np.save(tmp_path / "c.npy", SCORES["c"])
    assert "frames are counted from 1 in all files" in ScoreFiles.find(tmp_path, VIDEOS).notes(VIDEOS)
    np.save(tmp_path / "c.npy", SCORES["c"][::2])
    with pytest.raises(
        DataError, match="c: 32 scores; expected 64: one score a frame, as the frame numbers of a state"
    ):
        check(tmp_path)
    numbered(tmp_path, lambda n: [*range(10, n + 10)])
    (tmp_path / "c.csv").unlink()
    np.save(tmp_path / "c.npy", SCORES["c"])
    with pytest.raises(DataError, match=r"a: 96 frames from 10 to 105; expected 0\.\.95"):
        check(tmp_path)


def test_an_option_against_the_numbers_is_refused(tmp_path: Path) -> None:
    numbered(tmp_path, lambda n: [*range(4, n)])
    assert read(tmp_path, "first:4")["a"][4] == 4.5
    with pytest.raises(
        DataError, match=r"--expand last:4; expected the first 4 frames have no score .* numbers in the files"
    ):
        read(tmp_path, "last:4")


def test_a_folder_for_each_video_and_columns_of_one(tmp_path: Path) -> None:
    for key, scores in SCORES.items():
        (tmp_path / "all" / key).mkdir(parents=True)
        np.save(tmp_path / "all" / key / "scores.npy", scores)
    (tmp_path / "s.json").write_text(json.dumps({key: s[:, None].tolist() for key, s in SCORES.items()}), "utf-8")
    for place in ("all", "s.json"):
        assert all(np.array_equal(scores, SCORES[key]) for key, scores in read(tmp_path / place).items())
