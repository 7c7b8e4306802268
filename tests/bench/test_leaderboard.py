"""The leaderboard: every number has a source, protocols are never mixed, own runs join."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lavida_bench.cli import main
from lavida_bench.config import recipe as recipes
from lavida_bench.reporting import leaderboard
from lavida_bench.results import published, results_json
from lavida_bench.results.published import OWN_PROTOCOL, PublishedNumbers
from lavida_gen.common import plugins
from lavida_gen.common.yaml_text import load_yaml


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, ["leaderboard", *words])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("leaderboard") / "run"
    words = ["score", "street", "--scorer", "flow", "--out", str(out), "--smoothing", "2", "--set", "videos=6"]
    result = CliRunner().invoke(main, [*words, "--set", "frames=48", "--set", "size=[96,144]"])
    assert result.exit_code == 0, result.output
    return out


def plain(**change: object) -> dict[str, object]:
    """The whole file with one more row."""
    raw = load_yaml(published.FILE.read_text("utf-8"))
    assert isinstance(raw, dict)
    row = {
        "method": "x",
        "group": "weak",
        "training": "y",
        "source": ["lavida"],
        "values": {"avenue": {"frame_auc": 50}},
    }
    return {**raw, "methods": [*raw["methods"], {**row, **change}]}


def test_a_number_without_a_source_is_an_error() -> None:
    PublishedNumbers.model_validate(plain())
    with pytest.raises(ValueError, match="x: source 'memory' is not under `sources`"):
        PublishedNumbers.model_validate(plain(source=["memory"]))
    with pytest.raises(ValueError, match="too_short"):
        PublishedNumbers.model_validate(plain(source=[]))
    with pytest.raises(ValueError, match=r"x, avenue, frame_auc: 1234\.0 is no percentage"):
        PublishedNumbers.model_validate(plain(values={"avenue": {"frame_auc": 1234}}))


def test_protocols_are_never_mixed(run: Path) -> None:
    made = leaderboard.tables(runs=[run])
    assert len({(table.benchmark, table.metric, table.protocol) for table in made}) == len(made)
    for table in made:
        assert table.ranked == (table.protocol != OWN_PROTOCOL)
        assert [row.value for row in table.rows] == sorted((row.value for row in table.rows), reverse=True)
        ranks = [row.rank for row in table.rows]
        assert ranks[0] == 1 if table.ranked else set(ranks) == {None}
        assert all(row.source for row in table.rows)
    numbers = sum(len(values) for method in published.published_numbers().methods for values in method.values.values())
    assert sum(not row.own for table in made for row in table.rows) == numbers


def test_own_runs_join_under_their_protocol(run: Path) -> None:
    made = {table.metric: table for table in leaderboard.tables("street", runs=[run])}
    rows = made["frame AUC"].rows
    assert made["frame AUC"].protocol == "official/2"
    assert {row.method for row in rows} >= {"flow", "frame_difference", "centre_prior"}
    assert {row.smoothing for row in rows if row.method == "flow"} == {"", "Gaussian, sigma 2 frames"}
    assert all(row.own and row.source == str(run) for row in rows)
    value = results_json.read(run).entries[0].result.metrics["frame_auc"].variants["micro"].value
    assert value is not None
    assert [row.value for row in rows if row.method == "flow" and not row.smoothing] == [pytest.approx(100 * value)]


@pytest.mark.long
def test_the_zoo_is_one_table_in_which_random_weights_are_marked(tmp_path: Path) -> None:
    out = tmp_path / "zoo"
    result = CliRunner().invoke(main, ["run", "--recipe", "zoo-random", "--out", str(out)])
    assert result.exit_code == 0, result.output
    (table,) = (table for table in leaderboard.tables("street", runs=[out]) if table.metric == "frame AUC")
    methods = [row.method for row in table.rows]
    assert len(methods) == len(set(methods)), "a baseline is listed once"
    kinds = {entry.scorer for entry in recipes.load("zoo-random").score if entry.model == "random"}
    assert {method.partition(" ")[0] for method in methods if method.endswith("(random weights)")} == kinds
    assert {"LAVIDA tiny", "flow"} <= set(methods)


@pytest.mark.parametrize("name", ["zoo", "zoo-random"])
def test_the_zoo_has_every_scorer(name: str) -> None:
    assert {entry.scorer for entry in recipes.load(name).score} == set(plugins.built_in("lavida_bench.scorers"))


def test_equal_numbers_share_a_rank() -> None:
    rows = [leaderboard.LeaderboardRow(None, name, value, "", "", "", "", "", "x", own=True) for name, value in
            (("a", 50.0), ("b", 70.0), ("c", 50.0), ("d", 40.0))]  # fmt: skip
    made = leaderboard._table("avenue", "frame_auc", "paper/2", rows)
    assert [(row.method, row.rank) for row in made.rows] == [("b", 1), ("a", 2), ("c", 2), ("d", 4)]


def test_all_forms(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "board"
    result = invoke("ucsd_ped2", "--run", str(run), "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "UCSD Pedestrian 2: pixel AUC, protocol paper/2" in result.output
    assert "without ranks: each number is by its authors' own protocol" in result.output
    assert f"leaderboard: {out / 'leaderboard.html'}" in result.output
    text = (out / "leaderboard.md").read_text()
    assert "| 1 | LAVIDA (2026) | 87.68 | zero-shot or without training |" in text
    assert "arXiv 2602.19248" in text
    assert "github.com/lilygeorgescu/AED-SSMTL at 67e5530, README, its table of results" in text
    assert "87.68" in (out / "leaderboard.html").read_text()
    assert json.loads((out / "leaderboard.json").read_text()) == json.loads(
        invoke("ucsd_ped2", "--run", str(run), "--json").output
    )


def test_a_group_alone_and_errors(tmp_path: Path) -> None:
    shown = invoke("ubnormal", "--group", "zero-shot").output
    assert "LAVAD (2024)" in shown
    assert "TimeSformer" not in shown
    result = invoke("ubnomal")
    assert (result.exit_code, result.output.strip()) == (
        2,
        "error: unknown benchmark 'ubnomal'; did you mean 'ubnormal'?",
    )
    assert "no such file; expected the results of a run" in invoke("avenue", "--run", str(tmp_path)).output
