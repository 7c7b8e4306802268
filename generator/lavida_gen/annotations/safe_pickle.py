"""Reads pickles of plain data, and nothing else: dict, list, tuple, set, text, bytes, numbers, None.

A pickle is a program that may call anything it can name. Here it can name only `set` and `frozenset` (how protocols 0
to 3 write sets), which do nothing but hold things; any other name is refused before it is looked up, so nothing is
imported and nothing is called. Files of Python 2 (protocols 0 to 2, as the refer API publishes them) are read too.
"""

from __future__ import annotations

import pickle
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from lavida_gen.common.errors import DataError, problem

_ALLOWED: dict[tuple[str, str], type] = {
    (module, kind.__name__): kind for module in ("builtins", "__builtin__") for kind in (set, frozenset)
}
_BROKEN = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    MemoryError,  # a length that was made up
)
"""What the standard library raises for bytes that are no pickle, depending on where they go wrong."""


class _Refused(Exception):
    """A name that plain data does not need."""


class _Unpickler(pickle.Unpickler):
    """Every way to a name (GLOBAL, STACK_GLOBAL, INST, EXT) asks `find_class`; persistent ids are refused as such."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        super().__init__(file, encoding=encoding)

    def find_class(self, module: str, name: str, /) -> Any:
        """One of the harmless types. Raises _Refused for anything else, without importing `module`."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None


def load(path: Path, kind: type[list[Any]] | type[dict[Any, Any]] = list) -> Any:
    """The plain data of a pickle file whose outermost object is a `kind` (list or dict).

    Byte strings of Python 2 come back as text, read as UTF-8 or, failing that, Latin-1. Raises DataError for a file
    that cannot be read, is cut, names anything but plain data, or holds another kind.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(problem(path, f"cannot be read ({error.strerror})", "a pickle file")) from error
    try:
        try:
            plain = _Unpickler(BytesIO(data), "utf-8").load()
        except UnicodeDecodeError:
            plain = _Unpickler(BytesIO(data), "latin-1").load()
    except _Refused as error:
        todo = "do not trust this file; fetch the published one"
        raise DataError(problem(path, f"the pickle names {error}", "plain data and nothing to call", todo)) from error
    except _BROKEN as error:
        got = f"is no whole pickle ({type(error).__name__}: {error})"
        raise DataError(problem(path, got, "a pickle of plain data", "fetch it again")) from error
    if type(plain) is not kind:
        raise DataError(
            problem(path, f"holds a {type(plain).__name__}", f"a {kind.__name__}", "check which file it is")
        )
    return plain
