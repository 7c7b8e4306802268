"""Score files under the names and in the notations that people have: read as they are meant, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from tests.bench.test_metrics_detection import unread

from lavida_bench.results.expansion import Expansion, Lengths, choose, infer
from lavida_bench.results.score_files import ScoreFiles
from lavida_bench.results.score_table import parse_table
from lavida_bench.results.video_names import match_names
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError

LENGTHS = {"a": 96, "b": 100, "c": 64}
SCORES = {key: np.random.default_rng(place).normal(size=n) for place, (key, n) in enumerate(LENGTHS.items())}
JOINED = np.concatenate([*SCORES.values()])
VIDEOS = [TestVideo(key, n, (2, 2), unread, frame_labels=np.zeros(n, np.bool_)) for key, n in LENGTHS.items()]
CELLS = np.empty(3, np.object_)
CELLS[:] = [scores[:, None] for scores in SCORES.values()]


def read(path: Path, expand: str = "auto") -> dict[str, np.ndarray]:
    pairs = ScoreFiles.find(path, VIDEOS, expand).pairs(VIDEOS)
    return {video.key: score.frames for video, score in pairs if score is not None}


@pytest.mark.parametrize(
    "variables",
    [
        {"scores": JOINED},
        {"scores": JOINED, "gt": (JOINED > 0).astype(float)},
        {"scores": CELLS},
        {"scores": SCORES},
        {key: scores[:, None] for key, scores in SCORES.items()},
    ],
    ids=["joined", "beside labels", "cells", "struct", "variables"],
)
def test_matlab_keeps_all_videos_in_any_of_its_ways(variables: dict[str, object], tmp_path: Path) -> None:
    savemat(tmp_path / "s.mat", variables)
    for key, scores in read(tmp_path / "s.mat").items():
        assert np.array_equal(scores, SCORES[key])


def test_a_cell_in_each_file(tmp_path: Path) -> None:
    for key, scores in SCORES.items():
        cell = np.empty((1, 1), np.object_)
        cell[0, 0] = scores
        savemat(tmp_path / f"{key}.mat", {"score": cell})
    assert all(np.array_equal(scores, SCORES[key]) for key, scores in read(tmp_path).items())


def test_cells_beside_their_names_and_a_struct_in_each_file(tmp_path: Path) -> None:
    savemat(tmp_path / "s.mat", {"names": np.array(["c", "b", "a"], np.object_), "scores": CELLS[::-1]})
    assert all(np.array_equal(scores, SCORES[key]) for key, scores in read(tmp_path / "s.mat").items())
    folder = tmp_path / "structs"
    folder.mkdir()
    for key, scores in SCORES.items():
        savemat(folder / f"{key}.mat", {"result": {"scores": scores, "fps": 25}})
    assert all(np.array_equal(scores, SCORES[key]) for key, scores in read(folder).items())


def test_a_list_of_records_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps([{"video": "a", "score": 1}]), "utf-8")
    with pytest.raises(DataError, match="a list of objects; expected video -> list of scores"):
        read(tmp_path / "s.json")


@pytest.mark.parametrize(
    "data",
    [
        {"scores": JOINED.tolist()},
        {"pred": JOINED.tolist(), "labels": (JOINED > 0).tolist()},
        [scores.tolist() for scores in SCORES.values()],
        {f"/data/test/{key}.mp4": scores.tolist() for key, scores in SCORES.items()},
        {f"test\\{key.upper()}_scores": scores.tolist() for key, scores in SCORES.items()},
    ],
    ids=["named", "beside labels", "lists", "folders", "other letters"],
)
def test_json_of_all_videos(data: object, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps(data), "utf-8")
    found = read(tmp_path / "s.json")
    assert [*found] == [*SCORES]
    assert all(np.array_equal(scores, SCORES[key]) for key, scores in found.items())


def test_one_score_a_video(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps({"a": 0.5, "b": 1, "c": [2]}), "utf-8")
    found = ScoreFiles.find(tmp_path / "s.json", VIDEOS)
    assert "one score a video" in found.notes(VIDEOS)[-1]
    assert {key: set(scores) for key, scores in read(tmp_path / "s.json").items()} == {"a": {0.5}, "b": {1}, "c": {2}}


def test_too_few_lists_are_refused(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("[[1, 2], [3]]", "utf-8")
    with pytest.raises(DataError, match="2 lists of scores; expected 3, one for each video"):
        read(tmp_path / "s.json")


def test_an_array_without_the_first_frames_is_not_taken_for_clips_of_31(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.concatenate([scores[4:] for scores in SCORES.values()]))
    with pytest.raises(DataError, match=r"--expand first:4 = .*--expand last:4 = "):
        read(tmp_path / "s.npy")
    assert np.array_equal(read(tmp_path / "s.npy", "first:4")["b"][4:], SCORES["b"][4:])


def test_an_array_padded_to_snippets_of_16(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.concatenate([np.resize(s, -(-len(s) // 16) * 16) for s in SCORES.values()]))
    assert np.array_equal(read(tmp_path / "s.npy")["b"], SCORES["b"])


def test_scaling_per_video_is_noticed_in_spite_of_a_small_number_in_the_divisor(tmp_path: Path) -> None:
    def noted() -> bool:
        return any("min-max" in note for note in ScoreFiles.find(tmp_path, VIDEOS).notes(VIDEOS))

    for key, scores in SCORES.items():
        np.save(tmp_path / f"{key}.npy", (scores - scores.min()) / (np.ptp(scores) + 1e-8))
    assert noted()
    for key, scores in SCORES.items():
        np.save(tmp_path / f"{key}.npy", scores > 0)
    assert not noted()


@pytest.mark.parametrize(
    ("text", "numbered"),
    [
        ("score;frame\n0,5;0\n-1,25e1;1", True),
        ("0;0,5\n1;-12,5", True),
        ('frame,score\n0,"0,5"\n1,"-12,5"', True),
        ('"frame", "score"\n"0", "0.5"\n"1", "-12.5"', True),
        ('"score"\n"0.5"\n"-12.5"', False),
        ("0,0.5,\n1,-12.5,", True),
        ("0.5,\n-12.5,", False),
        ("# frame score\n# of a method\n0 0.5\n1 -12.5\n", True),
        ("frame\tscore\n0\t0,5\n1\t-12,5", True),
    ],
)
def test_notations_of_tables(text: str, numbered: bool) -> None:
    table = parse_table(text, Path("s.csv"))
    assert table.scores.tolist() == [0.5, -12.5]
    assert (table.numbers is not None) == numbered


def test_all_scores_in_one_line() -> None:
    assert parse_table("0.5 1 2 3 4", Path("s.txt")).scores.tolist() == [0.5, 1, 2, 3, 4]


def test_exact_names_come_first_and_doubles_are_kept() -> None:
    assert match_names(["x/01", "01.mp4"], ["01", "02"]) == ({"01": ["01.mp4"]}, ())
    assert match_names(["1", "2"], ["01", "02"])[0] == {"01": ["1"], "02": ["2"]}
    assert match_names(["rgb/01", "flow/01"], ["01"])[0] == {"01": ["rgb/01", "flow/01"]}
    assert match_names(["v=a__1_label_G"], ["v=a__#1_label_G"])[0] == {"v=a__#1_label_G": ["v=a__1_label_G"]}
    assert match_names(["a"], ["train/a", "test/a"]) == ({}, ())


def test_scores_in_two_folders_are_refused(tmp_path: Path) -> None:
    for folder in ("rgb", "flow"):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "a.npy", SCORES["a"])
    with pytest.raises(DataError, match="scores under 'flow/a' and under 'rgb/a'"):
        ScoreFiles.find(tmp_path, VIDEOS)


def test_an_array_of_other_videos_too_is_counted_not_cut_into_segments(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.zeros(9_000))
    with pytest.raises(DataError, match="9,000 scores for 3 videos of 260 frames; expected 260"):
        read(tmp_path / "s.npy")


def test_segments_of_videos_that_are_shorter() -> None:
    lengths = [Lengths("short", 32, 20), Lengths("long", 32, 700), Lengths("middle", 32, 64)]
    assert infer(lengths, "s").option == "segments:32"
    place = Expansion("segments", 32).index(32, 20)
    assert place[0] == 0
    assert place[-1] == 31
    assert (np.diff(place) >= 1).all()


def test_scores_of_whole_videos_whose_labels_are_cut_to_snippets() -> None:
    lengths = [Lengths("a", 100, 96), Lengths("b", 81, 80), Lengths("c", 64, 64)]
    with pytest.raises(DataError, match="--expand cut:16"):
        infer(lengths, "s")
    assert choose("cut:16", lengths, "s").index(100, 96).tolist() == list(range(96))
    with pytest.raises(DataError, match="113 scores for 96 frames"):
        choose("cut:16", [Lengths("a", 113, 96)], "s")
