"""After `import lavida`, transformers' AutoConfig, AutoModel and AutoProcessor open a saved LAVIDA.

The modules of `LavidaConfig`, `Lavida` and `LavidaProcessor` register these classes at their end. Importing them takes
seconds (torch, transformers), which a command that prints its help does not have. So `import lavida` imports them only
if transformers is there already; otherwise they are imported as soon as somebody imports transformers.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

REGISTERING = ("lavida.config", "lavida.modeling", "lavida.processing")
"""Modules whose import registers LAVIDA's classes."""


def register() -> None:
    """Register LAVIDA with transformers' auto classes. Without torch nothing is registered: nothing could be opened."""
    with suppress(ModuleNotFoundError):
        for module in REGISTERING:
            import_module(module)


def register_when_imported() -> None:
    """Register LAVIDA with transformers' auto classes, now or as soon as transformers is imported."""
    if "transformers" in sys.modules:
        register()
    else:
        sys.meta_path.insert(0, _TransformersFinder())


def _is_importing() -> bool:
    """Whether a module of LAVIDA is being imported: `register` would import it a second time, half made."""
    modules = [module for name, module in sys.modules.items() if name.startswith("lavida.")]
    return any(getattr(module.__spec__, "_initializing", False) for module in modules)


class _TransformersFinder(MetaPathFinder):
    """Finds transformers, unless LAVIDA's own modules are importing it: these register what is needed."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "transformers" or _is_importing():
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _RegisteringLoader(spec.loader)
        return spec


class _RegisteringLoader(Loader):
    """Loads transformers as usual, then registers LAVIDA."""

    def __init__(self, usual: Loader) -> None:
        self.usual = usual

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.usual.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.usual.exec_module(module)
        register()
