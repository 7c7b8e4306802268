"""Recipes of runs: the built-in ones load, all problems are reported at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from lavida_bench.config import recipe as recipes
from lavida_bench.fitting.accelerator import make_accelerator
from lavida_gen.common.errors import UserError


@pytest.mark.parametrize("name", recipes.built_in())
def test_built_in_recipes_load(name: str) -> None:
    recipe = recipes.load(name)
    assert recipe.name == name
    assert recipe.about


def test_all_problems_at_once(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "name: Bad\nmodel: {preset: huge, path: x}\ndata: [{corpus: a, wieght: 2}, {weight: -1}]\n"
        "fit: {steps: 0, lr_of: {projector: 0}, schedule: zigzag, loader: {workers: 1, damged: skip}}\n"
        "score: [{benchmark: street, protocl: paper}]\n"
    )
    with pytest.raises(UserError) as refused:
        recipes.load(str(file), ["nonsense", "fit.checkpoint.keep=0"])
    message = str(refused.value)
    for line in (
        "--set nonsense: expected key.path=value",
        "name: expected a text that matches",
        "model.preset: expected 'paper', 'paper-ours', 'small' or 'tiny'",
        "data[0].wieght: no such option; did you mean 'weight'?",
        "data[1].corpus: is missing",
        "data[1].weight: expected greater than 0; got -1",
        "fit.steps: expected at least 1; got 0",
        "fit.lr_of: projector: a rate of 0.0; to freeze a group set model.config.trainable",
        "fit.schedule: expected 'linear', 'cosine' or 'constant'; got 'zigzag'",
        "fit.loader.damged: no such option; did you mean 'damaged'?",
        "fit.checkpoint.keep: expected at least 1; got 0",
        "score[0].protocl: no such option; did you mean 'protocol'?",
    ):
        assert f"  {line}" in message, message


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("{}", r"expected a preset, parts \(of a preset\), or a path"),
        ("{preset: tiny, path: x}", r"expected a preset, parts \(of a preset\), or a path"),
        ("{path: x, parts: {mllm: a, sam: b, text: c}}", r"expected a preset, parts \(of a preset\), or a path"),
        ("{preset: tiny, parts: {mllm: a, sam: b, text: c}}", "preset tiny has parts of its own"),
        ("{parts: {mlm: x}}", "parts: unknown mlm; expected mllm, sam, text"),
        ("{parts: {mllm: x, sam: y}}", "parts: only mllm, sam; expected mllm, sam and text"),
    ],
)
def test_one_place_for_the_model(tmp_path: Path, model: str, message: str) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(f"name: r\nmodel: {model}\n")
    with pytest.raises(UserError, match=message):
        recipes.load(str(file))


def test_a_fit_needs_data(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("name: r\nmodel: {preset: tiny}\nfit: {steps: 1}\n")
    with pytest.raises(UserError, match="fit without data; expected at least one corpus under `data`"):
        recipes.load(str(file))


def test_names_that_nobody_knows() -> None:
    with pytest.raises(
        UserError, match=r"unknown recipe 'papr'; did you mean 'paper'\? \(a name, or the path of a YAML file\)"
    ):
        recipes.find("papr")
    with pytest.raises(
        UserError, match=r"x/y\.yaml: no such recipe file; expected a YAML file; `lavida-bench recipes` lists"
    ):
        recipes.find("x/y.yaml")


def test_what_does_not_matter_is_not_in_the_identity() -> None:
    one = recipes.load("demo").fit_identity()
    for same in ("fit.loader.workers=7", "fit.log_every=3", "fit.checkpoint.every=9", "about=other"):
        assert recipes.load("demo", [same]).fit_identity() == one, same
    for other in ("fit.lr=0.1", "seed=8", "model.config.loss.text=0.5", "fit.loader.shuffle=3", "data.0.weight=2"):
        assert recipes.load("demo", [other]).fit_identity() != one, other


@pytest.mark.parametrize("precision", ["no", "fp16"])
def test_half_frozen_weights_need_bf16(precision: str) -> None:
    message = f"fit: half_frozen needs precision bf16; got {precision}; set one of the two"
    with pytest.raises(UserError, match=message):
        recipes.load("demo", ["fit.half_frozen=true", f"fit.precision='{precision}'"])
    assert recipes.load("demo", ["fit.half_frozen=true", "fit.precision=bf16"]).fit


def test_half_frozen_weights_need_accelerates_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the recipe has no precision, accelerate's configuration has; refused before a model is loaded."""
    fit = recipes.load("demo", ["fit.half_frozen=true", "fit.precision=null"]).fit
    assert fit is not None
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    with pytest.raises(
        UserError, match=r"half_frozen needs precision bf16; got no; .* \(the precision is accelerate's\)"
    ):
        make_accelerator(fit)
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    assert make_accelerator(fit).mixed_precision == "bf16"
