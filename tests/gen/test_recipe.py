"""Recipes: all problems at once, each with its key; digests that do not depend on the machine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lavida_gen.common import plugins
from lavida_gen.common.errors import UserError, validation_text
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import SOURCES
from lavida_gen.sources._base import LocalOnly, Source

GOOD = """
name: small
samples: 10
sources:
  - {name: street, scenes: 20}
exposures:
  - relabel
  - {name: absent, weight: 2}
"""


def load(tmp_path: Path, text: str, *settings: str) -> recipes.CorpusRecipe:
    file = tmp_path / "r.yaml"
    file.write_text(text)
    return recipes.load(str(file), settings)


def problems(tmp_path: Path, text: str, *settings: str) -> str:
    with pytest.raises(UserError) as found:
        load(tmp_path, text, *settings)
    return str(found.value)


def test_a_good_recipe_is_typed(tmp_path: Path) -> None:
    recipe = load(tmp_path, GOOD)
    assert (recipe.samples, recipe.seed, recipe.anomaly_ratio) == (10, 0, 0.5)
    assert recipe.sources[0].options.model_dump()["scenes"] == 20
    assert [entry.weight for entry in recipe.exposures] == [1.0, 2.0]


@pytest.mark.parametrize("name", sorted(recipes.built_in()))
def test_built_in_recipes_load(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in re.findall(r"\$\{([A-Z0-9_]+)\}", recipes.find(name).read_text()):
        monkeypatch.setenv(variable, "/data")
    recipe = recipes.load(name)
    assert recipe.name == name
    assert recipe.about, "a built-in recipe has a description"


def test_all_problems_are_reported_at_once_each_with_its_key(tmp_path: Path) -> None:
    message = problems(
        tmp_path,
        """
name: Bad Name
samples: 0
sedd: 3
shard: {sample: 5}
sources:
  - {name: coco, root: "${NO_SUCH_VARIABLE}", splt: train}
  - {name: kitti}
  - 7
exposures:
  - {name: relabel, weight: -1}
