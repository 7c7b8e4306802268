"""Questions and answers, drawn from a bank that a recipe may replace.

A question lists the names in its slot {names}; an answer has exactly one <SEG> and never tells whether there is an
anomaly, since the model is given it also when it scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from pydantic import Field, ValidationError, field_validator

from lavida_gen.common.errors import UserError, problem
from lavida_gen.common.resources import resource
from lavida_gen.common.strict_model import StrictModel

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
        """The bank in a YAML file; None is the built-in one. Raises UserError naming file and entry."""
        file = path or BUILT_IN
        try:
            plain = yaml.safe_load(file.read_text(encoding="utf-8"))
            return cls.model_validate(plain)
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(problem(file, f"cannot be read ({error})", "a prompt bank in YAML")) from error
        except yaml.YAMLError as error:
            raise UserError(problem(file, f"invalid YAML: {error}")) from error
        except ValidationError as error:
            said = "; ".join(
                f"{'.'.join(map(str, one['loc'])) or 'bank'}: {one['msg'].removeprefix('Value error, ')}"
                for one in error.errors(include_url=False)
            )
            raise UserError(problem(file, said, todo="`questions` and `answers` are lists of texts")) from error

    def draw(self, rng: np.random.Generator, names: Sequence[str], rule: str = "") -> tuple[str, str]:
        """A question that lists `names` in their order (after the sentence `rule`, if any), and an answer."""
        question = self.questions[rng.integers(len(self.questions))].replace(SLOT, ", ".join(names))
        answer = self.answers[rng.integers(len(self.answers))]
        return f"{rule} {question}" if rule else question, answer


def _distinct(texts: tuple[str, ...], what: str) -> tuple[str, ...]:
    for number, text in enumerate(texts):
        if text in texts[:number]:
            raise ValueError(f"{what} {number} ({text!r}) stands there twice")
    return texts
