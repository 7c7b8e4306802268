"""Reads the elements of a JSON file's top-level lists one by one.

Neither the text nor the Python objects of a large file (train2017: 450 MB) are ever in memory as a whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_JSON, MAX_STREAM, kind_of, not_utf8, open_input, unreadable
from lavida_gen.common.json_file import is_too_deep
from lavida_gen.large_json.json_pieces import decode

CHUNK = 1 << 21
"""Characters read at a time; an element may be longer."""
_DECODE = json.JSONDecoder().raw_decode
_SPACE = " \t\n\r"
_NEAR_END = 32
"""An error within this many characters of the end of the window may disappear when more is read (half a number)."""
SINGLE = -1
"""Number of a member that is not a list."""
EMPTY = -2
"""Number of a member that is an empty list."""

PIECE = 1 << 16
"""Characters whose elements are decoded together; with more of them, memory is slower than the decoder."""
_FIRST_KEY = re.compile(r'\{[ \t\n\r]*"[^"\\]*"')

Member = tuple[str, int, object]
"""(key, number of the element or SINGLE or EMPTY, value)."""
Batch = tuple[str, int, list[object]]
"""(key, number of the first element or SINGLE or EMPTY, one or more values; none for EMPTY)."""


def batches(path: Path, expected: str = "an object", lazy: str = "") -> Iterator[Batch]:
    """Read a JSON object member by member, and its lists in batches of elements.

    Args:
        path: The file.
        expected: What the file should be, for the error where it is a list.
        lazy: Key of a list whose elements may be simdjson's objects: see `json_pieces.decode`.

    Yields:
        (key, number, values): elements of a list that follow each other with the number of the first of them, from 0;
        other values one by one with number SINGLE, and (key, EMPTY, []) for an empty list.

    Raises:
        DataError: The text ends early or is not JSON; the message names line and column.
    """
    return _read(path, lambda window: _object(window, lazy), ("[", "a list", expected))


def members(path: Path, expected: str = "an object") -> Iterator[Member]:
    """Read a JSON object member by member, and its lists element by element.

    Args:
        path: The file.
        expected: What the file should be, for the error where it is a list.

    Yields:
        (key, number, value): each element of a list with its number from 0, other values with number SINGLE, and
        (key, EMPTY, None) for an empty list.

    Raises:
        DataError: The text ends early or is not JSON; the message names line and column.
    """
    for key, first, values in batches(path, expected):
        if first < 0:
            yield key, first, values[0] if values else None
        else:
            yield from ((key, number, value) for number, value in enumerate(values, first))


def elements(path: Path) -> Iterator[object]:
    """Read a JSON list element by element.

    Args:
        path: The file.

    Yields:
        The elements.

    Raises:
        DataError: The text ends early or is not JSON; the message names line and column.
    """
    other = ("{", "an object", "a list")
    return (value for _, _, values in _read(path, lambda window: _list(window, ""), other) for value in values)


def _read(path: Path, walk: Callable[[_Window], Iterator[Batch]], other: tuple[str, str, str]) -> Iterator[Batch]:
    """Read a file; `other` is what it may be instead: its first character, its name, and what is expected."""
    try:
        with TextIOWrapper(open_input(path, MAX_STREAM, "a JSON file"), "utf-8-sig") as file:
            window = _Window(file)
            try:
                first, got, expected = other
                if window.peek() == first:
                    raise DataError(problem(path, f"is {got}", expected, "check which file is meant"))
                yield from walk(window)
                window.end()
            except _SyntaxError as error:
                kind = kind_of(_head(path))
                if kind is not None:
                    raise DataError(
                        problem(path, f"is not JSON (it is {kind.got})", "a JSON file", kind.todo)
                    ) from error
                line, column, offset = window.position(error.index)
                where, got = f"{path}:{line}:{column}", f"{error} at character {offset:,}"
                raise DataError(problem(where, got, "a complete JSON file", "fetch it again")) from error
    except UnicodeDecodeError as error:
        raise not_utf8(path, _head(path), error, "a JSON file", "fetch it again") from error
    except OSError as error:
        raise unreadable(path, error, "a JSON file") from error


def _head(path: Path) -> bytes:
    """The first bytes of a file."""
    with open_input(path, MAX_STREAM, "a JSON file") as file:
        return file.read(64)


class _SyntaxError(Exception):
    """What is wrong with the JSON text, and at which index of the window."""

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index


class _Window:
    """The part of the text in memory; reading continues at `text[start]`, and earlier text is discarded in time."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.text, self.start, self.ended = file, "", 0, False
        self.passed = self.lines = self.column = 0  # of the text that was discarded
        self.refused = 0  # up to which character of the file the elements of this list are read one by one

    def more(self) -> bool:
        """Read on; False at the end of the file."""
        done, kept = self.text[: self.start], self.text[self.start :]
        if len(kept) > MAX_JSON:
            raise _SyntaxError(f"has an element of more than {MAX_JSON:,} characters", self.start)
        self.passed += len(done)
        self.lines += done.count("\n")
        self.column = len(done) - done.rfind("\n") - 1 + (0 if "\n" in done else self.column)
        chunk = self.file.read(max(CHUNK, len(kept)))
        self.text, self.start, self.ended = kept + chunk, 0, not chunk
        return bool(chunk)

    def position(self, index: int) -> tuple[int, int, int]:
        """Line and column (from 1) and offset in the file (from 0) of an index of the window."""
        before = self.text[:index]
        column = index - before.rfind("\n") + (0 if "\n" in before else self.column)
        return self.lines + before.count("\n") + 1, column, self.passed + index

    def _skip_space(self) -> bool:
        """Skip spaces; False at the end of the text."""
        while True:
            while self.start < len(self.text) and self.text[self.start] in _SPACE:
                self.start += 1
            if self.start < len(self.text):
                return True
            if not self.more():
                return False

    def peek(self) -> str:
        """The next character that is not a space. Raises _SyntaxError at the end of the text."""
        if not self._skip_space():
            raise _SyntaxError("ends early", self.start)
        return self.text[self.start]

    def end(self) -> None:
        """Raises _SyntaxError if anything but spaces follows."""
        if self._skip_space():
            raise _SyntaxError(f"is not JSON: {self.text[self.start]!r} after its end", self.start)

    def take(self, *expected: str) -> str:
        """Skip the next character, which must be one of those. Raises _SyntaxError."""
        character = self.peek()
        if character not in expected:
            raise _SyntaxError(f"is not JSON: {character!r} instead of {' or '.join(expected)}", self.start)
        self.start += 1
        return character

    def piece(self, lazily: bool) -> list[object]:
        """The next elements of a list, if they can be decoded together and another one follows; often none.

        A piece ends where the text has the first key of an element once more. If that is inside of an element, or
        beyond the end of the list, the piece is no JSON and refused.
        """
        first = _FIRST_KEY.match(self.text, self.start)
        if first is None or self.passed + self.start < self.refused:
            return []
        stop = self.text.rfind(first.group(), first.end(), self.start + PIECE)
        piece = self.text[self.start : stop].rstrip(_SPACE) if stop >= 0 else ""
        values = decode(piece[:-1], lazily) if piece.endswith(",") else None
        if values is None:
            self.refused = self.passed + (stop if stop >= 0 else min(self.start + PIECE, len(self.text)))
            return []
        self.start = stop
        return values

    def value(self) -> object:
        """The value that starts at the next character. Raises _SyntaxError."""
        self.peek()
        while True:
            try:
                value, end = _DECODE(self.text, self.start)
            except (RecursionError, MemoryError) as error:
                raise _SyntaxError("is nested too deeply, or needs too much memory", self.start) from error
            except ValueError as error:  # JSONDecodeError, or a number of thousands of digits
                index = error.pos if isinstance(error, json.JSONDecodeError) else self.start
                if not self.ended and (index >= len(self.text) - _NEAR_END or str(error).startswith("Unterminated")):
                    self.more()
                    continue
                truncated = self.ended and _is_truncated(self.text[index:], str(error))
                raise _SyntaxError("ends early" if truncated else f"is not JSON: {error}", index) from error
            if end > len(self.text) - _NEAR_END and not self.ended:  # perhaps half a number: 1 of 1.5, of 1e-5
                self.more()
                continue
            openings = self.text.count("[", self.start, end) + self.text.count("{", self.start, end)
            if is_too_deep(value, openings):
                raise _SyntaxError("is nested too deeply", self.start)
            self.start = end
            return value


