"""The videos of `msad`, of which the list leaves one out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmark_miniatures import msad

TOTALS = (3, 54, 18)


def draw(root: Path, tools: Any) -> None:
    msad.draw(root, tools)
    names = ("Assault_1", "Fire_2", "MSAD_normal_testing_3")
    tools.text(root / "MSAD_I3D_WS_Test.list", "\n".join(f"/data/MSAD/i3d/{name}_i3d.npy" for name in names))
