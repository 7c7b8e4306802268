"""Packages that are not installed: one sentence with the line that installs them, whatever the command."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from lavida_gen.cli import main as lavida_gen
from lavida_gen.common import extras
from lavida_gen.common.errors import UserError
from lavida_gen.common.extras import explain, require

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
AUGMENTED = ["--set", "samples=2", "--set", "augmentations=[{name: rain, p: 0.5}]"]


def test_every_module_belongs_to_its_extra() -> None:
    """The table follows pyproject.toml."""
    for module in ("torch", "ray", "albumentations", "datasets"):
        pytest.importorskip(module)
    tables = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["optional-dependencies"]
    distributions = metadata.packages_distributions()
    for extra, modules in extras._MODULES.items():
        wanted = {text.split(">")[0].split("[")[0].lower().replace("_", "-") for text in tables[extra]}
        for module in modules:
            names = {name.lower().replace("_", "-") for name in distributions[module]}
            assert names & wanted or module == "albucore", f"{module} is not in [{extra}]"


def test_an_unknown_module_is_our_own_mistake() -> None:
    assert explain(ModuleNotFoundError("no", name="lavida_gen.gone")) is None


def test_windows() -> None:
    assert "WSL" in str(explain(ModuleNotFoundError("no", name="fcntl")))


def test_a_recipe_that_augments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("albumentations", "torch"):
        monkeypatch.setitem(sys.modules, module, None)
    for verb in (["build", "--out", str(tmp_path / "c")], ["check"]):
        result = CliRunner().invoke(lavida_gen, [*verb, "--recipe", "street", *AUGMENTED])
        assert result.exit_code in (1, 2)
        assert "augmentations: needs albumentations: pip install 'lavida-gen[augment]'" in result.output
    with pytest.raises(UserError, match=r"lavida-gen\[bench\]"):
        require("torch", "scoring")


@pytest.mark.parametrize("words", [["fit", "--recipe", "demo"], ["score", "street", "--model", "tiny", "--out", "x"]])
def test_a_command_without_torch(words: list[str], tmp_path: Path) -> None:
    script = f"import sys; sys.modules['torch'] = None; from lavida_bench.cli import main; main({words})"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: torch is not installed: pip install 'lavida-gen[bench]'\n"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
