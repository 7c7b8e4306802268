"""What several tests of the harness need: a small benchmark of one's own folder, drawn once."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"small_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of a benchmark `folder`: gate (12 frames, events 2..4 and 7..8), yard (10, event 0..3), quiet (8, normal)."""
    root = tmp_path_factory.mktemp("small") / "folder"
    _load(HERE / "miniatures" / "folder.py").draw(root, _load(HERE / "drawing.py"))
    return root


@pytest.fixture(scope="session")
def camera() -> Any:
    """What shows a film as a network camera would: rtsp_server.camera."""
    return _load(HERE / "rtsp_server.py").camera
