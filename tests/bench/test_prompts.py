"""Lists of names that a prompt is given, and the check that a model follows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lavida.modeling import Lavida
from lavida_bench.benchmarks._base import known, make
from lavida_bench.config.recipe import ScoreEntry
from lavida_bench.evaluation import prompt_check
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.protocols import prompt_names
from lavida_bench.protocols.prompt_names import PromptNames, parse_prompt_names, prompt_names_from_list
from lavida_bench.reporting.console import entry_lines
from lavida_bench.results import results_json
from lavida_bench.runs.score_stage import run_entry
from lavida_bench.scoring.score import ScoringSettings
from lavida_bench.scoring.scorer import ClipScores, PendingScores
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError, UserError


def video(key: str, frames: int, names: tuple[str, ...] = ("a", "b"), abnormal: int = 0) -> TestVideo:
    def unread(start: int, stop: int, step: int) -> None:
        raise AssertionError("no frame is read")

    return TestVideo(key, frames, (4, 4), unread, 10.0, names, np.arange(frames) < abnormal)


def test_names_come_from_the_benchmark_the_generic_list_or_a_file(tmp_path: Path) -> None:
    videos = [video("v", 3), video("w", 3)]
    assert parse_prompt_names("benchmark").for_video(videos[0]) == ("a", "b")
    assert parse_prompt_names("benchmark").record(videos) == {"kind": "benchmark", "list": ["a", "b"]}
    assert parse_prompt_names("benchmark").record([videos[0], video("x", 3, ("c",))]) == {
        "kind": "benchmark",
        "list": None,
    }
    generic = parse_prompt_names("generic")
    assert generic.record(videos)["kind"] == "generic"
    assert generic.for_video(videos[0]) == generic.for_video(videos[1])
    (tmp_path / "mine.txt").write_text("﻿one\n\n# no name\n  two   words \n", "utf-8")
    assert parse_prompt_names(str(tmp_path / "mine.txt")) == PromptNames("file", ("one", "two words"))


def test_the_generic_list_is_neutral() -> None:
    """Not one benchmark's classes: no benchmark's list is contained in it, nor is it in one."""
    generic = set(parse_prompt_names("generic").names or ())
    assert 20 <= len(generic) <= 40
    for name in known():
        own = set(make(name, "nowhere").about.names)
        if len(own) > 1:
            assert not own <= generic, name
            assert not generic <= own, name


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (
            "benchmrak",
            r"names 'benchmrak': no such list; expected benchmark, generic, names by commas.*did you mean 'benchmark'",
        ),
        ("none.txt", r"names 'none\.txt': no such file; expected .*a file with one name a line"),
        ("~/none", "names '~/none': no such file"),
        ("cart, lists/none", "names 'lists/none': no such file"),
        ("cart,,bicycle", "names: an empty name"),
        ("empty.txt", "no name; expected at least one"),
        ("twice.txt", "'cart' appears twice"),
        ("many.txt", "501 names; expected at most 500"),
        ("latin.txt", "is not UTF-8 text"),
    ],
)
def test_invalid_lists_of_names_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("# nothing\n")
    Path("twice.txt").write_text("cart\ncart\n")
    Path("many.txt").write_text("\n".join(f"name {n}" for n in range(501)))
    Path("latin.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(UserError, match=message):
        parse_prompt_names(word)


def test_names_by_commas_are_recorded_in_their_order() -> None:
    chosen = parse_prompt_names(" a  bicycle, cart")
    assert chosen == PromptNames("given", ("a bicycle", "cart"))
    assert chosen.record([video("v", 3, ("x",))]) == {"kind": "given", "list": ["a bicycle", "cart"]}
    assert parse_prompt_names("bench").names == ("bench",), "a thing, and no slip of benchmark"
    assert len(parse_prompt_names(", ".join(f"a name of some length {n}" for n in range(400))).names or ()) == 400


def test_the_error_for_a_benchmark_without_names_gives_a_remedy() -> None:
    with pytest.raises(DataError, match="v: the benchmark names no anomaly; .*--names generic"):
        PromptNames("benchmark").for_video(video("v", 3, ()))


def test_blanks_around_given_names_do_not_count() -> None:
    assert prompt_names_from_list([" a ", "b  c"]).names == ("a", "b c")
    assert prompt_names.read_names_file(prompt_names.GENERIC)


def score(key: str, values: list[float], scored: list[bool] | None = None) -> VideoScore:
    return VideoScore(key, np.array(values), None if scored is None else np.array(scored))


def test_changes_are_paired_by_frame_and_weighted_by_frames() -> None:
    first = (video("v", 3, abnormal=2), score("v", [3, 5, 1]), score("v", [1, 1, 1]))
    second = (video("w", 2, abnormal=0), score("w", [0, 9], [True, False]), score("w", [1, 0]))
    falls = prompt_check.logit_changes([first, second], Bootstrap(200, 1))
    assert (falls["all"].value, falls["all"].frames, falls["all"].videos) == ((2 + 4 + 0 - 1) / 4, 4, 2)
    assert (falls["abnormal"].value, falls["abnormal"].low) == (3.0, None)
    assert falls["normal"].value == -0.5
    assert falls["all"].low == -1.0
    assert falls["all"].high == 2.0
    assert str(falls["all"]) == "+1.250 [-1.000, +2.000]"
    assert str(falls["abnormal"]) == "+3.000"


def test_95_percent_intervals_cover_the_truth_in_about_95_percent_of_the_cases() -> None:
    rng, hits = np.random.default_rng(0), 0
    for _ in range(100):
        triples = []
        for at in range(30):
            change = rng.normal(0.5, 1) + rng.normal(0, 0.1, 20)
            triples.append((video(str(at), 20), score(str(at), change.tolist()), score(str(at), [0.0] * 20)))
        fall = prompt_check.logit_changes(triples, Bootstrap(300, 0))["all"]
        assert fall.low is not None
        assert fall.high is not None
        hits += fall.low <= 0.5 <= fall.high
    assert 86 <= hits <= 100


def test_no_frame_with_both_scores_is_an_error() -> None:
    one = (video("v", 1), score("v", [1.0], [False]), score("v", [1.0]))
    with pytest.raises(DataError, match="prompt check: no frame is scored with both lists of names"):
        prompt_check.logit_changes([one])


class Picky:
    """Rising scores. Takes no wide frame with any name of `refused`."""

    name = "picky"

    def __init__(self, refused: tuple[str, ...], widest: int = 64) -> None:
        self.identity = {"toy": "picky"}
        self.refused, self.widest = refused, widest

    def prepare(self, clips: Sequence[NDArray[np.uint8]], names: tuple[str, ...]) -> Any:
        if clips[0].shape[2] > self.widest and set(names) & set(self.refused):
            raise DataError("a frame too wide")
        return sum(len(clip) for clip in clips)

    def score(self, prepared: Any) -> PendingScores:
        return lambda: ClipScores(np.arange(prepared, dtype=np.float32))


def checked(
    scorer: Picky, tmp_path: Path, allow_partial: bool = True, absent: tuple[str, ...] = ("horse",)
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """What prompt_check-folder.json holds of all frames, and the warnings, of two videos 64 wide and one of 96."""
    root, run = tmp_path / "folder", tmp_path / "run"
    for key, width in (("a", 64), ("b", 64), ("wide", 96)):
        (root / "videos" / key).mkdir(parents=True, exist_ok=True)
        for frame in range(8):
            Image.new("RGB", (width, 48)).save(root / "videos" / key / f"{frame}.png")
    (root / "labels.csv").write_text("video,start,end,name\na,2,5,cart\nb,2,5,cart\nwide,2,5,cart\n")
    entry = ScoreEntry(benchmark="folder", root=str(root), absent=absent, allow_partial=allow_partial)
    run_entry(scorer, entry, run, ScoringSettings(readers=1), True, lambda total, what: nullcontext(lambda done: None))
    path = run / "prompt_check-folder.json"
    check = json.loads(path.read_text())["all"] if path.is_file() else None
    return check, results_json.read(run).entries[0].result.warnings


@pytest.mark.parametrize("refused", [("cart", "horse"), ("cart",), ("horse",)])
def test_a_partial_result_has_a_prompt_check_of_what_both_have(tmp_path: Path, refused: tuple[str, ...]) -> None:
    check, _ = checked(Picky(refused), tmp_path)
    assert check is not None
    assert (check["frames"], check["videos"]) == (16, 2)


def test_what_the_model_has_seen_is_in_the_report(tmp_path: Path) -> None:
    class Drawn(Picky):
        fitted_on = Lavida.from_preset("tiny").fitted_on

    _, warnings = checked(Drawn(()), tmp_path, absent=())
    sentence = "This model knows drawings only: its scores of real footage mean nothing."
    assert sentence in warnings
    (entry,) = results_json.read(tmp_path / "run").entries
    assert entry.provenance.model["fitted on"] == "drawn 100 %: street"
    for text in ((tmp_path / "run" / name).read_text("utf-8") for name in ("report.md", "report.html")):
        assert sentence in text
        assert "drawn 100 %: street" in text
    assert f"warning: {sentence}" in [*entry_lines(entry)]


def test_a_prompt_check_without_frames_warns_and_replaces_an_older_one(tmp_path: Path) -> None:
    check, warnings = checked(Picky(()), tmp_path)
    assert check is not None
    warning = "the prompt check has no result: no frame is scored with both lists of names"
    assert warning not in warnings
    other = Picky(("horse",), widest=0)
    other.identity = {"toy": "other"}
    check, warnings = checked(other, tmp_path)
    assert (check, warning in warnings) == (None, True)


def test_a_prompt_check_that_is_no_longer_requested_is_removed(tmp_path: Path) -> None:
    assert checked(Picky(()), tmp_path)[0] is not None
    assert checked(Picky(()), tmp_path, absent=())[0] is None


def test_a_whole_result_needs_every_video_with_both_lists(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 video could not be scored: wide: a frame too wide"):
        checked(Picky(("horse",)), tmp_path, allow_partial=False)
    assert not (tmp_path / "run" / "prompt_check-folder.json").exists()
