"""Fixtures of several tests of the harness: a small benchmark `folder`, drawn once."""

from __future__ import annotations

from pathlib import Path

import drawing
import pytest
from benchmark_miniatures import folder


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of a benchmark `folder`: gate (12 frames, events 2..4 and 7..8), yard (10, event 0..3), quiet (8, normal)."""
    root = tmp_path_factory.mktemp("small") / "folder"
    folder.draw(root, drawing)
    return root
