"""Facts of the project that stand in more than one file agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

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


def test_packaging_and_citation_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert all(url.startswith(PROJECT_URL) for url in project["urls"].values())
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["repository-code"] == PROJECT_URL
    assert citation["version"] == project["version"] == lavida_gen.__version__
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in project["authors"]]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    newest = re.search(r"^## \[(.*?)\] - (.*)$", changelog, re.MULTILINE)
    assert newest is not None
    assert newest.group(2) == str(citation["date-released"])
    if "dev" in project["version"]:
        assert f"## [Unreleased] {project['version'].partition('.dev')[0]}" in changelog
    else:
        assert newest.group(1) == project["version"]
