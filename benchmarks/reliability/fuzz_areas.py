"""What the generator reads: recipes, the annotations and photos of every source, corpora, records of builds, lists of names.

Valid input comes from the miniatures of the tests.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import miniatures
from click.testing import CliRunner
from fuzz_case import Area, VerbError

from lavida_gen.building import build as builder
from lavida_gen.building.build import BuildSettings
from lavida_gen.cli import main
from lavida_gen.common import plugins
from lavida_gen.common.errors import DataError
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import SOURCES
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.scenes import masks
from lavida_gen.sources._base import Source

STREET = {
    "name": "drawn", "about": "x", "seed": 5, "samples": 8, "val": 0.25, "shard": {"samples": 4}, "names_per_prompt": 5, "prompts_per_scene": 1,
    "anomaly_ratio": 0.5, "exposures": [{"name": "relabel"}, {"name": "absent", "weight": 2}], "limits": {"min_area": 0.0006},
    "sources": [{"name": "street", "kind": "image", "scenes": 20, "size": [96, 128], "weight": 3, "places": ["campus"]},
                {"name": "street", "kind": "clip", "scenes": 6, "size": [96, 128], "frames": 2, "seed": 3}],
}  # fmt: skip
NO_FILES = ("street",)
FORMAT1 = Path(__file__).resolve().parents[2] / "tests" / "gen" / "data" / "format1"


def verb(command: click.Command, *words: object) -> str:
    """Run a command in this process.

    Returns:
        What it printed.

    Raises:
        VerbError: It ended with exit code 1 or 2.
    """
    done = CliRunner().invoke(command, [str(word) for word in words])
    if done.exception is None or done.exit_code == 0:
        return done.output
    if not isinstance(done.exception, SystemExit) or done.exit_code not in (1, 2):
        raise done.exception
    raise VerbError(done.output) from done.exception


# ---- sources ----------------------------------------------------------------------------------------------------------


def read_source(source: Source) -> int:
    """Read all that a build and a check read; problems of single scenes do not keep it from the next ones.

    Raises:
        DataError: The first problem of a scene, once all were read.
    """
    first = None
    source.fingerprint()
    list(source.vocabulary())
    list(source.left_out())
    list(source.findings())
    for number in range(min(len(source), 30)):
        try:
            source.annotations_without_masks(number)
            scene = source.scene(number)
            scene.absent()
            for frame in scene.frames:
                frame.jpeg()
                frame.pixels()
            for region in scene.regions:
                for mask in region.masks:
                    if mask is not None:
                        masks.decode(mask)
        except DataError as error:
            first = first or error
    if first is not None:
        raise first
    return len(source)


class SourceReader:
    """Reads a source; every third case is `lavida-gen check`, every fifth `lavida-gen build`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.options: dict[str, Any] = {}

    def prepare(self, folder: Path) -> None:
        """Draw the miniature; its places are kept relative to it."""
        plain = miniatures.draw(self.name, folder)
        self.options = {
            key: value.relative_to(folder) if isinstance(value, Path) else value for key, value in plain.items()
        }

    def __call__(self, given: Path, out: Path, seed: int) -> str:
        """See the class."""
        options = {key: given / value if isinstance(value, Path) else value for key, value in self.options.items()}
        if seed % 3 and seed % 5:
            cls = plugins.find(SOURCES, Source, self.name)
            return f"{read_source(cls(cls.Options.model_validate(options)))} scenes"
        entry = {"name": self.name, **options, "absent_names": ["zeppelin", "submarine", "trombone", "iceberg"]}
        plain = {
            "name": "x",
            "samples": 3,
            "val": 0,
            "names_per_prompt": 3,
            "sources": [entry],
            "exposures": ["relabel", "absent"],
        }
        recipe = out / "recipe.json"
        recipe.write_text(json.dumps(plain, default=str))
        if seed % 3 == 0:
            return verb(main, "check", "--recipe", recipe, "--trial", 4, "--report", out / "page.html")
        return verb(main, "build", "--recipe", recipe, "--workers", 1, "--out", out / "corpus")


def _sources() -> Iterator[Area]:
    for name in plugins.built_in(SOURCES):
        if name not in NO_FILES:
            reader = SourceReader(name)
            yield Area(f"source {name}", reader.prepare, reader)


# ---- recipes and options ------------------------------------------------------------------------------------------------


