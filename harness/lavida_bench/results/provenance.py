"""How a result came about, as far as a program can know: command line, versions, time."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lavida_bench.results.results_json import Provenance
from lavida_gen import __version__
from lavida_gen.common.text import without_secrets

PACKAGES = ("numpy", "av", "opencv-python-headless", "torch", "transformers")


def current_provenance(model: Mapping[str, str] | None = None, command: str | None = None) -> Provenance:
    """Describe a result of this process, made now.

    Args:
        model: What identifies the method; None = nothing.
        command: The command line; None = that of this process, quoted so that it can be pasted.

    Returns:
        The provenance, with the versions of what is installed.
    """
    made = datetime.now(UTC).replace(microsecond=0).isoformat()
    return Provenance(command or command_line(), versions(), dict(model or {}), made)


def command_line() -> str:
    """The arguments that started this process, quoted, the program by its short name; URLs without secrets."""
    program = Path(sys.argv[0])
    start = ["python", "-m", program.parent.name] if program.name == "__main__.py" else [program.name]
    return shlex.join([*start, *map(without_secrets, sys.argv[1:])])


@cache
def versions() -> dict[str, str]:
    """Package -> version, of this project, of Python, and of those packages that are installed."""
    installed = {"lavida-gen": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed
