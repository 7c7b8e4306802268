"""Who may import whom, read off the source: the rule of the house, so that every room can be understood alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "lavida_gen": (ROOT / "generator" / "lavida_gen", set()),
    "lavida": (ROOT / "models" / "lavida", set()),
    "lavida_bench": (ROOT / "harness" / "lavida_bench", {"lavida_gen", "lavida"}),
}
PLUGINS = ("sources", "exposures", "engines", "benchmarks", "metrics", "backbones", "baselines", "commands")
FILES = [(name, path) for name, (folder, _) in PACKAGES.items() for path in sorted(folder.rglob("*.py"))]


def imports(path: Path, at_top: bool = False) -> set[str]:
    """Full names of the modules that a file imports; only those at module level with `at_top`."""
    tree = ast.parse(path.read_text("utf-8"))
    nodes = tree.body if at_top else list(ast.walk(tree))
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize(("package", "path"), FILES, ids=lambda x: x.stem if isinstance(x, Path) else x)
def test_packages_import_only_whom_they_may(package: str, path: Path) -> None:
    own = {name for name in PACKAGES if any(m == name or m.startswith(f"{name}.") for m in imports(path))}
    assert own <= {package} | PACKAGES[package][1]


@pytest.mark.parametrize("path", [p for n, p in FILES if n == "lavida_gen"], ids=lambda p: p.stem)
def test_the_generator_never_imports_torch(path: Path) -> None:
    assert not {m.split(".")[0] for m in imports(path)} & {"torch", "transformers", "torchvision", "peft", "accelerate"}


@pytest.mark.parametrize(
    ("package", "path"),
    [(n, p) for n, p in FILES if p.parent.name in PLUGINS and p.stem != "__init__"],
    ids=lambda x: x.stem if isinstance(x, Path) else x,
)
def test_plug_ins_do_not_import_each_other(package: str, path: Path) -> None:
    room = f"{package}.{path.parent.name}"
    others = {m for m in imports(path) if m.startswith(f"{room}.")}
    assert not others, f"{path}: move what is shared to a room beside {room}"


@pytest.mark.parametrize("path", [p for n, p in FILES if n == "lavida_gen"], ids=lambda p: p.stem)
def test_only_the_command_imports_the_command(path: Path) -> None:
    assert "lavida_gen.cli" not in imports(path) or path.stem == "__main__"


@pytest.mark.parametrize("module", ["lavida_gen.cli", "lavida_bench.cli"])
def test_help_imports_nothing_heavy(module: str) -> None:
    heavy = ["torch", "transformers", "cv2", "pyarrow", "albumentations", "datasets", "webdataset", "pandas", "scipy"]
    code = f"import sys; from {module} import main; main(['--help'], standalone_mode=False)"
    code += f"; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"
