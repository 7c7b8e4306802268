"""Facts of the project that stand in more than one file agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import lavida_gen
from lavida_gen.building.card import INTRODUCTION
from lavida_gen.common.project import PROJECT_URL

ROOT = Path(__file__).parents[1]


def test_one_url() -> None:
    """Packaging and output name the same home page, and no other module spells it out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Homepage"] == PROJECT_URL
    assert f"[LAVIDA-GEN]({PROJECT_URL})" in INTRODUCTION
    packages = (Path(lavida_gen.__path__[0]), ROOT / "harness", ROOT / "models")
    files = [path for package in packages for path in package.rglob("*.py")]
    assert [path.name for path in files if re.search(rf"{PROJECT_URL}\b", path.read_text("utf-8"))] == ["project.py"]
