"""Scores of snippets, segments, cut or filled videos: one pattern for all files, shown, or an error that lists them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lavida_bench.results.expansion import Expansion, Lengths, candidates, choose, distinct, infer, parse
from lavida_gen.common.errors import DataError, UserError

FRAMES = (96, 100, 64)


def lengths(*scores: int) -> list[Lengths]:
    return [Lengths(key, n, f) for key, n, f in zip("abc", scores, FRAMES, strict=True)]


@pytest.mark.parametrize(
    ("scores", "option"),
    [
        ((96, 100, 64), "none"),
        ((48, 50, 32), "2"),
        ((6, 6, 4), "16"),  # 15 and 17 to 19 fit too; 16 is what the field uses
        ((6, 7, 4), "16"),
        ((32, 32, 32), "segments:32"),
        ((96, 112, 64), "padded:16"),
        ((96, 96, 64), "clips:16"),
    ],
)
def test_the_pattern_is_inferred_over_all_files(scores: tuple[int, ...], option: str) -> None:
    found = infer(lengths(*scores), "scores")
    if option == "clips:16":  # of 2, 4, 8, 16, 32: the same frames take the same scores
        assert found.kind == "clips"
    elif option == "padded:16":
        assert found.kind == "padded"
    else:
        assert found.option == option


@pytest.mark.parametrize(
    ("scores", "readings"),
    [
        ((3, 4, 2), ["--expand 25 = ", "--expand 32 = ", "--expand 33 = "]),
        ((95, 99, 63), ["--expand first:1 = ", "--expand last:1 = "]),
        ((92, 96, 60), ["--expand first:4 = ", "--expand last:4 = "]),
        ((97, 101, 65), ["--expand drop:first = ", "--expand drop:last = "]),
    ],
)
def test_several_readings_are_listed_and_the_option_chooses(scores: tuple[int, ...], readings: list[str]) -> None:
    with pytest.raises(DataError, match="several readings fit, choose one") as error:
        infer(lengths(*scores), "scores")
    for reading in readings:
        assert reading in str(error.value)
        option = reading.split()[1]
        assert choose(option, lengths(*scores), "scores").option == option


def test_no_pattern() -> None:
    with pytest.raises(DataError, match=r"scores: 2 of 3 videos have another number of scores .*\(b 31 for 100, c 50"):
        infer(lengths(96, 31, 50), "scores")


def test_an_option_that_does_not_fit() -> None:
    expected = r"scores, b: 31 scores for 100 frames; expected 7 or 6, as --expand 16 has it"
    with pytest.raises(DataError, match=expected):
        choose("16", lengths(6, 31, 4), "scores")
    with pytest.raises(DataError, match=r"scores, b: 31 scores for 100 frames; expected 100, as --expand none has it"):
        choose("none", lengths(96, 31, 64), "scores")


@pytest.mark.parametrize(
    "option", ["", "sixteen", "0", "-4", "segments", "segments:x", "drop:3", "first:", "1.5", "x:3"]
)
def test_an_unknown_option(option: str) -> None:
    with pytest.raises(UserError, match=r"--expand: .*; expected auto, none, 16"):
        parse(option)


def test_places_by_hand() -> None:
    def places(option: str, scores: int, frames: int) -> list[int]:
        return choose(option, [Lengths("a", scores, frames)], "x").index(scores, frames).tolist()

    assert places("3", 3, 7) == [0, 0, 0, 1, 1, 1, 2]
    assert places("3", 2, 7) == [0, 0, 0, 1, 1, 1, 1]
    assert places("first:2", 5, 7) == [0, 0, 0, 1, 2, 3, 4]
    assert places("last:2", 5, 7) == [0, 1, 2, 3, 4, 4, 4]
    assert places("clips:5", 5, 7) == [0, 1, 2, 3, 4, 4, 4]
    assert places("padded:4", 8, 7) == [0, 1, 2, 3, 4, 5, 6]
    assert places("drop:first", 8, 7) == [1, 2, 3, 4, 5, 6, 7]
    assert places("drop:last", 8, 7) == [0, 1, 2, 3, 4, 5, 6]
    assert places("segments:3", 3, 7) == [0, 0, 1, 1, 1, 2, 2]  # edges 0, 2.33, 4.67, 7


@given(st.integers(1, 40), st.lists(st.integers(1, 500), min_size=1, max_size=6), st.sampled_from(["short", "dropped"]))
def test_whatever_is_inferred_fits_and_the_truth_is_among_it(number: int, frames: list[int], kind: str) -> None:
    truth = Expansion(kind, number)
    made = [(f, -(-f // number) if kind == "short" else f // number) for f in frames]
    given_lengths = [Lengths(str(i), n, f) for i, (f, n) in enumerate(made) if n > 0]
    if not given_lengths:
        return
    found = candidates(given_lengths)
    assert all(e.fits(one.scores, one.frames) for e in found for one in given_lengths)
    readings = {tuple(e.index(one.scores, one.frames).tolist() for one in given_lengths).__repr__() for e in found}
    wanted = [truth.index(one.scores, one.frames).tolist() for one in given_lengths]
    assert tuple(wanted).__repr__() in readings or number == 1
    assert len(distinct(found, given_lengths)) == len(readings)


@given(st.integers(1, 64), st.integers(1, 300))
def test_segments_are_those_of_a_plain_loop(number: int, frames: int) -> None:
    edges = [round(x) for x in np.linspace(0, frames, number + 1).tolist()]
    plain = np.zeros(frames, int)
    for segment in range(number):
        plain[edges[segment] : edges[segment + 1]] = segment
    np.testing.assert_array_equal(Expansion("segments", number).index(number, frames), plain)


def test_windows_in_the_middle_and_a_sample_of_the_last_frame() -> None:
    with pytest.raises(DataError, match=r"--expand first:15 = .*--expand last:15 = .*--expand middle:15 = "):
        infer(lengths(81, 85, 49), "scores")
    middle = choose("middle:3", [Lengths("a", 4, 7)], "x")
    assert middle.index(4, 7).tolist() == [0, 0, 1, 2, 3, 3, 3]
    ends = choose("ends:3", [Lengths("a", 4, 9), Lengths("b", 3, 7)], "x")
    assert ends.index(4, 9).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 3]
    assert ends.index(3, 7).tolist() == [0, 0, 0, 1, 1, 1, 2]


def test_the_video_that_breaks_the_pattern_is_named() -> None:
    with pytest.raises(
        DataError, match=r"2 of 3 videos have one score for every 16 .*; not a \(5 for 96 frames, exp.* 6\)"
    ):
        infer(lengths(5, 7, 4), "scores")
