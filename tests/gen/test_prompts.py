"""Prompts: every question lists the names, every answer has one <SEG> and does not give the label away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lavida_gen.common.errors import UserError
from lavida_gen.config.prompts import SEG, PromptBank

BANK = PromptBank.load(None)


def test_the_built_in_bank_is_large_enough() -> None:
    assert len(BANK.questions) >= 20
    assert len(BANK.answers) >= 10


def test_a_question_lists_the_names_in_order_and_keeps_braces() -> None:
    names = ["a {names} thing", "{0}", "dog"]
    for seed in range(50):
        question, answer = BANK.draw(np.random.default_rng(seed), names)
        assert ", ".join(names) in question
        assert answer.count(SEG) == 1
        assert SEG not in question


def test_a_rule_comes_first_and_draws_depend_on_the_rng_alone() -> None:
    first = BANK.draw(np.random.default_rng(1), ["x"], "No cars here.")
    assert first[0].startswith("No cars here. ")
    assert first == BANK.draw(np.random.default_rng(1), ["x"], "No cars here.")
    assert len({BANK.draw(np.random.default_rng(n), ["x"]) for n in range(400)}) > 150


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("questions: [what]\nanswers: ['<SEG>']", r"question 0 \('what'\) needs \{names\} exactly once"),
        ("questions: ['{names} {names}']\nanswers: ['<SEG>']", "question 0"),
        ("questions: ['{names} <SEG>']\nanswers: ['<SEG>']", "and no <SEG>"),
        ("questions: ['{names}']\nanswers: ['yes']", r"answer 0 \('yes'\) needs <SEG> exactly once"),
        ("questions: ['{names}', '{names}']\nanswers: ['<SEG>']", "is listed twice"),
        ("questions: []\nanswers: ['<SEG>']", "questions: "),
        ("answers: ['<SEG>']", "questions: Field required"),
        ("questions: ['{names}']\nanswers: ['<SEG>']\nextra: 1", "extra: "),
        ("[1", "invalid YAML"),
    ],
)
def test_bad_banks(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bank.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=message) as error:
        PromptBank.load(file)
    assert "bank.yaml" in str(error.value)


def test_a_missing_bank(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no.yaml: cannot be read"):
        PromptBank.load(tmp_path / "no.yaml")
