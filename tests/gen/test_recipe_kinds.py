"""Recipes of corpora, runs and ablations are distinguished; the error names the command that takes a recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from lavida_gen.common.errors import UserError
from lavida_gen.config import recipe as recipes
from lavida_gen.recipe_files.kinds import ABLATION, CORPUS, KINDS, RUN, RecipeKind, recipes_folder

A_CORPUS = r"this is a recipe of a corpus: `lavida-gen build --recipe {}`"
A_RUN = r"this is a recipe of a run: `lavida-bench run --recipe {}`"
AN_ABLATION = r"this is a recipe of an ablation: `lavida-bench ablate --recipe {}`"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.what)
def test_built_in_recipes_are_of_their_kind(kind: RecipeKind) -> None:
    assert kind.built_in()
    for name, path in kind.built_in().items():
        assert kind.find(name) == path
        assert kind.read(path, name)["name"] == name
        for other in KINDS:
            if other is not kind:
                with pytest.raises(UserError, match=f"this is a recipe of {kind.what}: `{kind.command} "):
                    other.read(path, name)


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        (CORPUS, "small", A_RUN), (CORPUS, "exposures", AN_ABLATION), (RUN, "coco", A_CORPUS),
        (RUN, "exposures", AN_ABLATION), (ABLATION, "coco", A_CORPUS), (ABLATION, "demo", A_RUN),
    ],
)  # fmt: skip
def test_a_name_of_another_kind(kind: RecipeKind, name: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^{name}: {message.format(name)}$"):
        kind.find(name)


def test_a_path_of_another_kind_is_not_reported_as_typos() -> None:
    path = recipes_folder() / "bench" / "demo.yaml"
    with pytest.raises(UserError, match=f"^{path}: {A_RUN.format(path)}$"):
        recipes.load(str(path))


def test_a_typo_does_not_change_the_kind(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("name: r\nsorces: [street]\nexposures: [relabel]\nmodel: {preset: tiny}\n")
    with pytest.raises(UserError, match=r"model: a recipe has no such option"):
        recipes.load(str(file))
    file.write_text("name: r\n")
    with pytest.raises(UserError, match=r"sources: is missing"):
        recipes.load(str(file))
