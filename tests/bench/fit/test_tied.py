"""Language models whose head has the weight of the embeddings, and those whose head has its own: the best step is saved."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_families import FAMILIES, tiny_family

from lavida.config import LavidaConfig
from lavida.modeling import Lavida
from lavida.parts.trainable import is_tied, set_trainable
from lavida.processing import LavidaProcessor, Sizes
from lavida.tiny.tokenizer import load_tokenizer
from lavida_bench.config.recipe import FitSettings, RunRecipe
from lavida_bench.fitting.checkpoint import Progress, write_best
from lavida_bench.fitting.fit_folder import write_result
from lavida_bench.fitting.model_init import make_model
from lavida_bench.fitting.optimiser import make_optimiser, trainable_parameters
from lavida_bench.fitting.trainer import fit
from lavida_gen.common.errors import UserError

Make = Callable[..., RunRecipe]
EMBEDDINGS, HEAD = "mllm.model.language_model.embed_tokens.weight", "mllm.lm_head.weight"


def quiet(text: str) -> None:
    """Nothing on the console."""


def new_model(family: str, tied: bool) -> tuple[Lavida, LavidaProcessor]:
    """A model of the family with random weights."""
    config = LavidaConfig.preset("tiny", mllm_config=tiny_family(family, tied))
    torch.manual_seed(0)
    processor = LavidaProcessor(load_tokenizer(), load_tokenizer(names=True), Sizes.from_config(config))
    return Lavida(config), processor


@pytest.fixture(scope="module")
def tied_model(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A saved tied model, as `model` of a recipe."""
    folder = tmp_path_factory.mktemp("tied")
    for part in new_model("qwen2_vl", tied=True):
        part.save_pretrained(folder)
    return {"path": str(folder)}


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "apart"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_better_step_than_the_last_is_saved_whole(make: Make, tmp_path: Path, family: str, tied: bool) -> None:
    """As the loop does it at the end: the best weights from their file, all others from the model."""
    model, processor = new_model(family, tied)
    set_trainable(model)
    best = {name: weight.detach().clone() for name, weight in trainable_parameters(model).items()}
    assert (HEAD in best) is not tied
    write_best(tmp_path, best, {})
    with torch.no_grad():
        for weight in trainable_parameters(model).values():
            weight.add_(1.0)
    write_result(tmp_path, make(), model, processor, model.state_dict(), Progress(step=2, best=0.5, best_step=1), 0)
    assert_best(tmp_path, best, tied)


def assert_best(out: Path, best: dict[str, torch.Tensor], tied: bool) -> None:
    """The fitted model has the best weights, its head too."""
    model = Lavida.from_pretrained(out / "model")
    assert is_tied(model) is tied
    state = model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in best.items())
    assert torch.equal(state[HEAD], best[EMBEDDINGS if tied else HEAD])


def test_a_fit_saves_the_best_step_whole(make: Make, corpus: Path, tied_model: dict[str, str], tmp_path: Path) -> None:
    """The first step changes nothing (its rate is 0), the second spoils the model: the first is the best."""
    recipe = make(
        model=tied_model, data=[{"corpus": str(corpus), "kind": "image"}], steps=2, warmup=1, lr=3.0,
        checkpoint={"every": 2}, validation={"every": 1, "samples": 2},
    )  # fmt: skip
    fit(recipe, tmp_path, quiet)
    best = load_file(tmp_path / "best.safetensors")
    last = load_file(tmp_path / "checkpoints/step-00000002/trained.safetensors")
    assert json.loads((tmp_path / "fit.json").read_text())["best_step"] == 1
    assert best.keys() == last.keys()
    assert not torch.equal(best[EMBEDDINGS], last[EMBEDDINGS])
    assert_best(tmp_path, best, tied=True)


def test_a_head_that_an_older_fit_saved_apart_is_tied_again(tied_model: dict[str, str], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tied_model["path"], tmp_path / "old"))
    weights = load_file(folder / "model.safetensors")
    embeddings = next(value for name, value in weights.items() if name.endswith("embed_tokens.weight"))
    weights[HEAD] = embeddings + 1.0
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.warns(
        UserWarning, match="old: the head differs from the embeddings that it is tied to; the embeddings"
    ):
        model = Lavida.from_pretrained(folder)
    assert is_tied(model)
    assert torch.equal(model.state_dict()[HEAD], embeddings)


@pytest.mark.parametrize(("embeddings", "head"), [("frozen", "full"), ("full", "frozen")])
def test_one_tensor_trains_or_is_frozen(make: Make, tied_model: dict[str, str], embeddings: str, head: str) -> None:
    given = {**tied_model, "config": {"trainable": {"embeddings": embeddings, "lm_head": head}}}
    with pytest.raises(UserError) as refused:
        make_model(make(model=given), quiet)
    assert str(refused.value) == (
        f"model: trainable: embeddings {embeddings}, lm_head {head}; this language model ties them, they are one tensor: "
        "set both to full, or both to frozen"
    )


def test_the_table_and_the_rates_of_a_tied_head(make: Make, tied_model: dict[str, str]) -> None:
    table: list[str] = []
    model, _ = make_model(make(model=tied_model), table.append)
    rows = {line.split()[0]: line.split()[1:] for line in table[0].splitlines()}
    assert rows["lm_head"] == ["tied", "0", "0"]
    assert rows["embeddings"] == ["full", "147,456", "147,456"]
    with pytest.raises(UserError) as refused:
        make_optimiser(model, FitSettings(lr_of={"lm_head": 1e-3}))
    assert str(refused.value) == (
        "fit.lr_of.lm_head: no parameter of this group trains; its weight is that of the embeddings: "
        "set fit.lr_of.embeddings"
    )
