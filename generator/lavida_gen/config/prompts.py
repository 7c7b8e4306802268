"""Questions and answers, drawn from a bank that a recipe may replace.

A question lists the names in its slot {names}; an answer has exactly one <SEG> and never reveals whether there is an
anomaly, since the model receives the answer when it scores, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from pydantic import Field, ValidationError, field_validator

from lavida_gen.common.errors import DataError, UserError, problem, validation_text
from lavida_gen.common.input_file import MAX_TEXT, read_text
from lavida_gen.common.resources import own_yaml, resource
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.common.yaml_text import load_yaml

SEG = "<SEG>"
SLOT = "{names}"
BUILT_IN = resource("prompts.yaml")


class PromptBank(StrictModel):
    """A bank of prompts: a mapping with `questions` and `answers`, at least one each."""

    questions: tuple[str, ...] = Field(min_length=1)
    answers: tuple[str, ...] = Field(min_length=1)

    @field_validator("questions")
    @classmethod
    def _questions(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for number, text in enumerate(texts):
            if text.count(SLOT) != 1 or SEG in text:
                raise ValueError(f"question {number} ({text!r}) needs {SLOT} exactly once, and no {SEG}")
        return _distinct(texts, "question")

    @field_validator("answers")
    @classmethod
    def _answers(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for number, text in enumerate(texts):
            if text.count(SEG) != 1 or SLOT in text:
                raise ValueError(f"answer {number} ({text!r}) needs {SEG} exactly once, and no {SLOT}")
        return _distinct(texts, "answer")

    @classmethod
    def load(cls, path: Path | None) -> PromptBank:
        """Read a bank.

        Args:
            path: A YAML file, None for the built-in bank.

        Returns:
            The bank.

        Raises:
            UserError: The file cannot be read or is invalid; the message names file and entry.
        """
        if path is None:
            return cls.model_validate(own_yaml(BUILT_IN))
        try:
            return cls.model_validate(load_yaml(read_text(path, MAX_TEXT, "a prompt bank in YAML")))
        except DataError as error:
            raise UserError(str(error)) from error
        except yaml.YAMLError as error:
            raise UserError(problem(path, f"invalid YAML: {error}")) from error
        except ValidationError as error:
            messages = "; ".join(
                f"{'.'.join(map(str, entry['loc'])) or 'bank'}: {validation_text(entry['msg'])}"
                for entry in error.errors(include_url=False)
            )
            raise UserError(problem(path, messages, todo="`questions` and `answers` are lists of texts")) from error

    def draw(self, rng: np.random.Generator, names: Sequence[str], rule: str = "") -> tuple[str, str]:
        """Draw a question and an answer.

        Args:
            rng: The sample's own random generator.
            names: Names that the question lists, in this order.
            rule: A sentence that precedes the question, "" for none.

        Returns:
            Question and answer.
        """
        question = self.questions[rng.integers(len(self.questions))].replace(SLOT, ", ".join(names))
        answer = self.answers[rng.integers(len(self.answers))]
        return f"{rule} {question}" if rule else question, answer


def _distinct(texts: tuple[str, ...], what: str) -> tuple[str, ...]:
    for number, text in enumerate(texts):
        if text in texts[:number]:
            raise ValueError(f"{what} {number} ({text!r}) is listed twice")
    return texts
