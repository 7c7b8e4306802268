"""Errors that a user can fix, and the wording of their messages.

Two classes, by exit code. Every other exception is a mistake of this program and shows as a traceback. The model
package `lavida` imports nothing of `lavida_gen`; its `LavidaError` is handled as a DataError by the commands.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from lavida_gen.common.text import shorten


class LavidaGenError(ValueError):
    """An error that a user can fix. The message states where, what was found, what was expected, what to do."""

    exit_code = 1


class UserError(LavidaGenError):
    """Invalid arguments: a recipe, an option, a name (exit code 2)."""

    exit_code = 2


class DataError(LavidaGenError):
    """Invalid data or a failed run: a broken file, a full disk (exit code 1)."""

    exit_code = 1


def problem(where: object, got: str, expected: str = "", todo: str = "") -> str:
    """A message in one line: ``where: got; expected ...; todo``.

    Args:
        where: File, key or option.
        got: What was found there.
        expected: What was expected instead.
        todo: What the user can do.
    """
    parts = [got]
    if expected:
        parts.append(f"expected {expected}")
    if todo:
        parts.append(todo)
    return f"{where}: " + "; ".join(parts)


def validation_text(message: str) -> str:
    """Pydantic's message in the words of the other messages: ``expected an integer``, ``expected at least 1``.

    Args:
        message: `msg` of one of pydantic's error details.
    """
    text = message.removeprefix("Value error, ").partition(", unable to parse")[0].partition(" after validation")[0]
    text = re.sub(r"^\w+ should match pattern ", "expected a text that matches ", text)
    text = re.sub(r"^\w+ should (be|have) ", "expected ", text)
    text = re.sub(r"\ba valid (integer|array|object)", r"an \1", text).replace("a valid ", "a ")
    return text.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")


def index_in(numbers: range, index: int, where: str) -> int:
    """``numbers[index]``, with a message that names the valid indices.

    Args:
        numbers: The numbers to choose from.
        index: Position; negative ones count from the end.
        where: Names the sequence in the message.

    Raises:
        IndexError: There is no such position.
    """
    try:
        return numbers[index]
    except IndexError:
        raise IndexError(f"{where}: no sample {index}; expected 0 to {len(numbers) - 1}") from None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``did you mean 'split'?``, or "" if none of the known names is similar.

    Args:
        name: As the user wrote it.
        known: Valid names.
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else ""


def suggestion(name: str, known: Iterable[str]) -> str:
    """``did you mean 'split'?``, or ``known: a, b, c`` if none of the known names is similar.

    Args:
        name: As the user wrote it.
        known: Valid names.
    """
    names = list(known)
    return did_you_mean(name, names) or f"known: {shorten(names, 40) or 'none'}"


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """The message for a name that does not exist: ``unknown source 'cocoo'; did you mean 'coco'?``.

    Args:
        what: What it should name: source, metric, column.
        name: As the user wrote it.
        known: Valid names.
    """
    return f"unknown {what} {name!r}; {suggestion(name, known)}"
