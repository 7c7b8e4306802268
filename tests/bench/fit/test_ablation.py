"""Ablations: every arm adds exposures, nothing else differs; problems of any arm are reported before any work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from lavida_bench.cli import main
from lavida_bench.runs import ablation
from lavida_gen.common.errors import UserError

SMALL = [
    "corpus.samples=16", "corpus.val=0.25", "corpus.shard.samples=8", "corpus.sources=[{name: street, size: [96, 128]}]",
    "run.fit={steps: 1, batch: 2, precision: 'no', validation: null, loader: {workers: 0}}",
    "run.score=[{benchmark: street, options: {videos: 2, frames: 16, size: [96, 128]}}]",
    "arms=[{name: plain, exposures: [relabel, absent]}, {name: pasted, exposures: [paste]}]",
]  # fmt: skip


def test_the_built_in_one_switches_exposures_on_one_by_one(tmp_path: Path) -> None:
    made = ablation.resolve_arms(ablation.load("exposures"), tmp_path)
    assert [arm.exposures[-1] for arm in made] == [
        "absent", "near_miss", "paste", "motion", "swap", "several", "context",
    ]  # fmt: skip
    assert [len(arm.exposures) for arm in made] == [2, 3, 4, 5, 6, 7, 8]
    budgets = {json.dumps(arm.run.model_dump(mode="json", exclude={"name", "data"})) for arm in made}
    corpora = {json.dumps(arm.corpus.published() | {"name": "", "exposures": []}) for arm in made}
    assert len(budgets) == len(corpora) == 1, "only the exposures differ"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["arms.1.exposures=[pasta]"], r"exposures, arm near_miss: corpus: 1 problem\n  exposures\[2\]\.name: .*paste"),
        (["run.fit.step=3"], r"exposures, arm relabel: run: 1 problem\n  fit\.step: .* did you mean 'steps'"),
        (["arms.1.name=relabel"], "two arms have one name: relabel, relabel, paste"),
        (
            ["run.score=[{benchmark: street}, {benchmark: street, protocol: official/2, names: generic}]"],
            r"^exposures: run: score has street under official 2 times; expected each benchmark and protocol once; keep",
        ),
        (["armz=1"], r"armz: a recipe has no such option; did you mean 'arms'\?"),
    ],
)
def test_invalid_ablations(tmp_path: Path, settings: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ablation.resolve_arms(ablation.load("exposures", settings), tmp_path)


def test_one_benchmark_under_two_protocols(tmp_path: Path) -> None:
    settings = ["run.score=[{benchmark: street}, {benchmark: street, protocol: paper}]"]
    assert len(ablation.resolve_arms(ablation.load("exposures", settings), tmp_path)[0].run.score) == 2


def test_an_unknown_name() -> None:
    with pytest.raises(UserError, match=r"unknown recipe 'exposure'; did you mean 'exposures'\? \(a name, or the path"):
        ablation.load("exposure")


def test_what_cannot_be_scored_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    words = ["ablate", "-r", "exposures", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(main, [*words, "--set", f"run.score=[{{benchmark: avenue, root: {tmp_path}/none}}]"])
    assert done.exit_code == 1
    assert done.output.startswith(f"error: exposures: run: 1 problem\n  score[0].root: {tmp_path}/none: no such folder")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_small_ablation(tmp_path: Path) -> None:
    words = ["ablate", "-r", "exposures", "-o", str(tmp_path)]
    for setting in SMALL:
        words += ["--set", setting]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    text = (tmp_path / "ablation.md").read_text()
    assert "| plain | relabel, absent |" in text
    assert "| pasted | relabel, absent, paste |" in text
    rows = json.loads((tmp_path / "ablation.json").read_text())["arms"]
    assert [row["arm"] for row in rows] == ["plain", "pasted"]
    first, second = (row["metrics"]["pixel_auc"] for row in rows)
    assert first["gain"] is None
    assert second["gain"]["low"] <= second["gain"]["value"] <= second["gain"]["high"]
    gained = (second["estimate"]["value"] - first["estimate"]["value"]) / 100
    assert second["gain"]["value"] == pytest.approx(gained, abs=1e-6)
    recipe = yaml.safe_load((tmp_path / "pasted" / "run" / "recipe.yaml").read_text())
    assert recipe["data"] == [{"corpus": str(tmp_path / "pasted" / "corpus"), "kind": None, "weight": 1.0}]
