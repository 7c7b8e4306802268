"""YAML of strangers: bombs of aliases and deep nesting are refused at once, in every place that reads YAML."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from lavida_gen.classes import names_file
from lavida_gen.common import yaml_text
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.common.yaml_text import load_yaml
from lavida_gen.config import recipe as recipes
from lavida_gen.config.prompts import PromptBank

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 30)}]\n" for n in range(1, 12)
)
DEEP = "a: " + "[" * 300 + "]" * 300


def test_plain_yaml_is_read() -> None:
    assert load_yaml("a: &x {b: 1}\nc: *x\n") == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(("text", "message"), [(BOMB, "more than 1,000,000 values"), (DEEP, "nested 61 deep")])
def test_limits(text: str, message: str, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(yaml.YAMLError, match=message):
        load_yaml(text)
    file = tmp_path / "names.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        recipes.load(str(file))
    with pytest.raises(UserError, match=message):
        PromptBank.load(file)
    with pytest.raises(DataError, match=message):
        names_file.read(file)
    with pytest.raises(UserError, match=r"the value is not valid YAML .*nested 61 deep"):
        recipes.load("street", [f"about={DEEP}"])
    assert time.monotonic() - began < 20


def test_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "MAX_LETTERS", 5)
    with pytest.raises(yaml.YAMLError, match="6 characters; expected at most 5"):
        load_yaml("a: [1]")


@pytest.mark.parametrize("name", ["ybomb.yaml", "ydeep.yaml"])
def test_stored_cases(name: str, shared_data: Path) -> None:
    file = shared_data / "cases" / "damaged" / "D2-yaml-bomb-deep" / name
    if not file.is_file():
        pytest.skip(f"no {file}")
    with pytest.raises(UserError, match=name):
        recipes.load(str(file))
