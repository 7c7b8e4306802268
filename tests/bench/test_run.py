"""A run: fit, score, report; stages that are done and unchanged are skipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner, Result
from PIL import Image

from lavida.modeling import Lavida
from lavida.processing import LavidaProcessor
from lavida_bench.cli import main
from lavida_bench.config import recipe as recipes
from lavida_bench.results import results_json
from lavida_bench.runs.stages import Stages
from lavida_gen.cli import main as build
from lavida_gen.common.errors import DataError


def plain(corpus: Path) -> dict[str, Any]:
    return {
        "name": "small-run",
        "about": "A run of a test.",
        "seed": 3,
        "model": {"preset": "tiny"},
        "data": [{"corpus": str(corpus)}],
        "fit": {
            "steps": 2, "batch": 2, "accumulation": 1, "lr": 1e-3, "warmup": 0, "validation": None,
            "loader": {"workers": 0}, "checkpoint": {"every": 1}, "precision": "no",
        },
        "score": [
            {"benchmark": "street", "options": {"videos": 2, "frames": 16, "size": [96, 144]}, "absent": ["horse"]},
            {"benchmark": "street", "protocol": "paper", "names": "generic", "options": {"videos": 2, "frames": 16, "size": [96, 144]}},
        ],
    }  # fmt: skip


def go(tmp: Path, raw: dict[str, Any], *words: str) -> Result:
    (tmp / "r.yaml").write_text(yaml.safe_dump(raw))
    return CliRunner().invoke(main, ["run", "-r", str(tmp / "r.yaml"), "-o", str(tmp / "run"), *words])


def times(run: Path) -> dict[str, str]:
    stages = json.loads((run / "run.json").read_text("utf-8"))["stages"]
    return {stage["name"]: stage["finished"] + str(stage["seconds"]) for stage in stages}


@pytest.mark.slow
def test_a_run_is_done_once_and_summarised(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    words = ["build", "-r", "street", "-o", str(corpus), "-w", "1", "--set", "samples=6", "--set", "sources.0.scenes=6",
             "--set", "sources.1.scenes=6", "--set", "val=0"]  # fmt: skip
    assert CliRunner().invoke(build, words).exit_code == 0
    raw = plain(corpus)
    result = go(tmp_path, raw)
    assert result.exit_code == 0, result.output
    run = tmp_path / "run"
    assert [(entry.result.method, entry.result.protocol) for entry in results_json.read(run).entries] == [
        ("small-run", "official/2"), ("small-run (generic)", "paper/2"),
    ]  # fmt: skip
    text = (run / "README.md").read_text("utf-8")
    for part in (
        "frame AUC",
        "small-run",
        "[95 %]",
        "video_oracle",
        "prompt check: mean logit with the names minus",
        "warning: This model knows drawings only",
        "report: ",
    ):
        assert part in result.output, "the numbers are printed at the end"
    for part in ("# Run small-run", "| fit |", "| score street-paper-generic |", "Does it follow its prompt?", "horse",
                 "> **Warning:** This model knows drawings only"):  # fmt: skip
        assert part in text
    for name in ("recipe.yaml", "report.html", "report.md", "fit", "scores"):
        assert f"[{name}]({name})" in text
        assert (run / name).exists()
    assert recipes.load(str(run / "recipe.yaml")) == recipes.load(str(tmp_path / "r.yaml"))

    before = times(run)
    page = (run / "report.html").read_bytes()
    assert b"data:image/webp" not in page
    for options in ([], ["--single-file"], []):
        again = go(tmp_path, raw, *options)
        assert again.exit_code == 0, again.output
        assert (b"data:image/webp" in (run / "report.html").read_bytes()) is bool(options)
        after = times(run)
        assert {**after, "report": ""} == {**before, "report": ""}, "nothing is done twice"
    assert (run / "report.html").read_bytes() == page
    before = times(run)

    (run / "report.html").unlink()
    result = CliRunner().invoke(main, ["report", str(run), "--text"])
    assert result.exit_code == 0, result.output
    assert "## street: small-run, protocol official/2" in result.output
    assert (run / "report.html").read_bytes() == page

    (run / "scores" / "street" / "videos" / "Test001.npz").unlink()
    kept = (run / "scores" / "street" / "videos" / "Test002.npz").stat().st_mtime_ns
    assert go(tmp_path, raw).exit_code == 0
    after = times(run)
    assert {name for name in after if after[name] != before[name]} <= {"score street", "report"}
    assert after["score street"] != before["score street"]
    assert (run / "scores" / "street" / "videos" / "Test002.npz").stat().st_mtime_ns == kept

    raw["score"][0]["names"] = "generic"
    raw["score"][0]["label"] = "street"
    changed = go(tmp_path, raw)
    assert changed.exit_code == 0, changed.output
    assert (
        'the recipe has changed: score.0.label null -> "street", score.0.names "benchmark" -> "generic"'
        in changed.output
    )
    assert times(run)["fit"] == before["fit"], "other words to score with leave the fit alone"
    raw["fit"]["lr"] = 2e-3
    refused = go(tmp_path, raw)
    assert refused.exit_code == 2
    assert (
        "run: was fitted by another recipe: fit.lr 0.001 -> 0.002; give another --out for the changed recipe"
        in refused.output
    )
    assert recipes.load(str(run / "recipe.yaml")).fit.lr == 1e-3, "a refused recipe is not noted"


@pytest.mark.slow
def test_without_a_fit_the_model_is_scored_as_it_is(tmp_path: Path) -> None:
    raw = plain(tmp_path)
    raw["score"] = raw["score"][1:]
    del raw["fit"], raw["data"]
    raw["model"]["config"] = {"reduction_ratio": 1.0}
    result = go(tmp_path, raw)
    assert result.exit_code == 0, result.output
    assert list(times(tmp_path / "run")) == ["score street-paper-generic", "report"]
    stored = sorted((tmp_path / "run" / "scores").rglob("*.npz"))
    before = [file.stat().st_mtime_ns for file in stored]
    raw["model"]["config"]["score_names"] = False
    result = go(tmp_path, raw)
    assert result.exit_code == 0, result.output
    assert "the recipe has changed: model.config.score_names" in result.output
    after = [file.stat().st_mtime_ns for file in stored]
    assert all(one < other for one, other in zip(before, after, strict=True)), "no weight changed, but the model did"


@pytest.mark.slow
def test_a_model_that_changes_below_its_config_is_scored_again(tmp_path: Path) -> None:
    model = Lavida.from_preset("tiny")
    model.save_pretrained(tmp_path / "model")
    LavidaProcessor.from_preset("tiny").save_pretrained(tmp_path / "model")
    raw = plain(tmp_path)
    raw["score"] = [raw["score"][1] | {"label": "one"}]
    del raw["fit"], raw["data"]
    raw["model"] = {"path": str(tmp_path / "model"), "config": {"reduction_ratio": 1.0}}
    assert go(tmp_path, raw).exit_code == 0
    before = times(tmp_path / "run")
    assert go(tmp_path, raw).exit_code == 0
    assert times(tmp_path / "run") == before
    with torch.no_grad():
        model.projector.name_out.bias += 1
    model.save_pretrained(tmp_path / "model")
    assert go(tmp_path, raw).exit_code == 0
    assert times(tmp_path / "run")["score one"] != before["score one"]


@pytest.mark.slow
def test_corrected_labels_are_measured_again_without_scoring(tmp_path: Path) -> None:
    root = tmp_path / "mine"
    for name in ("one", "two"):
        (root / "videos" / name).mkdir(parents=True)
        for frame in range(8):
            Image.new("RGB", (64, 48), (frame * 30, 90, 60)).save(root / "videos" / name / f"{frame}.png")
    (root / "labels.csv").write_text("video,start,end,name\none,2,5,bicycle\ntwo,,\n")
    raw = plain(tmp_path)
    del raw["fit"], raw["data"]
    raw["score"] = [{"benchmark": "folder", "root": str(root)}]
    result = go(tmp_path, raw)
    assert result.exit_code == 0, result.output
    before, scores = times(tmp_path / "run"), tmp_path / "run" / "scores" / "folder" / "videos" / "one.npz"
    written = scores.stat().st_mtime_ns
    assert go(tmp_path, raw).exit_code == 0
    assert times(tmp_path / "run") == before
    (root / "labels.csv").write_text("video,start,end,name\none,3,5,bicycle\ntwo,,\n")
    report = (tmp_path / "run" / "results.json").read_bytes()
    result = go(tmp_path, raw)
    assert result.exit_code == 0, result.output
    assert "score folder: the labels have changed" in result.output
    assert times(tmp_path / "run")["score folder"] != before["score folder"]
    assert scores.stat().st_mtime_ns == written
    assert (tmp_path / "run" / "results.json").read_bytes() != report


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": "nolist.txt"}, "score[0].names: names 'nolist.txt': no such file"),
        ({"protocol": "strict"}, "unknown protocol 'strict'"),
        ({"benchmark": "steret"}, "did you mean 'street'"),
        ({"options": {"vidoes": 3}}, "did you mean 'videos'"),
        ({"absent": ["a", "a"]}, "'a' appears twice"),
        ({"batch": 0}, "batch"),
    ],
)
def test_invalid_entries_are_refused_before_anything_is_done(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    raw = plain(tmp_path)
    raw["score"][0] |= change
    result = go(tmp_path, raw)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert not (tmp_path / "run").exists()


def test_a_recipe_of_other_scorers_needs_no_model(tmp_path: Path) -> None:
    entry = {**plain(tmp_path)["score"][0], "scorer": "flow", "absent": []}
    result = go(tmp_path, {"name": "others", "score": [entry]})
    assert result.exit_code == 0, result.output
    assert results_json.read(tmp_path / "run").entries[0].result.method == "flow"
    again = go(tmp_path, {"name": "others", "score": [entry, {"benchmark": "street"}]})
    assert again.exit_code == 2
    assert "model is missing; expected `model:` with a preset, a path or parts" in again.output


def test_two_entries_need_two_labels(tmp_path: Path) -> None:
    raw = plain(tmp_path)
    raw["score"][1] = raw["score"][0]
    result = go(tmp_path, raw)
    assert result.exit_code == 2
    assert "two entries of score are 'street'; give one a label" in result.output


def test_a_folder_without_results_has_no_report(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert result.exit_code == 1
    assert "results.json: no such file; expected the results of a run" in result.output


# ---- stages --------------------------------------------------------------------------------------------------------


def test_a_stage_is_recorded_when_it_is_finished(tmp_path: Path) -> None:
    stages = Stages.open(tmp_path, "r")
    with pytest.raises(ZeroDivisionError):
        stages.run_stage("fit", "key", lambda: {"model": str(1 // 0)})
    assert not (tmp_path / "run.json").exists()
    stages.run_stage("fit", "key", lambda: {"model": "fit/model"})
    read = Stages.open(tmp_path, "r")
    assert read.done == stages.done
    assert read.done["fit"].facts == {"model": "fit/model"}
    assert read.is_done("fit", "key")
    assert not read.is_done("fit", "other")
    assert not read.is_done("score", "key")


def test_only_the_first_process_writes(tmp_path: Path) -> None:
    stages = Stages.open(tmp_path, "r", writes=False)
    stages.run_stage("fit", "key", dict)
    assert stages.is_done("fit", "key")
    assert not (tmp_path / "run.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        ('{"format": 9, "stages": []}', "format 9; expected 1"),
        ('{"format": 1}', "cannot be read"),
    ],
)
def test_a_broken_run_json_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(DataError, match=message):
        Stages.open(tmp_path, "r")
