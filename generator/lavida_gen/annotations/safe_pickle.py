"""Reads pickles that contain only plain data: dict, list, tuple, set, text, bytes, numbers, None.

A pickle is a program that may call anything it can name. Here it can name only `set` and `frozenset` (how protocols 0
to 3 write sets), which are harmless containers. Any other name is refused before it is looked up, so nothing is
imported and nothing is called. Pickles of Python 2 (protocols 0 to 2, as the refer API publishes them) are read, too.
"""

from __future__ import annotations

import pickle
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeVar

from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_JSON, read_input

Container = TypeVar("Container", list[object], dict[object, object])

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
    MemoryError,  # an invented length
)
"""What the standard library raises for broken pickles, depending on where they are broken."""


class _Refused(Exception):
    """The pickle names something that is not plain data."""


class _Unpickler(pickle.Unpickler):
    """All opcodes that look up a name (GLOBAL, STACK_GLOBAL, INST, EXT) call `find_class`; persistent ids fail."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        super().__init__(file, encoding=encoding)

    def find_class(self, module: str, name: str, /) -> type:
        """One of the harmless types. Raises _Refused for anything else, without importing `module`."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None


def load(path: Path, kind: type[Container]) -> Container:
    """Read a pickle file of plain data. Byte strings of Python 2 become text, decoded as UTF-8 or else as Latin-1.

    Args:
        path: The pickle file.
        kind: Type of the outermost object: list or dict.

    Returns:
        The outermost object.

    Raises:
        DataError: The file cannot be read, is truncated, names anything but plain data, or holds another type.
    """
    data = read_input(path, MAX_JSON, "a pickle file")
    try:
        try:
            plain = _Unpickler(BytesIO(data), "utf-8").load()
        except UnicodeDecodeError:
            plain = _Unpickler(BytesIO(data), "latin-1").load()
        if pickle.LONG4 in data:
            repr(plain)  # a ValueError for integers of thousands of digits, which no message could hold
    except _Refused as error:
        todo = "do not trust this file; fetch the published one"
        raise DataError(problem(path, f"the pickle names {error}", "plain data without calls", todo)) from error
    except _BROKEN as error:
        got = f"is not a complete pickle ({type(error).__name__}: {error})"
        raise DataError(problem(path, got, "a pickle of plain data", "fetch it again")) from error
    if type(plain) is not kind:
        raise DataError(
            problem(path, f"holds a {type(plain).__name__}", f"a {kind.__name__}", "check which file it is")
        )
    return plain
