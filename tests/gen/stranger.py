"""A stranger's package, as docs/plugins.md has it: written to a folder as if pip had installed it, with its data."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
from PIL import Image

from lavida_gen.common import plugins

PAGE = Path(__file__).resolve().parents[2] / "docs" / "plugins.md"
FILE = r"`([\w/]+\.(?:py|toml|yaml))`[^`]*?(?:`[^`\n]*`[^`]*?)*\n\n```\w+\n(.*?)^```$"


def files() -> dict[str, str]:
    """Name -> text of the files that the page shows, each below a line that begins with its name."""
    text = PAGE.read_text("utf-8")
    return {match[1]: match[2] for match in re.finditer(rf"^{FILE}", text, re.MULTILINE | re.DOTALL)}


def install(site: Path, version: str = "1.2", package: str = "harbour") -> Path:
    """Write the package below `site`, which is to be put on sys.path."""
    shown = files()
    project = tomllib.loads(shown["pyproject.toml"])["project"]
    for name, text in shown.items():
        if name.startswith("harbour/"):
            path = site / name.replace("harbour", package)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("from harbour.", f"from {package}."))
    (site / package / "__init__.py").touch()
    info = site / f"{project['name'].replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n")
    (info / "top_level.txt").write_text(f"{package}\n")
    groups = [
        "\n".join(
            [f"[{group}]", *(f"{name} = {value.replace('harbour.', f'{package}.')}" for name, value in entries.items())]
        )
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n\n".join(groups) + "\n")
    return site


def forget() -> None:
    """Forget what was imported from an earlier installation, which lies in another folder."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("harbour", "loose_boats")]:
        del sys.modules[name]
    for cached in (plugins._imported, plugins._owner, plugins._entry_points):
        cached.cache_clear()


def draw(folder: Path) -> None:
    """photos/ of the source, films/ of the benchmark, and boats.yaml with the folder's own paths."""
    rng = np.random.default_rng(0)
    photos, films = folder / "photos", folder / "films"
    photos.mkdir()
    films.mkdir()
    for number in range(6):
        pixels = rng.integers(0, 256, (64, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(photos / f"{number}.png")
        boats = [[4 + number, 6, 20, 16], [40, 30, 24, 20 + number]]
        (photos / f"{number}.json").write_text(json.dumps({"size": [64, 80], "boat": boats}))
    for key, start, stop in (("calm", 0, 0), ("fire", 10, 20), ("storm", 3, 9)):
        frames = rng.integers(0, 100, (30, 16, 24, 3), dtype=np.uint8)
        frames[start:stop] += 100
        labels = np.zeros(30, bool)
        labels[start:stop] = True
        np.save(films / f"{key}.npy", frames)
        np.save(films / f"{key}.labels.npy", labels)
    (folder / "boats.yaml").write_text(files()["boats.yaml"])
