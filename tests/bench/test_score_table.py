"""Tables of scores in the forms that people write."""

from __future__ import annotations

from pathlib import Path

import pytest

from lavida_bench.results.score_table import ScoreTable, by_video, parse_table
from lavida_gen.common.errors import DataError

PATH = Path("a.csv")


def plain(table: ScoreTable) -> tuple[list[float], list[float] | None]:
    return table.scores.tolist(), None if table.numbers is None else table.numbers.tolist()


@pytest.mark.parametrize(
    ("text", "scores", "numbers"),
    [
        ("0.5\n-1\n\n2e-3\n", [0.5, -1, 0.002], None),
        ("score\n1\n2\n", [1, 2], None),
        ("0,1.5\n1,2.5\n", [1.5, 2.5], [0, 1]),
        ("1;1.5\n2;2.5\n", [1.5, 2.5], [1, 2]),
        ("0\t1.5\n1\t2.5\n", [1.5, 2.5], [0, 1]),
        ("0 1.5\n1 2.5\n", [1.5, 2.5], [0, 1]),
        ("frame,score\n0,1\n1,2\n", [1, 2], [0, 1]),
        (",score\n0,1\n1,2\n", [1, 2], [0, 1]),
        (",0\n0,1\n1,2\n", [1, 2], [0, 1]),  # a pandas Series
        ("frame,score,label\n0,1,0\n1,2,1\n", [1, 2], [0, 1]),
        ("label,score\n0,1\n1,2\n", [1, 2], None),
        ("Unnamed: 0;Frame;Score\n7;0;1\n8;1;2\n", [1, 2], [0, 1]),
        ("frame,ours\n0,1\n1,2\n", [1, 2], [0, 1]),
    ],
)
def test_forms(text: str, scores: list[float], numbers: list[float] | None) -> None:
    assert plain(parse_table(text, PATH)) == (scores, numbers)


@pytest.mark.parametrize("head", ["video,frame,score\n", "", "video,frame,label,score\n"])
def test_all_videos_in_one_table(head: str) -> None:
    label = "1," if "label" in head else ""
    rows = by_video(parse_table(f"{head}a,0,{label}0.5\na,1,{label}1\nb/c,0,{label}2\n", PATH), PATH)
    assert {name: plain(table) for name, table in rows.items()} == {"a": ([0.5, 1], [0, 1]), "b/c": ([2], [0])}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.csv: empty file; expected one score a line"),
        ("score\n", "a.csv: a head without rows"),
        ("0.5\nx\n", "a.csv, line 2: 'x'; expected a number"),
        ("0,1\n1,2,3\n", "a.csv, line 2: 3 columns; expected 2"),
        ("0.5,1.5\n0.25,2.5\n", "a.csv, line 1: 2 columns without a head"),
        ("0,1,2\n1,2,3\n", r"a.csv, line 1: 3 columns without a head \(0, 1, 2\)"),
        ("frame,ours,theirs\n0,1,2\n", "a.csv, line 1: 2 columns of scores in the head"),
    ],
)
def test_what_is_ambiguous_or_broken(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_table(text, PATH)


def test_a_table_without_videos() -> None:
    with pytest.raises(DataError, match="no column of videos"):
        by_video(parse_table("0.5\n", PATH), PATH)


ROWS = [(name, frame, 10 * place + frame) for place, name in enumerate("cab") for frame in range(4)]


@pytest.mark.parametrize(
    ("text", "scores", "numbers"),
    [
        ("frame,score\n" + "".join(f"{i:04d}.jpg,{i}\n" for i in (1, 0, 2)), [1, 0, 2], [1, 0, 2]),
        ("".join(f"frame_{i:04d}.png {i}\n" for i in (0, 1, 2)), [0, 1, 2], [0, 1, 2]),
        ("start,end,score\n0,2,5\n2,3,6\n", [5, 5, 6], [0, 1, 2]),
        ("start,end,score\n3,3,6\n1,2,5\n", [5, 5, 6], [1, 2, 3]),
        ("timestamp,mse\n0.0,3\n0.04,4\n", [3, 4], None),
    ],
)
def test_what_a_table_states_of_frames(text: str, scores: list[float], numbers: list[float] | None) -> None:
    table = parse_table(text, Path("s.csv"))
    assert table.scores.tolist() == scores
    assert (None if table.numbers is None else table.numbers.tolist()) == numbers


def test_pictures_and_ranges_of_all_videos() -> None:
    pictures = parse_table("image_path,score\n" + "".join(f"v/{n}/{i}.jpg,{s}\n" for n, i, s in ROWS), Path("s.csv"))
    ranges = parse_table("video,start,end,score\nb,0,2,1\na,0,1,2\na,1,3,3\n", Path("s.csv"))
    assert pictures.videos == tuple(f"v/{name}" for name, *_ in ROWS)
    assert pictures.numbers is not None
    assert pictures.numbers.tolist() == [frame for _, frame, _ in ROWS]
    assert (ranges.videos, ranges.scores.tolist()) == (("a", "a", "a", "b", "b"), [2, 3, 3, 1, 1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frame;score\n0;987\n1;1,234\n", r"line 3: '1,234'; expected one sign for decimals: .* divide thousands"),
        ("frame;score\n0;9.5\n1;0,25\n", r"line 3: '0,25'; expected one sign for decimals"),
        ("start,end,score\n0,16,1\n8,24,2\n", "scores of ranges of frames; expected ranges that follow each other"),
        ("start,end,score\n0,0.5,1\n0.5,1,2\n", "scores of ranges of frames"),
        ("time,anomaly\n0.5,1\n", "0 columns of scores in the head 'time', 'anomaly'"),
    ],
)
def test_what_a_table_leaves_open_is_refused(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_table(text, Path("s.csv"))


def test_decimal_commas_that_are_none_of_thousands() -> None:
    assert parse_table("frame;score\n0;0,125\n1;1,250\n2;3\n", Path("s.csv")).scores.tolist() == [0.125, 1.25, 3]
