"""What cannot be scored is reported before anything is fitted: all of it, one line per problem, with its key."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from lavida_bench.cli import main
from lavida_bench.config.recipe import ScoreEntry
from lavida_bench.runs.preflight import find_problems
from lavida_gen.common.errors import DataError

SMALL = {"videos": 2, "frames": 16, "size": [96, 144]}


def go(tmp: Path, *score: dict[str, Any]) -> Result:
    plain = {
        "name": "r", "model": {"preset": "tiny"}, "data": [{"corpus": str(tmp / "none")}], "fit": {"steps": 1},
        "score": list(score),
    }  # fmt: skip
    (tmp / "r.yaml").write_text(yaml.safe_dump(plain))
    return CliRunner().invoke(main, ["run", "-r", str(tmp / "r.yaml"), "-o", str(tmp / "run")])


def test_everything_missing_is_reported_before_the_fit(tmp_path: Path) -> None:
    done = go(
        tmp_path,
        {"benchmark": "street", "options": SMALL},
        {"benchmark": "ucf_crime", "root": str(tmp_path / "ucf")},
        {"benchmark": "avenue", "root": str(tmp_path), "options": {"labels": "intervals"}},
    )
    assert done.exit_code == 1, done.output
    lines = done.output.splitlines()
    assert lines[0] == "error: recipe r: 2 problems"
    assert lines[1].startswith(f"  score[1].root: {tmp_path}/ucf: no such folder; expected the files of ucf_crime")
    assert lines[2].startswith(f"  score[2].root: {tmp_path}")
    assert len(lines) == 3
    assert not (tmp_path / "run").exists()


def test_invalid_entries_and_missing_files_together_are_a_user_error(tmp_path: Path) -> None:
    done = go(
        tmp_path,
        {"benchmark": "ucf_crime", "root": str(tmp_path / "ucf"), "names": "lists/mine.txt", "protocol": "papr"},
        {"benchmark": "street", "options": {"vidoes": 3}, "absent": ["a", "a"]},
    )
    assert done.exit_code == 2, done.output
    for place in ("score[0].root: ", "score[0].names: names 'lists/mine.txt': no such file", "score[0].protocol: unkn",
                  "score[1].options: street: unknown option 'vidoes'; did you mean 'videos'?",
                  "score[1].absent: names: 'a' appears twice"):  # fmt: skip
        assert f"\n  {place}" in done.output
    assert not (tmp_path / "run").exists()


def test_a_partial_benchmark_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    root = tmp_path / "street"
    assert find_problems(ScoreEntry(benchmark="street", root=str(root), options=SMALL)) == []
    shutil.rmtree(root / "Test" / "Test002")
    ((key, error),) = find_problems(ScoreEntry(benchmark="street", root=str(root), options=SMALL))
    assert (key, type(error)) == ("root", DataError)
    assert str(error).startswith(f"{root}: no official number: {root}: 1 of 2 videos are missing (Test002); ")
    assert str(error).endswith(
        "`lavida-bench check street` lists everything; --allow-partial (allow_partial) marks it as partial"
    )
    entry = {"benchmark": "street", "root": str(root), "options": SMALL}
    assert len(find_problems(ScoreEntry.model_validate({**entry, "protocol": "paper"}))) == 1
    assert find_problems(ScoreEntry.model_validate({**entry, "allow_partial": True})) == []


def test_a_benchmark_that_names_nothing(tmp_path: Path) -> None:
    options = {**SMALL, "names": []}
    ((key, error),) = find_problems(ScoreEntry(benchmark="street", root=str(tmp_path / "street"), options=options))
    assert (key, "the benchmark names no anomaly" in str(error)) == ("names", True)
    assert (
        find_problems(ScoreEntry(benchmark="street", root=str(tmp_path / "street"), options=options, names="cart"))
        == []
    )


def test_one_benchmark_on_the_command_line(tmp_path: Path) -> None:
    words = ["score", "ucf_crime", "--root", str(tmp_path / "ucf"), "--model", "tiny", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, done.output[: len(str(tmp_path)) + 10]) == (1, f"error: {tmp_path}/uc")
    done = CliRunner().invoke(main, [*words, "--names", "nolist.txt"])
    assert done.exit_code == 2
    assert done.output.startswith("error: score ucf_crime: 2 problems\n  names: names 'nolist.txt': no such file")
    done = CliRunner().invoke(main, [*words, "--label", "a/b"])
    assert (done.exit_code, "score ucf_crime: 1 problem\n  label: expected a text that matches" in done.output) == (
        2,
        True,
    )
    done = CliRunner().invoke(main, [*words, "--absent", "nolist.txt"])
    assert (done.exit_code, done.output.startswith("error: --absent 'nolist.txt': no such file")) == (2, True)
    assert not (tmp_path / "out").exists()


def test_an_option_of_the_benchmark_at_the_top_of_its_entry(tmp_path: Path) -> None:
    done = go(tmp_path, {"benchmark": "street", "videos": 3})
    assert done.exit_code == 2
    assert "\n  score[0].videos: no such option; `videos` is an option of street: options.videos\n" in done.output


def test_the_docs_list_every_key_of_an_entry() -> None:
    page = (Path(__file__).parents[2] / "docs" / "run.md").read_text("utf-8")
    listed = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert listed == [*ScoreEntry.model_fields]


@pytest.mark.parametrize(
    ("names", "slug"),
    [
        ("benchmark", "street"), ("generic", "street-generic"), ("lists/my names.txt", "street-my-names"),
        ("bicycle, cart", "street-bicycle-cart"), ("cart", "street-cart"),
    ],
)  # fmt: skip
def test_names_give_the_folder_of_the_scores_its_name(names: str, slug: str) -> None:
    assert ScoreEntry(benchmark="street", names=names).slug == slug


def test_a_run_and_a_fit_do_not_share_a_folder(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("name: r\nmodel: {preset: tiny}\ndata: [{corpus: none}]\nfit: {steps: 1}\n")
    for file, inner in (("run.json", ""), ("fit/.fit.json", "its fit is in {run}/fit; ")):
        run = tmp_path / file.replace("/", "-")
        (run / file).parent.mkdir(parents=True)
        (run / file).write_text("{}")
        done = CliRunner().invoke(main, ["fit", "-r", str(tmp_path / "r.yaml"), "-o", str(run)])
        assert done.exit_code == 2
        assert f"error: {run}: holds a run; {inner.format(run=run)}give another --out" in done.output
    fit = tmp_path / "fit"
    fit.mkdir()
    (fit / ".fit.json").write_text("{}")
    done = CliRunner().invoke(main, ["run", "-r", str(tmp_path / "r.yaml"), "-o", str(fit)])
    assert done.exit_code == 2
    assert f"error: {fit}: holds a fit; expected the folder of a run, or a new one; give another --out" in done.output
