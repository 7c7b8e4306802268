"""The recipes of the paper's mixture: their entries, the report of missing data, and 700 samples."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import miniatures
import pytest
from click.testing import CliRunner
from miniatures import world

from lavida_gen.building import build as builder
from lavida_gen.building.check import check_data
from lavida_gen.cli import main
from lavida_gen.common import plugins
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import EXPOSURES, CorpusRecipe
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.inspection import verify

PAPER = {  # LAVIDA's mixing weights (arXiv 2602.19248), the most names a prompt lists, whether a unit is a clip
    "youtube_vos": (0.05, 30, True),
    "ref_youtube_vos": (0.20, 30, True),
    "mevis": (0.25, 30, True),
    "ref_davis": (0.20, 30, True),
    "cityscapes": (0.05, 6, False),
    "refcoco": (0.10, 30, False),
    "ade20k": (0.10, 30, False),
    "mapillary": (0.05, 20, False),
}
SAMPLES = 700
BOTH = pytest.mark.parametrize("name", ["paper", "paper-plus"])


def over_drawn(name: str, home: Path, *settings: str) -> CorpusRecipe:
    """A built-in recipe over the data sets that are drawn below `home`."""
    sources = recipes.load(name).sources
    roots = [f"sources.{number}.root={home / entry.name}" for number, entry in enumerate(sources)]
    return recipes.load(name, [*roots, *settings])


@BOTH
def test_the_papers_mixture(name: str) -> None:
    recipe = recipes.load(name)
    weights: Counter[str] = Counter()
    for entry in recipe.sources:
        weights[entry.name] += entry.weight
        _, names, clip = PAPER[entry.name]
        assert (entry.names_per_prompt or recipe.names_per_prompt) == names
        assert getattr(entry.options, "frames", None) == (8 if clip else None)
    assert weights == pytest.approx({source: weight for source, (weight, _, _) in PAPER.items()})
    assert sum(weights.values()) == pytest.approx(1)
    assert recipe.anomaly_ratio == 0.5
    assert [getattr(entry.options, "dataset", None) for entry in recipe.sources if entry.name == "refcoco"] == [
        "refclef", "refcoco", "refcoco+", "refcocog",
    ]  # fmt: skip


def test_paper_plus_has_every_exposure() -> None:
    assert {entry.name for entry in recipes.load("paper-plus").exposures} == set(plugins.names(EXPOSURES))
    assert [entry.name for entry in recipes.load("paper").exposures] == ["relabel", "absent"]


@BOTH
def test_check_lists_all_missing_data_at_once(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["check", "--recipe", name])
    assert result.exit_code == 1
    for number, entry in enumerate(recipes.load(name).sources):
        assert f"sources[{number}] ({entry.name}): root: no folder data/{entry.name}; expected" in result.output
        assert f"see `lavida-gen sources {entry.name}`" in result.output
    assert result.output.endswith(f"recipe {name}: 11 problems\n")


def test_a_root_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    miniatures.draw("mevis", tmp_path / "here")
    monkeypatch.setenv("MEVIS_ROOT", str(tmp_path / "here"))
    problems = "\n".join(finding.text for finding in check_data(recipes.load("paper")))
    assert "(mevis)" not in problems
    assert "(ref_davis)" in problems


@pytest.mark.slow
def test_paper_plus_builds_and_verifies(tmp_path: Path) -> None:
    world.draw(tmp_path)
    shorter = [f"sources.{number}.frames=2" for number in range(4)]  # clips of 2 frames: time
    recipe = over_drawn("paper-plus", tmp_path, f"samples={SAMPLES}", "val=0.1", *shorter)
    assert list(check_data(recipe)) == []
    corpus = tmp_path / "corpus"
    builder.build(recipe, corpus)
    opened = open_corpus(corpus)
    assert verify.find_problems(opened) == []
    rows = opened.rows()
    assert len(rows) == SAMPLES
    made = Counter((row["exposure"], row["exposed"]) for row in rows)
    for entry in recipe.exposures:
        outcomes = plugins.find(EXPOSURES, recipes.Exposure, entry.name).outcomes
        assert all(made[entry.name, outcome] > 6 for outcome in outcomes), (entry.name, made)
    assert {row["source"] for row in rows} == set(PAPER)
    assert abs(sum(row["exposed"] for row in rows) / SAMPLES - 0.5) < 0.05
    assert json.loads((corpus / "corpus.json").read_text())["samples"] == SAMPLES
