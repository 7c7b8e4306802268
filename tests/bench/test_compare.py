"""Two runs compared: paired intervals, choice of methods, errors, and the command over two run folders."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from lavida_bench.benchmarks import _base as benchmark
from lavida_bench.cli import main
from lavida_bench.evaluation.compare import compare, open_run, shared_entries, stored_scores
from lavida_bench.evaluation.measure import MeasureSettings, measure
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.protocol import from_id
from lavida_bench.reporting.comparison import comparison_lines, difference_rows, markdown
from lavida_bench.reporting.run_folder import add
from lavida_bench.results import results_json
from lavida_bench.results.provenance import current_provenance
from lavida_bench.results.score_store import ScoreStore
from lavida_bench.scoring.score_writer import VideoScoreWriter
from lavida_gen.common.errors import DataError, UserError


def written(folder: Path, root: Path, skill: float) -> Path:
    folder.mkdir()
    for number, one in enumerate(benchmark.make("folder", root).videos()):
        assert one.frame_labels is not None
        noise = np.random.default_rng(number).random(one.frame_count)
        np.save(folder / f"{one.key}.npy", one.frame_labels * skill + noise)
        np.save(folder / f"{one.key}.maps.npy", np.repeat(noise, 4).reshape(-1, 2, 2).astype(np.float16))
    return folder


def run(*words: object) -> Any:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, small_folder: Path) -> tuple[Path, Path]:
    """Two run folders that `score-files` wrote: one that knows the labels, one that does not."""
    home = tmp_path_factory.mktemp("compare")
    for name, skill in (("good", 2.0), ("bad", 0.0)):
        words = ["score-files", "-b", "folder", "--root", small_folder, "-s", written(home / name, small_folder, skill)]
        done = run(*words, "--resamples", 20, "--baseline", "random", "--out", home / "runs" / name)
        assert done.exit_code == 0, done.output
        assert f"report: {home / 'runs' / name / 'report.html'}" in done.output
    return home / "runs" / "good", home / "runs" / "bad"


def test_a_run_without_results(tmp_path: Path) -> None:
    results_json.write(tmp_path, results_json.RunResults())
    with pytest.raises(UserError, match=r": holds no results; score something first$"):
        open_run(str(tmp_path))


def test_the_command(runs: tuple[Path, Path], tmp_path: Path) -> None:
    done = run("compare", *runs, "--resamples", 100, "--out", tmp_path / "c")
    assert "videos are not reliable" in done.output
    assert done.exit_code == 0, done.output
    line = next(line for line in done.output.splitlines() if line.startswith("frame AUC") and "micro" in line)
    own = results_json.read(runs[0]).entries[0].result.metrics["frame_auc"].headline.value or 0
    other = results_json.read(runs[1]).entries[0].result.metrics["frame_auc"].headline.value or 0
    assert line.split()[5:8] == [f"{100 * own:.2f}", f"{100 * other:.2f}", f"+{100 * (own - other):.2f}"]
    assert line.endswith("no significant difference")  # three videos cannot show one
    plain = json.loads((tmp_path / "c" / "comparison.json").read_text())
    difference = plain["compared"][0]["differences"]["frame_auc"]["micro"]
    assert difference["value"] == pytest.approx(own - other)
    assert difference["low"] <= 0 < difference["high"]
    assert {pair["key"] for pair in plain["compared"][0]["pairs"]} == {"gate", "quiet", "yard"}
    assert "## folder, protocol official/2: good against bad" in (tmp_path / "c" / "comparison.md").read_text()
    assert (tmp_path / "c" / "comparison.html").stat().st_size > 10_000
    assert "videos are not reliable" not in run("compare", *runs, "--resamples", 0).output
    assert json.loads(run("compare", *runs, "--resamples", 0, "--json").output)[0]["methods"] == ["good", "bad"]


def test_a_run_against_itself_is_no_different(runs: tuple[Path, Path]) -> None:
    one = open_run(str(runs[0]))
    compared = compare((one, one.entries[0]), (one, one.entries[0]), bootstrap=Bootstrap(50))
    assert compared.methods[0] != compared.methods[1]
    assert "pixel_auc" in compared.differences  # the maps are read too
    for line in difference_rows(compared):
        assert line.difference.startswith(("+0.00", "–"))
        assert line.verdict in ("no significant difference", "no interval", "undefined")
    assert "no significant difference" in markdown([compared])


def test_names_of_prompts_and_the_official_metric_are_in_the_text(runs: tuple[Path, Path]) -> None:
    one, other = open_run(str(runs[0])), open_run(str(runs[1]))
    first, second = (replace(run.entries[0], names=names) for run, names in ((one, ("dog", "cat")), (other, ("dog",))))
    compared = compare((one, first), (other, second), names=["frame_auc"], bootstrap=Bootstrap(20))
    text = markdown([compared])
    for part in (
        "- names given to the prompt, both methods: dog\n", "good alone: cat\n", "bad alone: none\n",
        "| frame AUC ↑ (official metric) | micro |", "| frame AUC ↑ | macro |", "↓ lower is better",
    ):  # fmt: skip
        assert part in text
    lines = list(comparison_lines(compared, 60))
    assert any(line.startswith("frame AUC ↑ *  micro") for line in lines)
    assert max(len(line) for line in lines if line.startswith(("frame", "metric"))) <= 60
    same = compare(
        (one, first), (other, replace(second, names=first.names)), names=["frame_auc"], bootstrap=Bootstrap(0)
    )
    assert "both methods, the same: dog, cat" in markdown([same])


def test_turned_round_the_difference_changes_its_sign(runs: tuple[Path, Path]) -> None:
    one, other = open_run(str(runs[0])), open_run(str(runs[1]))
    pair = ((one, one.entries[0]), (other, other.entries[0]))
    there = compare(*pair, names=["frame_auc"], bootstrap=Bootstrap(50)).differences["frame_auc"]["macro"]
    back = compare(*pair[::-1], names=["frame_auc"], bootstrap=Bootstrap(50)).differences["frame_auc"]["macro"]
    assert (back.value, back.low, back.high) == pytest.approx(
        (-(there.value or 0), -(there.high or 0), -(there.low or 0))
    )
    assert (there.share_better or 0) + (back.share_better or 0) == pytest.approx(1)
    assert (back.first, back.second) == (there.second, there.first)


def test_one_of_several_methods_is_named(runs: tuple[Path, Path], tmp_path: Path) -> None:
    both = results_json.read(runs[0]).with_entry(results_json.read(runs[1]).entries[0])
    results_json.write(tmp_path / "both", both)
    assert [e.result.method for e in open_run(f"{tmp_path / 'both'}@bad").entries] == ["bad"]
    with pytest.raises(UserError, match=r"both@worse: no method 'worse'; expected one of: good, bad"):
        open_run(f"{tmp_path / 'both'}@worse")
    with pytest.raises(
        UserError, match=r"folder on official/2 has 2 methods; expected one method per run: .*both@good or .*both@bad"
    ):
        shared_entries(open_run(str(tmp_path / "both")), open_run(str(runs[0])))
    with pytest.raises(DataError, match="results.json: no such file"):
        open_run(str(tmp_path / "none"))


def test_runs_without_anything_in_common(runs: tuple[Path, Path], tmp_path: Path, small_folder: Path) -> None:
    scores_of = runs[0].parents[1] / "good"
    words = ["score-files", "-b", "folder", "--root", small_folder, "-s", scores_of, "--protocol", "paper"]
    assert run(*words, "--resamples", 0, "--baseline", "none", "--out", tmp_path / "p").exit_code == 0
    done = run("compare", runs[0], tmp_path / "p")
    assert done.exit_code == 2
    assert "has folder under official/2; " in done.output
    assert "has folder under paper/2; expected a benchmark and protocol that both have" in done.output


def test_scores_that_have_gone(runs: tuple[Path, Path], tmp_path: Path, small_folder: Path) -> None:
    opened = benchmark.make("folder", small_folder)
    entry = results_json.read(runs[0]).entries[0]
    moved = tmp_path / "moved"
    results_json.write(moved, results_json.RunResults((entry,)))
    with pytest.raises(
        DataError, match=r"no such folder or file; expected the scores of .*moved; put them there, or score again"
    ):
        stored_scores(moved, entry, opened)
    pairs = [(one, None) for one in opened.videos()]
    how = MeasureSettings(allow_partial=True, baselines=(), bootstrap=Bootstrap(0))
    made = measure(opened, protocols.make("official", opened.rules), pairs, "m", current_provenance(), how=how)
    add(tmp_path / "bare", made)
    done = run("compare", tmp_path / "bare", tmp_path / "bare")
    assert done.exit_code == 1
    assert "kept no scores of folder; expected scores by video; score again" in done.output


def test_other_options_do_not_compare(runs: tuple[Path, Path], tmp_path: Path, small_folder: Path) -> None:
    words = ["score-files", "-b", "folder", "--root", small_folder, "-s", runs[0].parents[1] / "good", "--set", "fps=5"]
    assert run(*words, "--resamples", 0, "--baseline", "none", "--out", tmp_path / "o").exit_code == 0
    done = run("compare", runs[0], tmp_path / "o")
    assert done.exit_code == 2
    assert "scored with {}, " in done.output
    assert "with {'fps': 5.0}; expected the same options of the benchmark" in done.output


def test_runs_are_compared_over_the_videos_of_both(runs: tuple[Path, Path], tmp_path: Path, small_folder: Path) -> None:
    fewer = written(tmp_path / "fewer", small_folder, 1.0)
    (fewer / "quiet.npy").unlink()
    words = ["score-files", "-b", "folder", "--root", small_folder, "-s", fewer, "--allow-partial", "--resamples", 0]
    assert run(*words, "--baseline", "none", "--out", tmp_path / "f").exit_code == 0
    done = run("compare", runs[0], tmp_path / "f", "--resamples", 0)
    assert done.exit_code == 0
    assert "only what both scored is compared: 2 videos" in done.output


def test_scores_of_a_store_are_read_as_it_wrote_them(tmp_path: Path, small_folder: Path) -> None:
    opened = benchmark.make("folder", small_folder)
    protocol = protocols.make("official", opened.rules)
    store = ScoreStore.create(tmp_path / "run" / "scores" / "folder", {"model": "x"})
    store.write_header()
    for one in opened.videos():
        writer = VideoScoreWriter(store, one, protocol, True)
        numbers = np.arange(one.frame_count)
        writer.add(numbers, numbers.astype(np.float32), np.zeros((len(numbers), 3, 4), np.float16))
        writer.finish()
    pairs = [(one, store.read(one)) for one in opened.videos()]
    how = MeasureSettings(baselines=(), bootstrap=Bootstrap(0))
    made = measure(opened, protocol, pairs, "m", current_provenance(), scores="scores/folder/videos", how=how)
    add(tmp_path / "run", made)
    again = list(stored_scores(tmp_path / "run", made.entry, opened))
    assert all(
        (a is not None and b is not None and (a.frames == b.frames).all())
        for (_, a), (_, b) in zip(pairs, again, strict=True)
    )
    assert all(b is not None and b.pixels is not None for _, b in again)


@pytest.mark.parametrize(
    "text", ["official/2", "official/2 (partial)", "official/2 spacing=4", "paper/2", "paper/2 every=2"]
)
def test_a_protocol_is_made_again_from_its_id(text: str) -> None:
    assert from_id(text, benchmark.make("ucf_crime").rules).id == text.removesuffix(" (partial)")
