"""Reads the elements of a JSON file's top-level lists one by one.

Neither the text nor the Python objects of a big file (train2017: 450 MB) are ever in memory as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from lavida_gen.common.errors import DataError, problem

CHUNK = 1 << 22
"""Characters read at a time; an element may be longer."""
_DECODE = json.JSONDecoder().raw_decode
_SPACE = " \t\n\r"
_NEAR = 32
"""A fault so near to the end of what was read may be cured by reading on (half a number, half a literal)."""


def members(path: Path) -> Iterator[tuple[str, int, Any]]:
    """(key, number, value) of a JSON object: each element of a list by its number, anything else with number -1.

    An empty list gives nothing but (key, -2, None). Raises DataError with line and column where the text breaks off or
    is no JSON.
    """
    return _read(path, _object)


def elements(path: Path) -> Iterator[Any]:
    """The elements of a file that holds one JSON list. Raises DataError as `members` does."""
    return (value for _, number, value in _read(path, lambda window: _list(window, "")) if number >= 0)


def _read(path: Path, walk: Callable[[_Window], Iterator[tuple[str, int, Any]]]) -> Iterator[tuple[str, int, Any]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            window = _Window(file)
            try:
                yield from walk(window)
                window.end()
            except _Fault as error:
                line, column, offset = window.position(error.at)
                where = f"{path}:{line}:{column}"
                raise DataError(
                    problem(where, f"{error} at character {offset:,}", "a whole JSON file", "fetch it again")
                ) from error
    except UnicodeDecodeError as error:
        raise DataError(problem(path, f"is no UTF-8 text ({error})", "a JSON file", "fetch it again")) from error
    except OSError as error:
        raise DataError(problem(path, f"cannot be read ({error.strerror})", "a JSON file")) from error


class _Fault(Exception):
    """What is wrong, and at which place of the window."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.at = at


class _Window:
    """The part of the text that is looked at: `text` from `at` on; what lies before is forgotten in time."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.text, self.at, self.ended = file, "", 0, False
        self.passed = self.lines = self.column = 0  # of the text that was forgotten

    def more(self) -> bool:
        """Read on; False at the end of the file."""
        gone, kept = self.text[: self.at], self.text[self.at :]
        self.passed += len(gone)
        self.lines += gone.count("\n")
        self.column = len(gone) - gone.rfind("\n") - 1 + (0 if "\n" in gone else self.column)
        fresh = self.file.read(max(CHUNK, len(kept)))
        self.text, self.at, self.ended = kept + fresh, 0, not fresh
        return bool(fresh)

    def position(self, at: int) -> tuple[int, int, int]:
        """Line and column (from 1) and offset (from 0) of a place of the window."""
        before = self.text[:at]
        column = at - before.rfind("\n") + (0 if "\n" in before else self.column)
        return self.lines + before.count("\n") + 1, column, self.passed + at

    def _space(self) -> bool:
        """Step over spaces; False at the end of the text."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in _SPACE:
                self.at += 1
            if self.at < len(self.text):
                return True
            if not self.more():
                return False

    def peek(self) -> str:
        """The next character that is no space. Raises _Fault at the end of the text."""
        if not self._space():
            raise _Fault("breaks off", self.at)
        return self.text[self.at]

    def end(self) -> None:
        """Raises _Fault if anything but spaces follows."""
        if self._space():
            raise _Fault(f"is no JSON: {self.text[self.at]!r} after its end", self.at)

    def take(self, *expected: str) -> str:
        """Step over the next character, which must be one of those. Raises _Fault."""
        found = self.peek()
        if found not in expected:
            raise _Fault(f"is no JSON: {found!r} instead of {' or '.join(expected)}", self.at)
        self.at += 1
        return found

    def value(self) -> Any:
        """The value that begins at the next character. Raises _Fault."""
        self.peek()
        while True:
            try:
                value, end = _DECODE(self.text, self.at)
            except RecursionError as error:
                raise _Fault("is nested too deeply", self.at) from error
            except ValueError as error:  # JSONDecodeError, or a number of thousands of digits
                where = error.pos if isinstance(error, json.JSONDecodeError) else self.at
                if not self.ended and (where >= len(self.text) - _NEAR or str(error).startswith("Unterminated")):
                    self.more()
                    continue
                cut = self.ended and _is_begun(self.text[where:], str(error))
                raise _Fault("breaks off" if cut else f"is no JSON: {error}", where) from error
            if end > len(self.text) - _NEAR and not self.ended:  # perhaps half a number: 1 of 1.5, of 1e-5
                self.more()
                continue
            self.at = end
            return value


def _is_begun(rest: str, why: str) -> bool:
    """Is the end of a file the beginning of something that is only cut off?"""
    if why.startswith("Unterminated") or (why.startswith("Invalid \\") and len(rest) < 7):
        return True
    beginnings = ("true", "false", "null", "NaN", "Infinity", "-Infinity", ".", "e-", "e+", "E-", "E+")
    return any(word.startswith(rest.strip()) for word in beginnings)


def _object(window: _Window) -> Iterator[tuple[str, int, Any]]:
    window.take("{")
    if window.peek() == "}":
        window.take("}")
        return
    while True:
        if window.peek() != '"':
            raise _Fault(f"is no JSON: {window.peek()!r} instead of a key", window.at)
        key = window.value()
        window.take(":")
        if window.peek() == "[":
            yield from _list(window, key)
        else:
            yield key, -1, window.value()
        if window.take(",", "}") == "}":
            return


def _list(window: _Window, key: str) -> Iterator[tuple[str, int, Any]]:
    window.take("[")
    if window.peek() == "]":
        window.take("]")
        yield key, -2, None
        return
    number = 0
    while True:
        yield key, number, window.value()
        number += 1
        if window.take(",", "]") == "]":
            return