def _write_recipes(folder: Path) -> None:
    (folder / "drawn.yaml").write_text(json.dumps(STREET))


def _read_recipe(given: Path, out: Path, seed: int) -> str:
    """One sample: a recipe may ask for as many as it likes."""
    name = given / "drawn.yaml"
    if seed % 2:
        return verb(main, "build", "--recipe", name, "--only", 0, "--out", out / "sample")
    return verb(main, "recipes", name) + verb(main, "build", "--recipe", name, "--dry-run", "--out", out / "corpus")


def _read_options(given: Path, out: Path, seed: int) -> str:
    """The mutated recipe's values one by one as `--set KEY=VALUE` of the whole one."""
    file = given / "settings.txt"
    changes = (
        file.read_text("utf-8", "surrogateescape").splitlines() if file.is_file() and file.stat().st_size < 1e6 else []
    )
    words = [word for change in changes for word in ("--set", change[:100_000])]
    whole = out / "whole.yaml"
    whole.write_text(json.dumps(STREET))
    return verb(main, "build", "--recipe", whole, "--only", 0, "--out", out / "sample", *words)


def _write_options(folder: Path) -> None:
    lines = [
        "seed=3",
        "sources.0.size=[96, 128]",
        "sources.1.frames=2",
        "exposures.1={name: absent, weight: 1}",
        "name=other",
        "limits.min_area=0.001",
    ]
    (folder / "settings.txt").write_text("\n".join(lines))


def _write_names(folder: Path) -> None:
    miniatures.draw("folder", folder)
    shutil.rmtree(folder / "images" / "deeper")
    shutil.rmtree(folder / "masks" / "deeper")


def _read_names(given: Path, out: Path, seed: int) -> str:
    cls = plugins.find(SOURCES, Source, "folder")
    return f"{read_source(cls(cls.Options.model_validate({'root': given, 'names': str(given / 'names.txt')})))} scenes"


# ---- corpora ------------------------------------------------------------------------------------------------------------


def _build(folder: Path) -> None:
    builder.build(recipes.parse(STREET), folder / "corpus")


def _copy_format1(folder: Path) -> None:
    shutil.copytree(FORMAT1, folder / "corpus")


def _build_part(folder: Path) -> None:
    builder.build_part(recipes.parse(STREET), folder / "corpus", slice(0, 2), BuildSettings())


def _build_all_parts(folder: Path) -> None:
    """Shards and records of a build that was stopped before it wrote the manifest."""
    for part in (slice(0, 1), slice(1, 99)):
        builder.build_part(recipes.parse(STREET), folder / "corpus", part, BuildSettings())


def _read_corpus(given: Path, out: Path, seed: int) -> str:
    corpus = given / "corpus"
    return [
        lambda: verb(main, "verify", corpus, "--workers", 1),
        lambda: verb(main, "stats", corpus),
        lambda: verb(main, "preview", corpus, "--out", out / "page.html"),
        lambda: verb(main, "show", corpus, 3, "--out", out / "x.png"),
        lambda: verb(main, "verify", corpus, "--workers", 1, "--json"),
        lambda: _decode(corpus),
        lambda: verb(main, "merge", out / "joined", corpus),
        lambda: verb(main, "stats", corpus, "--json"),
    ][seed % 8]()


def _decode(place: Path) -> str:
    corpus = open_corpus(place)
    for number in range(min(len(corpus), 20)):
        corpus[number]
    return repr(corpus)


def _continue(given: Path, out: Path, seed: int) -> str:
    corpus = given / "corpus"
    if seed % 2:
        return verb(main, "merge", corpus)
    recipe = out / "recipe.json"
    recipe.write_text(json.dumps(STREET))
    return verb(main, "build", "--recipe", recipe, "--workers", 1, "--out", corpus)


def _corpora() -> Iterator[Area]:
    yield Area("recipes", _write_recipes, _read_recipe)
    yield Area("options", _write_options, _read_options)
    yield Area("names lists", _write_names, _read_names)
    yield Area("corpora", _build, _read_corpus)
    yield Area("corpora of format 1", _copy_format1, _read_corpus)
    yield Area("records of parts", _build_part, _continue, own_input=True)
    yield Area("records of builds", _build_all_parts, _continue, own_input=True)
    yield Area("finished corpora, built again", _build, _continue, own_input=True)


def generator_areas() -> list[Area]:
    """All areas of the generator."""
    return [*_corpora(), *_sources()]