limits: {min_area: 2}
""",
    )
    assert re.search(r"r.yaml: \d+ problems", message)
    for line in (
        "sources[0].root: ${NO_SUCH_VARIABLE} is not set; export NO_SUCH_VARIABLE=... or give --set sources.0.root=...",
        "sources[0].splt: coco has no such option; did you mean 'split'?",
        "sources[1].name: unknown source 'kitti'; known: ",
        "sources[2]: expected a mapping with `name`, got 7",
        "samples: expected at least 1; got 0",
        "sedd: a recipe has no such option; did you mean 'seed'?",
        "shard.sample: no such option; did you mean 'samples'?",
        "name: expected a text that matches",
        "exposures[0].weight: expected greater than 0; got -1",
        "limits.min_area: expected at most 1; got 2",
    ):
        assert line in message


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("Input should be a valid integer, unable to parse string as an integer", "expected an integer"),
        ("Input should be a valid list", "expected a list"),
        ("Input should be 'image' or 'clip'", "expected 'image' or 'clip'"),
        ("Input should be less than or equal to 1", "expected at most 1"),
        ("String should have at least 1 character", "expected at least 1 character"),
        ("List should have at least 1 item after validation, not 0", "expected at least 1 item"),
        ("Value error, names: a twice", "names: a twice"),
    ],
)
def test_words_of_validation_messages(message: str, text: str) -> None:
    assert validation_text(message) == text


def test_an_unknown_augmentation_is_named_once(tmp_path: Path) -> None:
    message = problems(tmp_path, GOOD + "augmentations: [{name: rian}]")
    assert message.endswith("augmentations[0].name: unknown augmentation 'rian'; did you mean 'rain'?")


def test_missing_keys(tmp_path: Path) -> None:
    message = problems(tmp_path, "name: x\n")
    for key in ("samples", "sources", "exposures"):
        assert f"{key}: is missing" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [1\nb: 2", r"r.yaml:2:2: invalid YAML"),
        ("name: a\nname: b", r"r.yaml:2:1: invalid YAML: key 'name' is given twice"),
        ("? [a, b]\n: 1", r"r.yaml:1:3: invalid YAML: a key that is a list or a mapping"),
        ("seed: 2020-13-45", r"r.yaml: invalid YAML: month must be in 1"),
        ("!!bool x: 1", r"r.yaml: invalid YAML: KeyError: 'x'"),
        ("- 1\n- 2", r"r.yaml: holds a list; expected a mapping"),
        ("", r"r.yaml: is empty; expected a mapping"),
        (GOOD + "prompts: nowhere.yaml", r"prompts: .*nowhere.yaml"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, message: str) -> None:
    assert re.search(message, problems(tmp_path, text))


def test_settings_change_any_key(tmp_path: Path) -> None:
    recipe = load(tmp_path, GOOD, "samples=5", "sources.0.scenes=9", "shard.samples=2", "exposures.1.weight=7")
    assert (recipe.samples, recipe.shard.samples, recipe.exposures[1].weight) == (5, 2, 7.0)
    assert recipe.sources[0].options.model_dump()["scenes"] == 9


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("samples", "--set samples: expected key.path=value"),
        ("sources.4.root=x", "--set sources.4.root=x: the recipe has no '4' in 'sources.4.root'"),
        ("sources.x.root=x", "--set sources.x.root=x: the recipe has no 'x' in 'sources.x.root'"),
        ("name.x=1", "the recipe has no 'x'"),
        ("seed=[1", "--set seed=[1: the value is not valid YAML"),
        ("seed=2020-13-45", "--set seed=2020-13-45: the value is not valid YAML (month"),
        ("sources.0.scnes=3", "sources[0].scnes: street has no such option; did you mean 'scenes'?"),
    ],
)
def test_bad_settings(tmp_path: Path, setting: str, message: str) -> None:
    assert message in problems(tmp_path, GOOD, setting)


def test_variables_with_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "name: small\nsamples: 4\nsources: [{name: coco, root: '${COCO_HERE:-data/coco}'}]\nexposures: [relabel, absent]\n"
    assert str(load(tmp_path, text).sources[0].options.root) == "data/coco"
    monkeypatch.setenv("COCO_HERE", "/mnt/coco")
    assert str(load(tmp_path, text).sources[0].options.root) == "/mnt/coco"


@pytest.mark.parametrize(
    "line", ["about: ${HF_TOKEN}", "about: 'a ${HF_TOKEN:-x} b'", "prompts: {questions: ['${HF_TOKEN} {names}?']}"]
)
def test_secrets_of_the_environment_never_reach_what_is_published(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    found = problems(tmp_path, GOOD.replace("name: small", f"name: small\n{line}"))
    assert "variables stand in paths of this machine only" in found
    assert "hf_secret" not in found
    options = GOOD.replace("name: street", "name: folder, root: '${HF_TOKEN}', licence: '${HF_TOKEN}'")
    assert "sources[0].licence: ${HF_TOKEN} is not replaced here" in problems(tmp_path, options)


def test_a_corpus_of_others_reads_no_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    published = load(tmp_path, GOOD).published() | {"about": "by ${HF_TOKEN}"}
    (tmp_path / "corpus.json").write_text(json.dumps({"recipe": published}))
    assert recipes.load(str(tmp_path / "corpus.json")).about == "by ${HF_TOKEN}"


def test_unknown_recipe_names() -> None:
    with pytest.raises(UserError, match=r"unknown recipe 'stret'; did you mean 'street'\?"):
        recipes.load("stret")
    with pytest.raises(UserError, match=r"no/such.yaml: no such recipe file"):
        recipes.load("no/such.yaml")


def test_the_digest_depends_on_the_recipe_but_on_no_path(tmp_path: Path) -> None:
    text = GOOD.replace("{name: street, scenes: 20}", "{name: coco, root: ROOT}")
    here, there = load(tmp_path, text.replace("ROOT", "/here/me")), load(tmp_path, text.replace("ROOT", "/there/you"))
    assert here.digest() == there.digest()
    assert "/here" not in str(here.published())
    assert load(tmp_path, GOOD, "seed=1").digest() != load(tmp_path, GOOD).digest()


def test_a_published_recipe_is_a_recipe(tmp_path: Path) -> None:
    recipe = load(tmp_path, GOOD)
    assert recipes.parse(recipe.published()).digest() == recipe.digest()


@pytest.mark.parametrize("name", sorted(plugins.built_in(SOURCES)))
def test_no_option_that_is_a_path_gets_published(name: str) -> None:
    options = plugins.find(SOURCES, Source, name).Options
    paths = {key for key, field in options.model_fields.items() if "Path" in str(field.annotation)}
    marked = {
        key for key, field in options.model_fields.items() if any(isinstance(m, LocalOnly) for m in field.metadata)
    }
    assert paths <= marked