def _is_truncated(rest: str, message: str) -> bool:
    """Whether the end of a file is the start of a value that was cut off."""
    if message.startswith("Unterminated") or (message.startswith("Invalid \\") and len(rest) < 7):
        return True
    beginnings = ("true", "false", "null", "NaN", "Infinity", "-Infinity", ".", "e-", "e+", "E-", "E+")
    return any(word.startswith(rest.strip()) for word in beginnings)


def _object(window: _Window, lazy: str) -> Iterator[Batch]:
    window.take("{")
    if window.peek() == "}":
        window.take("}")
        return
    while True:
        if window.peek() != '"':
            raise _SyntaxError(f"is not JSON: {window.peek()!r} instead of a key", window.start)
        key = str(window.value())
        window.take(":")
        if window.peek() == "[":
            yield from _list(window, key, key == lazy)
        else:
            yield key, SINGLE, [window.value()]
        if window.take(",", "}") == "}":
            return


def _list(window: _Window, key: str, lazily: bool = False) -> Iterator[Batch]:
    window.take("[")
    if window.peek() == "]":
        window.take("]")
        yield key, EMPTY, []
        return
    number = window.refused = 0
    while True:
        window.peek()
        if values := window.piece(lazily):
            yield key, number, values
            number += len(values)
        yield key, number, [window.value()]
        number += 1
        if window.take(",", "]") == "]":
            return
