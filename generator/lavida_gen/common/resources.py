"""Data files of a package, below its `data/`: word lists, tables, page templates."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any


def resource(name: str, package: str = "lavida_gen") -> Path:
    """The path of a data file of a package.

    Args:
        name: Its name below the package's `data/`, e.g. ``lexicon.yaml``.
        package: The top-level package that has the file.
    """
    return Path(import_module(package).__path__[0]) / "data" / name


def own_text(path: Path) -> str:
    """The text of a file that belongs to this project: a data file, a built-in recipe.

    Args:
        path: The file, in UTF-8.
    """
    return path.read_text("utf-8")


def own_yaml(path: Path) -> Any:  # noqa: ANN401 - as `yaml.safe_load`
    """The plain data of a YAML file that belongs to this project.

    libyaml reads it where PyYAML has it, several times as fast: every worker of a build reads tables of names.

    Args:
        path: The file.
    """
    import yaml

    return yaml.load(own_text(path), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
