"""Corpora for the checks, built by the command line alone, so that no check shares code with what it checks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from label_truth.real import RealSet, recipe


class CannotBuild(Exception):
    """`lavida-gen build` failed; the message is its error."""


def lavida_gen(*arguments: str) -> str:
    """Run a command of lavida-gen and return what it prints. Raises CannotBuild."""
    ran = subprocess.run([sys.executable, "-m", "lavida_gen", *arguments], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise CannotBuild(f"{arguments[-3] if len(arguments) > 2 else arguments}: {ran.stderr.strip()}")
    return ran.stdout


def build_corpus(plain: dict[str, Any], out: Path) -> Path:
    """Build the corpus of a recipe, or continue. Raises CannotBuild."""
    out.parent.mkdir(parents=True, exist_ok=True)
    file = out.parent / f"{out.name}.yaml"
    file.write_text(json.dumps(plain, default=str))
    lavida_gen("build", "--recipe", str(file), "--out", str(out), "--workers", "1")
    return out


def corpus_of(real: RealSet, home: Path, samples: int, seed: int) -> Path:
    """The corpus of a real data set below a folder, built if it is not there. Raises CannotBuild."""
    return build_corpus(recipe(real, samples, seed), home / real.name.replace(" ", "-"))
