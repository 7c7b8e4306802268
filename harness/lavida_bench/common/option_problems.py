"""Invalid options of a plug-in, in words."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from lavida_gen.common.errors import unknown_name, validation_text


def option_problems(error: ValidationError, options: type[BaseModel]) -> str:
    """All problems of a plug-in's options, in one line.

    Args:
        error: What validating them raised.
        options: The type of the options.
    """
    found = []
    for details in error.errors():
        option = ".".join(map(str, details["loc"]))
        if details["type"] == "extra_forbidden":
            found.append(unknown_name("option", option, options.model_fields))
        else:
            found.append(f"option {option}: {validation_text(details['msg'])}; got {details['input']!r}")
    return "; ".join(found)
