"""The leaderboard: every number has a source, protocols are never mixed, own runs join."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lavida_bench.cli import main
from lavida_bench.config import recipe as recipes
from lavida_bench.reporting import leaderboard
from lavida_bench.reporting.leaderboard_rows import LeaderboardRow
from lavida_bench.results import published, results_json
from lavida_bench.results.published import OWN_PROTOCOL, SECOND_HAND, PublishedNumbers
from lavida_bench.results.results_json import ResultEntry, RunResults
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


def frame_auc(runs: Sequence[Path]) -> tuple[LeaderboardRow, ...]:
    """The rows of runs on `street`."""
    (table,) = (table for table in leaderboard.tables("street", runs=runs) if table.metric == "frame AUC")
    return table.rows


def changed(run: Path, entry: ResultEntry) -> Path:
    """The run with another entry in place of its only one, in a folder of its own."""
    results_json.write(run, RunResults((entry,)))
    return run


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


def test_authors_of_a_source_wrote_a_row_of_it() -> None:
    raw = plain()
    assert isinstance(raw["sources"], dict)
    sources = {**raw["sources"], "panda": {"where": "PANDA's paper, Table 1", "authors_of": ["PANDA"]}}
    with pytest.raises(ValueError, match="source panda: authors_of has 'PANDA', of which no row is from it"):
        PublishedNumbers.model_validate({**raw, "sources": sources})


def test_rows_of_another_team_are_second_hand() -> None:
    numbers = published.published_numbers()

    def first_hand(source: str) -> set[str]:
        """Methods with a row of the source that is not marked."""
        where = numbers.sources[source].where
        mine = [method for method in numbers.methods if source in method.source]
        return {method.method for method in mine if where in numbers.where(method).split("; ")}

    assert first_hand("lavida") == {"LAVIDA"}
    assert first_hand("panda") == {"PANDA offline", "PANDA online"}
    assert first_hand("gridvad") == {"GridVAD"}
    assert first_hand("dcmd") == {"DCMD"}
    assert first_hand("ubnormal") == {"Georgescu et al. + UBnormal's anomalies"}
    assert first_hand("rodrigues") == {"Rodrigues et al."}
    assert first_hand("stgnf") == {"STG-NF", "STG-NF, supervised"}
    assert first_hand("uws4vad") == set()
    marked = {row.method: row.source for table in leaderboard.tables("ucsd_ped2") for row in table.rows}
    assert marked["DRAEM"].endswith(SECOND_HAND)
    assert SECOND_HAND not in marked["GridVAD (2026)"]


def test_protocols_are_never_mixed(run: Path) -> None:
    made = [*leaderboard.tables(), *leaderboard.tables(runs=[run])]
    assert len({(table.benchmark, table.metric, table.protocol) for table in made}) == len(made)
    for table in made:
        assert table.ranked == (table.protocol != OWN_PROTOCOL)
        ranks = [row.rank for row in table.rows]
        values = [row.value for row in table.rows if not (table.ranked and row.smoothing)]
        assert values == sorted(values, reverse=True)
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
    assert all(row.own and row.source == "run" for row in rows)
    value = results_json.read(run).entries[0].result.metrics["frame_auc"].variants["micro"].value
    assert value is not None
    assert [row.value for row in rows if row.method == "flow" and not row.smoothing] == [pytest.approx(100 * value)]


def test_smoothed_scores_have_no_rank_and_stand_last(run: Path) -> None:
    rows = frame_auc([run])
    raw = [row for row in rows if not row.smoothing]
    assert [row.rank for row in raw] == [1 + sum(other.value > row.value for other in raw) for row in raw]
    assert [(row.method, row.rank, row.smoothing) for row in rows[len(raw) :]] == [
        ("flow", None, "Gaussian, sigma 2 frames")
    ]


def test_equal_rows_of_several_runs_are_one(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(run, other)
    (entry,) = results_json.read(run).entries
    changed(other, replace(entry, result=replace(entry.result, method="mine")))
    alone, both = frame_auc([run]), frame_auc([run, other])
    assert {row.method: row.source for row in both if not row.smoothing} == {
        **{row.method: "run; other" for row in alone if "baseline" in row.note}, "flow": "run", "mine": "other"
    }  # fmt: skip
    flow = next(row for row in alone if row.method == "flow" and not row.smoothing)
    baselines_above = sum(row.value > flow.value for row in alone if row.rank is not None)
    ranks = {row.method: row.rank for row in both if not row.smoothing}
    assert ranks["flow"] == ranks["mine"] == baselines_above + 1


def test_boards_hold_no_folder_but_the_name_of_the_run(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (entry,) = results_json.read(run).entries
    tracks = replace(entry.data, settings={**entry.data.settings, "tracks": str(tmp_path / "boxes")})
    same_name = changed(tmp_path / "second" / "run", replace(entry, data=tracks))
    out = tmp_path / "board"
    monkeypatch.chdir(tmp_path)
    result = invoke("street", "--run", str(run), "--run", str(same_name), "--run", "second/run", "--out", str(out))
    assert result.exit_code == 0, result.output
    for name in ("leaderboard.json", "leaderboard.md", "leaderboard.html"):
        text = (out / name).read_text()
        assert str(tmp_path) not in text
        assert str(run) not in text
        assert "second/run" in text
        assert "tracks=boxes" in text
    alone = frame_auc([Path("second/run")])
    assert {row.source for row in alone} == {"run"}


def test_own_rows_have_what_was_scored_and_what_is_not_by_default(run: Path, tmp_path: Path) -> None:
    options = "videos=6; frames=48; size=[96, 144]"
    rows = {row.method: row for row in frame_auc([run])}
    assert (rows["flow"].note, rows["flow"].training) == (f"6 of 48 videos; {options}", "not recorded")
    assert rows["random"].note == f"baseline; 6 of 48 videos; {options}"
    assert rows["random"].training == "none"
    (entry,) = results_json.read(run).entries
    whole = replace(entry.result.coverage, videos=48, videos_total=48)
    model = {"names of the prompt": "generic", "fitted on": "drawn 100 %: street"}
    other = changed(
        tmp_path / "run",
        replace(
            entry, data=replace(entry.data, settings={"videos": 48, "size": [240, 360]}),
            result=replace(entry.result, coverage=whole), provenance=replace(entry.provenance, model=model),
        ),
    )  # fmt: skip
    (flow, *_) = (row for row in frame_auc([other]) if row.method == "flow")
    assert (flow.note, flow.training) == ("names of the prompt: generic; 48 videos", "drawn 100 %: street")


def test_a_part_of_a_benchmark_has_no_rank_beside_the_whole(run: Path, tmp_path: Path) -> None:
    (entry,) = results_json.read(run).entries
    whole = replace(entry.result, coverage=replace(entry.result.coverage, videos=48, videos_total=48), method="whole")
    data = replace(entry.data, settings={"videos": 48, "size": [240, 360]})
    other = changed(tmp_path / "run", replace(entry, result=whole, data=data, baselines=()))
    rows = {row.method: row for row in frame_auc([run, other]) if not row.smoothing}
    assert (rows.pop("whole").rank, {row.rank for row in rows.values()}) == (1, {None})
    assert next(row.method for row in frame_auc([run, other])) == "whole", "rows without a rank stand after it"
    assert all(row.rank for row in frame_auc([run]) if not row.smoothing), "all of the same part: they compare"
    fewer = replace(entry, data=replace(entry.data, settings={**entry.data.settings, "frames": 24}))
    assert not any(row.rank for row in frame_auc([run, changed(tmp_path / "fewer", fewer)]))


def test_runs_without_a_benchmark_show_theirs_alone(run: Path) -> None:
    assert {table.benchmark for table in leaderboard.tables(runs=[run])} == {"street"}
    output = invoke("--run", str(run)).output
    assert "drawn street videos: frame AUC" in output
    assert "LAVIDA" not in output


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
    rows = [LeaderboardRow(None, name, value, "", "", "", "", "", "x", own=True) for name, value in
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
    result = invoke("street")
    assert (result.exit_code, result.output.strip()) == (
        2,
        "error: benchmark 'street': known, but no published number is on it; give --run RUN with results on it",
    )
    assert "did you mean 'street'?" in invoke("stret").output
    assert "no such file; expected the results of a run" in invoke("avenue", "--run", str(tmp_path)).output
