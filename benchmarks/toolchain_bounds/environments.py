"""Environments with the lowest and the newest allowed versions, installed by uv, each with its own Python."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = ("augment", "hub")
"""Extras that both have. Not `bench` and `ray`: the generator builds without them, and torch alone is some GB."""
TOOLS = ("pytest", "pytest-xdist", "hypothesis")
"""What the tests need of the extra `dev`."""
MOST = ("numpy", "opencv-python-headless", "pillow", "av", "pycocotools", "pyarrow", "pydantic", "albumentations")
"""Packages of the table; a toolchain records the versions of most of them."""


@dataclass(frozen=True)
class Environment:
    """One environment.

    Attributes:
        folder: Where it lies.
        python: Version or path of its interpreter, as uv takes it.
        resolution: uv's word for which of the allowed versions are taken.
    """

    folder: Path
    python: str
    resolution: str

    @property
    def interpreter(self) -> Path:
        """The Python inside it."""
        return self.folder / "bin" / "python"

    def install(self, log: Path) -> None:
        """Make it anew. Raises CalledProcessError if the versions cannot be had together."""
        tables = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        developers = tables["optional-dependencies"]["dev"]
        tools = [text for text in developers if re.split(r"[<>=~;\[ ]", text)[0] in TOOLS]
        requirements = self.folder.with_suffix(".in")
        requirements.parent.mkdir(parents=True, exist_ok=True)
        requirements.write_text("".join(f"{tool}\n" for tool in tools))
        extras = [word for extra in EXTRAS for word in ("--extra", extra)]
        files = ["-r", "pyproject.toml", "-r", str(requirements)]
        run(["uv", "venv", "--quiet", "--clear", "--python", self.python, str(self.folder)], log)
        install = ["uv", "pip", "install", "--quiet", "--python", str(self.interpreter)]
        run([*install, "--upgrade", "--resolution", self.resolution, *extras, *files], log)
        run([*install, "--no-deps", "-e", "."], log)

    def versions(self) -> dict[str, str]:
        """Installed versions by package, with `python`."""
        code = (
            "import json, platform; from importlib import metadata; "
            "print(json.dumps({'python': platform.python_version()} | "
            "{d.metadata['Name'].lower(): d.version for d in metadata.distributions()}))"
        )
        done = subprocess.run([str(self.interpreter), "-c", code], check=True, capture_output=True, text=True)
        versions: dict[str, str] = json.loads(done.stdout)
        return versions

    def run(self, words: Iterable[str], log: Path, check: bool = True) -> str:
        """Run its Python at the root of the checkout; returns what it printed."""
        return run([str(self.interpreter), *words], log, check)


def run(words: list[str], log: Path, check: bool = True) -> str:
    """Run a command at the root of the checkout; what it prints goes to `log`, too.

    Args:
        words: The command.
        log: A file that is appended to.
        check: Whether a failure is an error.

    Returns:
        What it printed.
    """
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    with log.open("a") as file:
        file.write(f"$ {' '.join(words)}\n{done.stdout}\n")
    if check and done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def newest_python() -> str:
    """Path of the newest Python that uv, or pyenv, has on this machine."""
    found = {}
    for path in Path.home().glob(".pyenv/versions/3.*/bin/python"):
        found[tuple(int(number) for number in path.parts[-3].split(".")[:2])] = str(path)
    for minor in range(11, 20):
        done = subprocess.run(
            ["uv", "python", "find", "--no-python-downloads", f"3.{minor}"], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            found[3, minor] = done.stdout.strip()
    return found[max(found)]


def oldest_python() -> str:
    """The oldest version that pyproject.toml allows."""
    text: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    return text.removeprefix(">=")
