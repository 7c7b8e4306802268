"""Which folder may import which, checked in the source against one table: `[tool.lavida.layers]` in pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["lavida"]["layers"]
HOMES = {"lavida_gen": ROOT / "generator", "lavida": ROOT / "models", "lavida_bench": ROOT / "harness"}
MAY_IMPORT = {"lavida_gen": set(), "lavida": set(), "lavida_bench": {"lavida_gen", "lavida"}}
PLUGINS = ("sources", "exposures", "engines", "benchmarks", "metrics", "backbones", "baselines", "commands", "scorers")
HEAVY = {"torch", "transformers", "torchvision", "peft", "accelerate"}


def modules() -> dict[str, Path]:
    """Every module of the three packages by its dotted name."""
    found = {}
    for package, home in HOMES.items():
        for path in sorted((home / package).rglob("*.py")):
            found[".".join(path.relative_to(home).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that a file imports, imports for type checkers left out."""
    tree = ast.parse(path.read_text("utf-8"))
    checked = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    hidden = {id(inner) for node in checked for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield node.lineno, whole if whole in MODULES else node.module or ""


def folder_of(module: str) -> str:
    """The folder of a package that a module lies in, or the module at its top."""
    return module.split(".")[1] if "." in module else ""


def test_every_folder_has_its_layer_and_a_description() -> None:
    for package, layers in LAYERS.items():
        folders = [path.parent for path in (HOMES[package] / package).glob("*/__init__.py")]
        assert {folder.name for folder in folders} <= set(layers)
        for folder in folders:
            text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""
            assert len(text) > 20, f"{folder}: one sentence that describes this folder"
            assert "TODO" not in text, folder


def test_a_folder_imports_only_folders_below_it() -> None:
    wrong = []
    for module, path in MODULES.items():
        package = module.split(".")[0]
        layers = LAYERS[package]
        own = folder_of(module)
        if own not in layers:
            continue
        for line, name in imports(path):
            other = folder_of(name) if name.split(".")[0] == package else ""
            if other and other != own and other in layers and layers.index(other) < layers.index(own):
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {own} may not import {other}, which stands above it")
    assert wrong == []


def test_packages_import_only_what_they_may() -> None:
    wrong = []
    for module, path in MODULES.items():
        package = module.split(".")[0]
        used = {name.split(".")[0] for _, name in imports(path)}
        beyond = (used & set(HOMES)) - MAY_IMPORT[package] - {package}
        beyond |= used & HEAVY if package == "lavida_gen" else set()
        wrong += [f"{path.relative_to(ROOT)}: {package} may not import {name}" for name in sorted(beyond)]
    assert wrong == []


def test_plug_ins_do_not_import_each_other() -> None:
    wrong = []
    for module, path in MODULES.items():
        package, _, name = module.rpartition(".")
        if package.rpartition(".")[2] not in PLUGINS or name.startswith("_"):
            continue
        others = {used for _, used in imports(path) if used.startswith(f"{package}.")}
        public = {used for used in others if not used.removeprefix(f"{package}.").startswith("_")}
        wrong += [f"{path.relative_to(ROOT)}: what is shared with {used} belongs in a _module" for used in public]
    assert wrong == []


def test_no_circles() -> None:
    graph = {
        module: {name for _, name in imports(path) if name in MODULES and name != module}
        for module, path in MODULES.items()
    }
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"modules import each other in a circle: {' -> '.join(error.args[1])}")


def test_no_folder_is_a_corridor() -> None:
    crowded = {
        str(folder.relative_to(ROOT))
        for path in MODULES.values()
        if len(list((folder := path.parent).glob("*.py"))) > 21 and folder.name not in PLUGINS  # 20 and __init__
    }
    assert crowded == set()


@pytest.mark.parametrize("module", ["lavida_gen.cli", "lavida_bench.cli"])
def test_help_imports_nothing_heavy(module: str) -> None:
    heavy = ["torch", "transformers", "cv2", "pyarrow", "albumentations", "datasets", "webdataset", "pandas", "scipy"]
    code = f"import sys; from {module} import main; main(['--help'], standalone_mode=False)"
    code += f"; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"
