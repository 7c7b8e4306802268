"""Makes the miniature data sets importable for the tests of this folder, as `miniatures`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "miniatures"

if "miniatures" not in sys.modules:
    spec = importlib.util.spec_from_file_location("miniatures", FOLDER / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["miniatures"] = package
    spec.loader.exec_module(package)


def _load(name: str) -> None:
    """A helper beside the tests, importable by its name."""
    if name not in sys.modules:
        found = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
        assert found is not None
        assert found.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(found)
        found.loader.exec_module(sys.modules[name])


_load("hub_server")
_load("publishing")
_load("traps")
