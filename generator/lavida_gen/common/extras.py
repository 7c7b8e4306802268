"""Packages that not every installation has, and the line that installs them."""

from __future__ import annotations

from importlib.util import find_spec

from lavida_gen.common.errors import UserError

_MODULES = {
    "augment": ("albumentations", "albucore"),
    "hub": ("huggingface_hub", "datasets", "webdataset"),
    "bench": ("torch", "transformers", "tokenizers", "safetensors", "peft", "accelerate", "scipy", "tensorboard"),
    "ray": ("ray",),
}
"""Extra of pyproject.toml -> top-level modules of its packages."""
_EXTRA_OF = {module: extra for extra, modules in _MODULES.items() for module in modules}


def explain(error: ModuleNotFoundError) -> str | None:
    """What to do about a module that is not installed.

    Args:
        error: The error of an import.

    Returns:
        A sentence; None for a module that belongs to no extra, whose absence is a mistake of ours.
    """
    module = (error.name or "").partition(".")[0]
    if module == "fcntl":
        return "Windows is not supported, because its files cannot be locked as on Linux and macOS; WSL works"
    extra = _EXTRA_OF.get(module)
    return None if extra is None else f"{module} is not installed: pip install 'lavida-gen[{extra}]'"


def require(module: str, purpose: str) -> None:
    """Check that a module of an extra is installed, without importing it.

    Args:
        module: Its name.
        purpose: What needs it, for the message: "the recipe's `augmentations`".

    Raises:
        UserError: It is not installed; the message has the line that installs it.
    """
    if find_spec(module) is None:
        raise UserError(f"{purpose}: needs {module}: pip install 'lavida-gen[{_EXTRA_OF[module]}]'")
