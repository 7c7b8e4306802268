"""What all contract tests share: a claim with its message, and options that are strict and described."""

from __future__ import annotations

import json

from pydantic import BaseModel, ValidationError


def expect(truth: object, message: str) -> None:
    """Raise AssertionError with `message` unless `truth` holds, with Python's -O too."""
    if not truth:
        raise AssertionError(message)


def check_options(options: type[BaseModel]) -> None:
    """Options refuse unknown keys, each has a description, and their defaults can be written to a recipe."""
    undescribed = [name for name, field in options.model_fields.items() if not field.description]
    expect(not undescribed, f"options without a description: {', '.join(undescribed)}")
    try:
        options.model_validate({"no_such_option": 1})
    except ValidationError as error:
        unknown = any(one["loc"] == ("no_such_option",) for one in error.errors())
        expect(unknown, "an unknown option is not refused: give the options the base's configuration")
    else:
        raise AssertionError("an unknown option is not refused: give the options the base's configuration")
    try:
        defaults = options()
    except ValidationError:
        return  # some must be given
    json.dumps(defaults.model_dump(mode="json"))
