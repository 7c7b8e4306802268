"""Reads pickles that hold plain data and nothing else: a pickle that names any function or class is refused unrun.

The refer API publishes its annotations as pickles (refs(unc).p); a pickle from the network may run whatever it likes.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from lavida_gen.errors import DataError, fault


class _Plain(pickle.Unpickler):
    """Builds lists, dicts, tuples, texts and numbers, which need no global; every global is refused."""

    where: Path

    def find_class(self, module: str, name: str) -> Any:
        raise DataError(
            fault(
                self.where,
                f"its pickle asks for {module}.{name}",
                "plain data: lists, dicts, texts and numbers",
                "do not open it with other tools; fetch the file from the data set's page",
            )
        )

    def persistent_load(self, pid: Any) -> Any:
        raise DataError(fault(self.where, "its pickle refers to an object outside the file", "plain data"))


def load(path: Path) -> Any:
    """The plain data in a pickle of any protocol, Python 2's too. Raises DataError; nothing in it is ever called."""
    try:
        with path.open("rb") as file:
            reader = _Plain(file, encoding="utf-8", errors="replace")
            reader.where = path
            return reader.load()
    except DataError:
        raise
    except OSError as error:
        raise DataError(fault(path, f"cannot be read ({error.strerror})")) from error
    except Exception as error:  # a broken pickle raises whatever its opcodes stumble over
        raise DataError(fault(path, f"is no whole pickle ({error})", "a refs file", "fetch it again")) from error
