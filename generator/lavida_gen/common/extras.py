"""Packages that not every installation has, and the line that installs them: the one place for all commands."""

from __future__ import annotations

import re
from importlib.util import find_spec

from lavida_gen.common.errors import UserError

_MODULES = {
    "augment": ("albumentations", "albucore"),
    "hub": ("huggingface_hub", "datasets", "webdataset"),
    "bench": ("torch", "transformers", "tokenizers", "safetensors", "peft", "accelerate", "scipy", "tensorboard"),
    "ray": ("ray",),
}
"""Extra of pyproject.toml -> top-level modules of its packages."""
_OTHERS = {
    "s3fs": "s3fs", "gcsfs": "gcsfs", "adlfs": "adlfs", "paramiko": "paramiko", "aiohttp": "'fsspec[http]'",
    "requests": "requests", "smbclient": "smbprotocol", "ocifs": "ocifs", "deepspeed": "deepspeed",
}  # fmt: skip
"""Modules that belong to no extra, because few need them: file systems of URLs, sharded fits -> what pip calls them."""
_WORDS = {module: f"'lavida-gen[{extra}]'" for extra, modules in _MODULES.items() for module in modules} | _OTHERS
"""Module -> the words after ``pip install``."""
WINDOWS = "Windows is not supported, because its files cannot be locked as on Linux and macOS; WSL works"


def explain(error: ImportError) -> str | None:
    """What to do about a module that is not installed.

    Args:
        error: The error of an import, or one that a library raised because of it.

    Returns:
        A sentence; None for a module that nobody installs on purpose, whose absence is a mistake of ours.
    """
    module = _missing(error)
    if module == "fcntl":
        return WINDOWS
    return None if module is None or module not in _WORDS else f"{module} is not installed: {_todo(module)}"


def _todo(module: str) -> str:
    return f"pip install {_WORDS[module]}"


def _missing(error: BaseException | None) -> str | None:
    """The top-level module whose import failed: of the error, of its cause, or the one that its text names."""
    first = error
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            return error.name.partition(".")[0]
        error = error.__cause__ or error.__context__
    text = str(first)
    if "install" not in text.lower():
        return None
    return next((module for module in _WORDS if re.search(rf"\b{module}\b", text, re.IGNORECASE)), None)


def require(module: str, purpose: str) -> None:
    """Check that a package is installed, without importing it.

    Args:
        module: Its name.
        purpose: What needs it, for the message: "the recipe's `augmentations`".

    Raises:
        UserError: It is not installed; the message has the line that installs it.
    """
    if find_spec(module) is None:
        raise UserError(f"{purpose}: needs {module}: {_todo(module)}")


def require_posix() -> None:
    """Check that files can be locked and memory be limited as everywhere but on Windows.

    Raises:
        UserError: This is Windows.
    """
    if find_spec("fcntl") is None:
        raise UserError(WINDOWS)
